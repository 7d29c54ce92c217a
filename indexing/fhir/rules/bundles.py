"""Rules of Bundles: full URLs, the entries a type of bundle asks for, references inside it.

Source: https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from indexing.fhir.definitions import resource_types
from indexing.fhir.issues import Severity
from indexing.fhir.rules.datatypes import is_absolute
from indexing.fhir.rules.references import not_allowed
from indexing.fhir.rules.searchsets import check_search, entries
from indexing.fhir.walk import Json, Node, Scope, Walk

_REST = re.compile(r"(https?://\S+/)([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})").fullmatch
_RELATIVE = re.compile(r"[A-Za-z]+/[A-Za-z0-9\-.]{1,64}(/_history/\S+)?").fullmatch
_ONCE = frozenset({"self", "first", "previous", "prev", "next", "last"})
_NEED_URL = frozenset({"document", "message", "searchset", "collection", "history"})
# A batch or transaction may create what has no address yet; responses may omit it.
_UNNAMED = frozenset({"batch", "transaction", "batch-response", "transaction-response"})
# What these carry must be whole; a collection may speak of what it does not carry.
_CLOSED = frozenset({"transaction", "document", "message"})


def _kind(bundle: Json) -> str:
    kind = bundle.get("type")
    return kind if isinstance(kind, str) else ""


def check_bundle(walk: Walk, scope: Scope) -> None:
    """All rules of one bundle, after its entries were walked."""
    bundle = scope.resource
    kind = _kind(bundle)
    _links(walk, bundle, scope.node)
    seen: set[tuple[str, str]] = set()
    for index, entry in entries(bundle):
        node: Node = (scope.node, "entry", index)
        _full_url(walk, kind, entry, node)
        if kind != "history":
            _unique(walk, entry, node, seen)
    if kind == "searchset":
        check_search(walk, scope)
    known = _resolver(bundle)
    if kind in ("document", "message"):
        _header(walk, scope, known)
        _reachable(walk, scope, known)
    _inner_references(walk, scope, known)


def _links(walk: Walk, bundle: Json, node: Node) -> None:
    rows = bundle.get("link")
    seen: set[str] = set()
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        relation = row.get("relation") if isinstance(row, dict) else None
        if not isinstance(relation, str):
            continue
        if relation in seen and relation in _ONCE:
            reason = f"link relation {relation} may occur only once"
            walk.report((node, "link", index), reason)
        seen.add(relation)


def _full_url(walk: Walk, bundle_type: str, entry: Json, node: Node) -> None:
    url, resource = entry.get("fullUrl"), entry.get("resource")
    if not isinstance(url, str) or not url:
        kind = resource.get("resourceType") if isinstance(resource, dict) else "OperationOutcome"
        needs = bundle_type in _NEED_URL and kind not in ("OperationOutcome", "Parameters")
        if needs and "fullUrl" not in entry:
            reason = "entries need a fullUrl, except in batches and transactions"
            walk.report(node, reason, code="required")
        return
    at: Node = (node, "fullUrl", None)
    if not is_absolute(url):
        walk.report(at, "fullUrl must be an absolute URL")
    elif isinstance(resource, dict) and isinstance(resource.get("id"), str):
        match = _REST(url)
        if match is None or match[2] not in resource_types():
            return
        if (match[2], match[3]) != (resource.get("resourceType"), resource["id"]):
            walk.report(at, "fullUrl looks like a server's address: it must end with /Type/id")


def _unique(walk: Walk, entry: Json, node: Node, seen: set[tuple[str, str]]) -> None:
    """bdl-7: a fullUrl stands once, except for versions of one resource."""
    url, resource = entry.get("fullUrl"), entry.get("resource")
    if not isinstance(url, str):
        return
    meta = resource.get("meta") if isinstance(resource, dict) else None
    version = meta.get("versionId") if isinstance(meta, dict) else None
    key = (url, str(version))
    if key in seen:
        reason = "bdl-7: another entry has this fullUrl and version"
        walk.report(node, reason, code="invariant")
    seen.add(key)


def _resolver(bundle: Json) -> dict[str, Json]:
    return {
        entry["fullUrl"]: entry["resource"]
        for _, entry in entries(bundle)
        if isinstance(entry.get("fullUrl"), str) and isinstance(entry.get("resource"), dict)
    }


def _absolute(reference: str, base: object) -> str:
    """Resolve a relative reference against the entry's own address, as the bundle page says."""
    reference = reference.split("#")[0].split("/_history/")[0]
    match = _REST(base) if isinstance(base, str) else None
    if match is not None and _RELATIVE(reference):
        return match[1] + reference
    return reference


def _header(walk: Walk, scope: Scope, known: dict[str, Json]) -> None:
    """What the first entry of a document or message points at must be in the bundle."""
    first = next(entries(scope.resource), None)
    if first is None or not isinstance(first[1].get("resource"), dict):
        return
    for path, reference in _header_references(first[1]["resource"]):
        if _absolute(reference, first[1].get("fullUrl")) not in known:
            node: Node = ((scope.node, "entry", first[0]), "resource", None)
            reason = f"{path} refers to a resource that is not in the bundle"
            walk.report((node, path, None), reason, code="not-found")


_HEADER = {
    "MessageHeader": ("focus",),
    "Composition": ("subject", "encounter", "author", "custodian"),
}


def _header_references(resource: Json) -> Iterator[tuple[str, str]]:
    """What a Composition or MessageHeader says that the bundle carries, as (element, reference)."""
    kind = resource.get("resourceType")
    for name in _HEADER.get(kind, ()) if isinstance(kind, str) else ():
        for reference in _references_in(resource.get(name)):
            yield name, reference
    if kind == "Composition":
        for reference in _section_references(resource.get("section")):
            yield "section", reference


def _section_references(sections: object) -> Iterator[str]:
    for section in sections if isinstance(sections, list) else []:
        if isinstance(section, dict):
            yield from _references_in(section.get("entry"))
            yield from _section_references(section.get("section"))


def _references_in(value: object) -> Iterator[str]:
    for row in value if isinstance(value, list) else [value]:
        text = row.get("reference") if isinstance(row, dict) else None
        if isinstance(text, str) and text and text[0] != "#":
            yield text


def _entry_of(child: Scope) -> int | None:
    parent = child.node[0]
    return parent[2] if parent is not None and parent[1] == "entry" else None


def _reachable(walk: Walk, scope: Scope, known: dict[str, Json]) -> None:
    """Every entry hangs together with the first, by references in either direction."""
    rows = dict(entries(scope.resource))
    number = {
        row["fullUrl"]: index for index, row in rows.items() if isinstance(row.get("fullUrl"), str)
    }
    links: dict[int, set[int]] = {index: set() for index in rows}
    for child in scope.children:
        start = _entry_of(child)
        if start is None:
            continue
        for text in child.all_references():
            end = number.get(_absolute(text, rows[start].get("fullUrl")))
            if end is not None:
                links[start].add(end)
                links[end].add(start)
    reached, queue = {0}, [0]
    while queue:
        fresh = links.get(queue.pop(), set()) - reached
        reached |= fresh
        queue.extend(fresh)
    severity: Severity = "error" if _kind(scope.resource) == "document" else "warning"
    for index, row in rows.items():
        if index not in reached and str(row.get("fullUrl")) in known:
            reason = "no chain of references leads from the first entry to this one"
            walk.report((scope.node, "entry", index), reason, severity=severity)


def _inner_references(walk: Walk, scope: Scope, known: dict[str, Json]) -> None:
    """urn: references end in the bundle, at a fitting type; relative ones need a fullUrl."""
    rows = dict(entries(scope.resource))
    kind = _kind(scope.resource)
    for child in scope.children:
        entry = rows.get(_entry_of(child) or 0, {})
        homeless = "fullUrl" not in entry and kind not in _UNNAMED
        for node, text in child.references:
            if kind in _CLOSED and text.startswith("urn:") and text.split("#")[0] not in known:
                reason = "refers by urn to a resource that is not in this bundle"
                walk.report(node, reason, code="not-found")
            elif homeless and _RELATIVE(text):
                reason = "a relative reference stands in an entry without fullUrl"
                walk.report(node, reason, code="required")
        for node, text, targets in child.aimed:
            found = known.get(text.split("#")[0], {}).get("resourceType")
            if isinstance(found, str) and found in resource_types() and found not in targets:
                walk.report(node, not_allowed(found, targets), code="structure")
