"""One received text to entries: a Bundle's, or the single resource that it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec
import numpy as np

from indexing.fhir.faults import Issue, Rejected, Unusable, Where
from indexing.fhir.identity import Claim, Plan, claim_entry, plan_entries
from indexing.fhir.reading import MAX_BYTES, JsonObject, parse
from indexing.fhir.reference import parse_reference, valid_id
from indexing.fhir.spans import step
from indexing.fhir.types import RESOURCE_TYPES

Method = Literal["PUT", "POST", "DELETE"]
MAX_OBJECTS = 1_500_000  # of one Bundle: entries cost memory before they are read

_NO_LINKS: Mapping[str, str] = {}
_ATOMIC = "transaction"
# Source: hl7.org/fhir/R4/valueset-bundle-type.html
_KINDS = frozenset((
    "document", "message", "transaction", "transaction-response", "batch", "batch-response",
    "history", "searchset", "collection",
))  # fmt: skip
# What a server answered is a record of that exchange, not data sent to us: kept as it is.
_ANSWERS = frozenset(("batch-response", "transaction-response"))
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource to store or delete.

    `index` is None for a single resource. What carries no request is "PUT" when it has an id,
    else "POST". `received` are the exact bytes (b"" for DELETE); `resource` is parsed from them
    ({} for DELETE), with `links` already applied to its references and its id set.
    `links` maps references as sent to "Type/id": store it, pass it to `splice.served`, and call
    `relink` with it whenever the received bytes are parsed again.
    `conditional` lists references such as "Practitioner?identifier=s|v" that only the store can
    resolve: find the target, then call `relink`. `assigned`: the id was made by us. `search` stands
    in the url of a conditional update or deletion, of which the id is provisional or "".
    `own_id`: the resource itself brought its id.
    `repeat`: the same content stood earlier in this Bundle; count it, do not store it again.
    """

    index: int | None
    resource_type: str
    resource_id: str
    assigned: bool
    method: Method
    url: str
    full_url: str
    received: bytes
    resource: JsonObject
    links: Mapping[str, str]
    conditional: tuple[str, ...] = ()
    if_none_exist: str | None = None
    if_match: str | None = None
    own_id: bool = False
    search: str | None = None
    issues: tuple[Issue, ...] = ()
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """What one text holds. Iterating parses lazily, so memory stays at one entry's size.

    `kind` is "single" or Bundle.type ("" when the Bundle names none). `atomic`: all or nothing,
    roll back on the first `Rejected`. `count` is the number of entries. `frame` is the Bundle
    itself with each entry's resource as None, for checking the Bundle; {} for a single resource.
    """

    kind: str
    atomic: bool
    count: int
    bundle_id: str | None
    frame: JsonObject
    _plan: Plan = field(repr=False)
    _where: Where = field(repr=False)

    @property
    def movable(self) -> frozenset[str]:
        """The "Type/id" of entries that a search may find to be another resource."""
        return frozenset(
            f"{claim.resource_type}/{claim.resource_id}"
            for claim in self._plan.claims
            if claim.search or claim.if_none_exist
        )

    def __iter__(self) -> Iterator[Entry | Rejected]:
        for claim in self._plan.claims:
            yield _read_entry(claim, self._plan, self._where, strict_links=self.atomic)


class _Frame(msgspec.Struct):
    """Just enough of a text to see whether it is a Bundle, and where its resources lie."""

    resourceType: msgspec.Raw = msgspec.Raw()  # noqa: N815


class _EntryFrame(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()


class _BundleFrame(msgspec.Struct):
    entry: list[_EntryFrame] = []


class _LooseFrame(msgspec.Struct):
    entry: list[msgspec.Raw] = []


_frame = msgspec.json.Decoder(_Frame)
_entry_frame = msgspec.json.Decoder(_EntryFrame)
_bundle_frame = msgspec.json.Decoder(_BundleFrame)
_loose_frame = msgspec.json.Decoder(_LooseFrame)


def read_submission(
    data: bytes,
    *,
    file: str = "",
    line: int | None = None,
    request: Mapping[str, str] | None = None,
) -> Submission:
    """Read a Bundle or a single resource; a Bundle that names no type is taken entry by entry.

    `request` is what came with a single resource, as Bundle.entry.request would say it, {} for
    nothing; a Bundle is one then as well, and kept whole.

    Raises:
        Unusable: the text as a whole cannot be used (not JSON, no resourceType, a Bundle whose
            entry is no list or whose type is none).
    """
    where = Where(file=file, line=line)
    text = data.removeprefix(_BOM).strip(b" \t\r\n")
    try:
        if request is None and _is_bundle(text):
            return _read_bundle(text, where)
        return _read_single(text, where, request)
    except Unusable as fault:
        raise fault.at(file=file, line=line) from None


def relink(resource: JsonObject, links: Mapping[str, str]) -> None:
    """Replace in place every `reference` that `links` maps."""
    if not links:
        return
    for owner in referring(resource):
        target = links.get(owner["reference"])
        if target is not None:
            owner["reference"] = target


def reread(entry: Entry) -> JsonObject:
    """Return the entry's resource as it was before anybody relinked more of it."""
    resource = parse(entry.received)
    relink(resource, entry.links)
    resource["id"] = entry.resource_id
    return resource


def _is_bundle(text: bytes) -> bool:
    if b'Bundle"' not in text:
        return False
    try:
        return bytes(_frame.decode(text).resourceType) == b'"Bundle"'
    except (msgspec.DecodeError, RecursionError):
        return False  # the strict parser will say why


def _read_single(text: bytes, where: Where, request: Mapping[str, str] | None = None) -> Submission:
    resource = parse(text)
    claim = claim_entry(None, {"request": dict(request or {})}, text, resource)
    plan = plan_entries([claim], "single")
    return Submission("single", False, 1, None, {}, plan, where)


def _read_bundle(text: bytes, where: Where) -> Submission:
    if text.count(b"{") > MAX_OBJECTS or len(text) > MAX_BYTES:
        raise Unusable("a Bundle too large to take at once: send it as NDJSON")
    spans = _resource_spans(text)
    frame = parse(_without(text, spans))
    # What is no object is an entry without a resource: the others land without it.
    entries = [each if isinstance(each, dict) else {} for each in frame.get("entry", [])]
    kind = frame.get("type") or ""
    if kind and not (isinstance(kind, str) and kind.lower() in _KINDS):
        raise Unusable("no type of a Bundle: nobody can say what to do", Where(path="Bundle.type"))
    if kind in _ANSWERS:
        return _read_single(text, where)
    claims = [
        claim_entry(index, entry, b"" if span is None else text[span[0] : span[1]], None)
        for index, (entry, span) in enumerate(zip(entries, spans, strict=True))
        if not _is_outcome(kind, entry)
    ]
    bundle_id = frame.get("id")
    return Submission(
        kind=kind,
        atomic=kind.lower() == _ATOMIC,  # a capital lets no half of it land
        count=len(claims),
        bundle_id=bundle_id if isinstance(bundle_id, str) else None,
        frame=frame,
        _plan=plan_entries(claims, kind),
        _where=where,
    )


def _is_outcome(kind: str, entry: dict[str, Any]) -> bool:
    """A searchset may carry an OperationOutcome about the search itself: not data."""
    search = entry.get("search")
    return kind == "searchset" and isinstance(search, dict) and search.get("mode") == "outcome"


def _resource_spans(text: bytes) -> list[tuple[int, int] | None]:
    """Find where each entry's resource lies in `text`."""
    try:
        frames = _bundle_frame.decode(text).entry
    except (msgspec.DecodeError, RecursionError):
        parse(text)  # says what is wrong, where it is the text's fault
        frames = _loose_frames(text)
    # A Raw is a view of `text`: its address says where it lies, which searching could not.
    base = _address(text)
    spans: list[tuple[int, int] | None] = []
    for frame in frames:
        view = memoryview(frame.resource)
        if view.nbytes and view[0] == 0x7B:
            start = _address(view) - base
            spans.append((start, start + view.nbytes))
        else:
            spans.append(None)
    return spans


def _loose_frames(text: bytes) -> list[_EntryFrame]:
    """Return the entries of a Bundle in which some are no objects: those hold no resource."""
    not_objects = Unusable("Bundle.entry is not a list of objects", Where(path="Bundle.entry"))
    if text.count(b",") > MAX_OBJECTS:  # millions of nulls would each cost memory
        raise not_objects
    try:
        entries = _loose_frame.decode(text).entry
    except msgspec.DecodeError:
        raise not_objects from None
    objects = (bytes(memoryview(entry)[:1]) == b"{" for entry in entries)
    return [
        _entry_frame.decode(entry) if is_object else _EntryFrame()
        for entry, is_object in zip(entries, objects, strict=True)
    ]


def _address(buffer: bytes | memoryview) -> int:
    address: int = np.frombuffer(buffer, dtype=np.uint8).__array_interface__["data"][0]
    return address


def _without(text: bytes, spans: list[tuple[int, int] | None]) -> bytes:
    """Return the Bundle's own text, each resource replaced by null: small, and parsed strictly."""
    pieces: list[bytes] = []
    at = 0
    for span in spans:
        if span is not None:
            pieces += (text[at : span[0]], b"null")
            at = span[1]
    pieces.append(text[at:])
    return b"".join(pieces)


def _read_entry(claim: Claim, plan: Plan, where: Where, *, strict_links: bool) -> Entry | Rejected:
    here = replace(where, entry=claim.index)
    if claim.fault is not None:
        return _rejected(claim, replace(here, path=claim.fault_path), claim.fault)
    if claim.method == "DELETE":
        return _entry(claim, {}, _NO_LINKS, (), ())
    try:
        resource = claim.resource if claim.resource is not None else parse(claim.received)
        _check(resource, claim)
        links, conditional, dangling = _resolve(resource, plan.links)
    except Unusable as fault:
        return _rejected(claim, replace(here, path=_rooted(claim, fault.where.path)), fault.reason)
    reason = "points into this Bundle, which has no such entry"
    if dangling and strict_links:
        return _rejected(claim, replace(here, path=dangling[0]), reason)
    resource["id"] = claim.resource_id
    issues = tuple(Issue(path, "warning", reason) for path in dangling)
    return _entry(claim, resource, links, conditional, issues)


def _rooted(claim: Claim, path: str) -> str:
    return ".".join(part for part in (_type_of(claim), path) if part)


def _entry(
    claim: Claim,
    resource: JsonObject,
    links: Mapping[str, str],
    conditional: tuple[str, ...],
    issues: tuple[Issue, ...],
) -> Entry:
    return Entry(
        index=claim.index,
        resource_type=claim.resource_type,
        resource_id=claim.resource_id,
        assigned=claim.assigned,
        method=claim.method,
        url=claim.url,
        full_url=claim.full_url,
        received=claim.received,
        resource=resource,
        links=links,
        conditional=conditional,
        if_none_exist=claim.if_none_exist,
        if_match=claim.if_match,
        own_id=claim.own_id,
        search=claim.search,
        issues=issues,
        repeat=claim.repeat,
    )


def _rejected(claim: Claim, where: Where, reason: str) -> Rejected:
    """Refuse a claim; a type and an id that are none may hold anything and are not repeated."""
    name = claim.resource_id if valid_id(claim.resource_id) else ""
    return Rejected(where, reason, _type_of(claim), name)


def _type_of(claim: Claim) -> str:
    return claim.resource_type and step(claim.resource_type)


def _check(resource: JsonObject, claim: Claim) -> None:
    kind = resource.get("resourceType")
    if not isinstance(kind, str):
        raise Unusable("no resourceType", Where(path="resourceType"))
    if kind not in RESOURCE_TYPES:
        raise Unusable("not a resource type of FHIR R4", Where(path="resourceType"))
    sent = resource.get("id")
    if sent is not None and not (isinstance(sent, str) and valid_id(sent)):
        raise Unusable("not a FHIR id: 1 to 64 of A-Z a-z 0-9 - .", Where(path="id"))
    if sent is not None and sent != claim.resource_id:
        raise Unusable("the id differs from the one in the request's url", Where(path="id"))


def referring(resource: JsonObject) -> Iterator[dict[str, Any]]:
    """Yield every object with a `reference` string."""
    stack: list[Any] = [resource]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            if type(node.get("reference")) is str:
                yield node
            stack += [
                inner for inner in node.values() if type(inner) is dict or type(inner) is list
            ]
        else:
            stack += [inner for inner in node if type(inner) is dict or type(inner) is list]


def _resolve(
    resource: JsonObject, known: Mapping[str, str]
) -> tuple[Mapping[str, str], tuple[str, ...], tuple[str, ...]]:
    """Relink in place; return the links used, conditional references, and paths that dangle."""
    if resource.get("resourceType") == "Bundle":  # it is kept whole, and points into itself
        return _NO_LINKS, (), ()
    links: dict[str, str] = {}
    conditional: list[str] = []
    dangling: list[str] = []
    for owner in referring(resource):
        text = owner["reference"]
        target = known.get(text)
        if target is not None:
            links[text] = owner["reference"] = target
        elif text.startswith("urn:"):
            dangling.append(text)
        elif "?" in text and parse_reference(text).form == "conditional":
            conditional.append(text)
    paths = tuple(path_of(resource, text) for text in dangling)
    return links or _NO_LINKS, tuple(dict.fromkeys(conditional)), paths


def path_of(resource: JsonObject, text: str) -> str:
    """Return the path of the first reference that reads `text`; only asked for faults."""
    stack: list[tuple[str, Any]] = [(str(resource.get("resourceType", "")), resource)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, dict):
            if node.get("reference") == text:
                return f"{path}.reference"
            stack += [(f"{path}.{step(key)}", inner) for key, inner in node.items()]
        elif isinstance(node, list):
            stack += [(f"{path}[{number}]", inner) for number, inner in enumerate(node)]
    return ""
