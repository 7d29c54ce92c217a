"""Which resource each entry of a Bundle is: its type and id, and what its fullUrl stands for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast
from uuid import uuid4

import msgspec

from indexing.fhir.reading import JsonObject
from indexing.fhir.reference import parse_reference, valid_id
from indexing.fhir.types import RESOURCE_TYPES

_UUID = re.compile(r"urn:uuid:([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")
_METHODS = ("PUT", "POST", "DELETE")
TWO_CONTENTS = "two contents under one id in one Bundle"


class _Head(msgspec.Struct):
    """The two members that name a resource; of any JSON type, because input may be anything."""

    resourceType: Any = None  # noqa: N815
    id: Any = None


_head = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Claim:
    """What an entry says it is. `fault` is why it cannot be taken, None when it can.

    `resource` is given where it is parsed already (a single resource). `search` stands in the url
    of a conditional update or deletion; `own_id`: the resource itself brought its id.
    """

    index: int | None
    resource_type: str
    resource_id: str
    assigned: bool
    method: Literal["PUT", "POST", "DELETE"]
    url: str
    full_url: str
    received: bytes
    resource: JsonObject | None = None
    if_none_exist: str | None = None
    if_match: str | None = None
    own_id: bool = False
    search: str | None = None
    fault: str | None = None
    fault_path: str = ""
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The claims to read in order, and what each reference within the Bundle stands for."""

    claims: tuple[Claim, ...]
    links: Mapping[str, str]


def claim_entry(
    index: int | None, entry: Mapping[str, Any], received: bytes, resource: JsonObject | None
) -> Claim:
    """Read what an entry (`{}` for a single resource) says about itself."""
    request = entry.get("request")
    request = request if isinstance(request, dict) else {}
    kind, sent_id = _name(received, resource)
    method, url = _text(request.get("method")), _text(request.get("url"))
    full_url = _text(entry.get("fullUrl"))
    known = method if method in _METHODS else "PUT"
    claim = Claim(
        index=index,
        resource_type=kind,
        resource_id=sent_id,
        assigned=False,
        method=cast(Literal["PUT", "POST", "DELETE"], known),
        url=url,
        full_url=full_url,
        received=received,
        resource=resource,
        if_none_exist=_text(request.get("ifNoneExist")) or None,
        if_match=_text(request.get("ifMatch")) or None,
        own_id=bool(sent_id),
    )
    if method and method not in _METHODS:
        return _faulty(claim, "this method is not taken here", "request.method")
    if known == "DELETE":
        return _claim_deletion(claim)
    if not received:
        return _faulty(claim, "no resource in this entry", "resource")
    return _identify(claim, sent=bool(method))


def _name(received: bytes, resource: JsonObject | None) -> tuple[str, str]:
    """Return resourceType and id as sent, "" where absent or no string."""
    if resource is not None:
        return _text(resource.get("resourceType")), _text(resource.get("id"))
    if not received:
        return "", ""
    try:
        head = _head.decode(received)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return "", ""  # the strict parser will say why
    return _text(head.resourceType), _text(head.id)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _faulty(claim: Claim, fault: str, path: str) -> Claim:
    return replace(claim, fault=fault, fault_path=path)


def _claim_deletion(claim: Claim) -> Claim:
    target = parse_reference(claim.url)
    if target.form == "conditional":
        search = claim.url.partition("?")[2]
        return replace(claim, resource_type=target.type, resource_id="", received=b"",
                       search=search)  # fmt: skip
    if target.form != "relative":
        return _faulty(claim, "a DELETE needs the url Type/id or Type?search", "request.url")
    return replace(claim, resource_type=target.type, resource_id=target.id, received=b"")


def _identify(claim: Claim, *, sent: bool) -> Claim:
    """Settle the id: the request's for PUT, else the resource's, the fullUrl's, or a new one."""
    if claim.resource_type not in RESOURCE_TYPES or (
        claim.resource_id and not valid_id(claim.resource_id)
    ):
        return claim  # `bundle` parses it and says what is wrong, with its path
    if sent and claim.method == "PUT" and claim.url:
        target = parse_reference(claim.url)
        if target.form not in ("relative", "conditional"):
            return _faulty(claim, "a PUT needs the url Type/id or Type?search", "request.url")
        if target.type != claim.resource_type:
            return _faulty(claim, "the type differs from the resource's", "request.url")
        if target.form == "conditional":
            claim = replace(claim, search=claim.url.partition("?")[2])
            return _named(claim, "PUT")
        if claim.resource_id and claim.resource_id != target.id:
            return _faulty(claim, "the id differs from the resource's", "request.url")
        return replace(claim, resource_id=target.id)
    return _named(claim, claim.method if sent else "POST")


def _named(claim: Claim, method: Literal["PUT", "POST", "DELETE"]) -> Claim:
    if claim.resource_id:
        return claim
    if implied := _implied_id(claim):
        return replace(claim, resource_id=implied)
    return replace(claim, resource_id=str(uuid4()), assigned=True, method=method)


def _implied_id(claim: Claim) -> str:
    """Return the id that fullUrl implies: its uuid, or the end of "…/Type/id"."""
    if found := _UUID.fullmatch(claim.full_url):
        return found[1]
    target = parse_reference(claim.full_url)
    return target.id if target.type == claim.resource_type else ""


def plan_entries(claims: Sequence[Claim], kind: str) -> Plan:
    """Set the claims of one Bundle against each other and map its fullUrls.

    A history Bundle lists newest first and may hold one resource many times; it is taken oldest
    first, as it happened.
    """
    if kind == "history":
        ordered = tuple(reversed(claims))
    else:
        ordered = _settle(claims, lambda claim: (claim.resource_type, claim.resource_id))
        ordered = _settle(ordered, lambda claim: claim.full_url, by_target=True)
    links = {
        claim.full_url: f"{claim.resource_type}/{claim.resource_id}"
        for claim in ordered
        if claim.full_url and claim.resource_id and claim.method != "DELETE"
    }
    return Plan(ordered, links)


def _settle(
    claims: Sequence[Claim], key: Callable[[Claim], object], *, by_target: bool = False
) -> tuple[Claim, ...]:
    """Mark repeats of one content, and refuse all entries that disagree under one key.

    With `by_target` the key is a fullUrl, and only entries that name different resources disagree.
    """
    groups: dict[object, list[int]] = defaultdict(list)
    for number, claim in enumerate(claims):
        if key(claim) and claim.resource_id and claim.fault is None:
            groups[key(claim)].append(number)
    settled = list(claims)
    for numbers in groups.values():
        if len(numbers) == 1:
            continue
        group = [claims[number] for number in numbers]
        if by_target:
            if len({(claim.resource_type, claim.resource_id) for claim in group}) > 1:
                for number in numbers:
                    fault = "two resources under one fullUrl in one Bundle"
                    settled[number] = _faulty(claims[number], fault, "fullUrl")
        elif len({(claim.received, claim.method == "DELETE") for claim in group}) > 1:
            for number in numbers:
                settled[number] = _faulty(claims[number], TWO_CONTENTS, "id")
        else:
            for number in numbers[1:]:
                settled[number] = replace(claims[number], repeat=True)
    return tuple(settled)
