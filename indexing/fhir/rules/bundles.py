"""Rules of Bundles: full URLs, the entries a type of bundle asks for, references inside it.

Source: https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from indexing.fhir.definitions import resource_types
from indexing.fhir.rules.datatypes import is_absolute
from indexing.fhir.walk import Json, Node, Scope, Walk

_REST = re.compile(r"(https?://\S+/)([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})").fullmatch
_RELATIVE = re.compile(r"[A-Za-z]+/[A-Za-z0-9\-.]{1,64}(/_history/\S+)?").fullmatch
_ONCE = frozenset({"self", "first", "previous", "prev", "next", "last"})
_NEED_URL = frozenset({"document", "message", "searchset", "collection", "history"})


def entries(bundle: Json) -> Iterator[tuple[int, Json]]:
    """The entries that are objects, with their index."""
    rows = bundle.get("entry")
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(row, dict):
            yield index, row


def check_bundle(walk: Walk, scope: Scope) -> None:
    """All rules of one bundle, after its entries were walked."""
    bundle = scope.resource
    _links(walk, bundle, scope.node)
    seen: set[tuple[str, str]] = set()
    for index, entry in entries(bundle):
        node: Node = (scope.node, "entry", index)
        _full_url(walk, bundle, entry, node)
        _unique(walk, bundle, entry, node, seen)
        if bundle.get("type") == "searchset":
            _search_entry(walk, bundle, entry, node)
    _document_or_message(walk, bundle, scope.node)
    _inner_references(walk, scope)


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


def _full_url(walk: Walk, bundle: Json, entry: Json, node: Node) -> None:
    url, resource = entry.get("fullUrl"), entry.get("resource")
    if not isinstance(url, str) or not url:
        if isinstance(resource, dict) and bundle.get("type") in _NEED_URL:
            exempt = resource.get("resourceType") in ("OperationOutcome", "Parameters")
            if not exempt and "fullUrl" not in entry:
                reason = "entries need a fullUrl, except in batches and transactions"
                walk.report(node, reason, code="required")
        return
    at: Node = (node, "fullUrl", None)
    if not is_absolute(url):
        walk.report(at, "fullUrl must be an absolute URL")
        return
    if not isinstance(resource, dict):
        return
    kind, name = resource.get("resourceType"), resource.get("id")
    match = _REST(url)
    if match is None or not isinstance(name, str) or match[2] not in resource_types():
        return
    if (match[2], match[3]) != (kind, name):
        walk.report(at, "fullUrl looks like a server's address, so it must end with /Type/id")


def _unique(walk: Walk, bundle: Json, entry: Json, node: Node, seen: set[tuple[str, str]]) -> None:
    """bdl-7: a fullUrl stands once, except for versions of one resource."""
    url, resource = entry.get("fullUrl"), entry.get("resource")
    if not isinstance(url, str) or bundle.get("type") == "history":
        return
    meta = resource.get("meta") if isinstance(resource, dict) else None
    version = meta.get("versionId") if isinstance(meta, dict) else None
    key = (url, str(version))
    if key in seen:
        reason = "bdl-7: another entry has this fullUrl and version"
        walk.report(node, reason, code="invariant")
    seen.add(key)


def _search_entry(walk: Walk, bundle: Json, entry: Json, node: Node) -> None:
    """Search results have ids and the type asked for; outcomes are OperationOutcomes."""
    resource, search = entry.get("resource"), entry.get("search")
    if not isinstance(resource, dict):
        return
    at: Node = (node, "resource", None)
    mode = search.get("mode") if isinstance(search, dict) else None
    kind = resource.get("resourceType")
    if mode == "outcome":
        if kind != "OperationOutcome":
            walk.report(at, "an entry of mode outcome must be an OperationOutcome")
        return
    if "id" not in resource and not (kind == "OperationOutcome" and mode is None):
        walk.report(at, "search results must have ids", code="required")
    wanted = _searched_types(bundle)
    if mode == "match" and wanted and kind not in wanted:
        walk.report(at, "not a type that the search asked for")


def _searched_types(bundle: Json) -> set[str]:
    """The resource types that the self link names; empty when it names none."""
    rows = bundle.get("link")
    for row in rows if isinstance(rows, list) else []:
        url = row.get("url") if isinstance(row, dict) else None
        if not isinstance(url, str) or row.get("relation") != "self":
            continue
        path, _, query = url.partition("?")
        for part in query.split("&"):
            if part.startswith("_type="):
                return set(part[6:].split(","))
        last = path.rstrip("/").rsplit("/", 1)[-1]
        return {last} if last in resource_types() else set()
    return set()


def _resolver(bundle: Json) -> dict[str, Json]:
    return {
        entry["fullUrl"]: entry["resource"]
        for _, entry in entries(bundle)
        if isinstance(entry.get("fullUrl"), str) and isinstance(entry.get("resource"), dict)
    }


def _absolute(reference: str, base: object) -> str:
    """Resolve a relative reference against the entry's own address, as the bundle page says."""
    match = _REST(base) if isinstance(base, str) else None
    if match is not None and _RELATIVE(reference):
        return match[1] + reference
    return reference


def _document_or_message(walk: Walk, bundle: Json, node: Node) -> None:
    """Subject, sections and focus of the first entry must be in the bundle."""
    kind = bundle.get("type")
    if kind not in ("document", "message"):
        return
    known = _resolver(bundle)
    for index, entry in entries(bundle):
        resource = entry.get("resource")
        if index == 0 and isinstance(resource, dict):
            for reference in _header_references(resource):
                target = _absolute(reference, entry.get("fullUrl"))
                if target.split("/_history/")[0] not in known and target not in known:
                    at: Node = (node, "entry", 0)
                    reason = f"a {kind} refers to a resource that is not in the bundle"
                    walk.report(at, reason, code="not-found")


def _header_references(resource: Json) -> Iterator[str]:
    """What a Composition or MessageHeader says that the bundle carries."""
    if resource.get("resourceType") == "MessageHeader":
        yield from _references_in(resource.get("focus"))
    elif resource.get("resourceType") == "Composition":
        for name in ("subject", "encounter", "author"):
            yield from _references_in(resource.get(name))
        yield from _section_references(resource.get("section"))


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


def _inner_references(walk: Walk, scope: Scope) -> None:
    """urn:uuid and urn:oid references end in the bundle; relative ones need a fullUrl to start."""
    known = _resolver(scope.resource)
    rows = dict(entries(scope.resource))
    closed = scope.resource.get("type") in _CLOSED
    for child in scope.children:
        parent = child.node[0]
        entry = rows.get(parent[2], {}) if parent else {}
        missing = "fullUrl" not in entry and scope.resource.get("type") not in _UNNAMED
        for node, text in child.references:
            if closed and text.startswith("urn:") and text.split("#")[0] not in known:
                reason = "refers by urn to a resource that is not in this bundle"
                walk.report(node, reason, code="not-found")
            elif missing and _RELATIVE(text):
                reason = "a relative reference stands in an entry without fullUrl"
                walk.report(node, reason, code="required")


# A batch or transaction may create what has no address yet; responses may omit it.
_UNNAMED = frozenset({"batch", "transaction", "batch-response", "transaction-response"})
# What these carry must be whole; a collection may speak of what it does not carry.
_CLOSED = frozenset({"transaction", "document", "message"})
