"""Received bytes to served bytes: only id, version, time and resolved references change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from indexing.fhir.spans import Member, members, text_of

# One change: data[start:end] becomes `text`.
_Edit = tuple[int, int, bytes]


def served(
    received: bytes,
    resource_id: str,
    version: int,
    last_updated: datetime,
    links: Mapping[str, str],
) -> bytes:
    """Return `received` with id, meta.versionId, meta.lastUpdated and `links` spliced in.

    `links` maps a reference as it was sent to the one it became ("Patient/…"); only those sent as
    "urn:uuid:…" or as a search ("Patient?identifier=…") are spliced: outside their Bundle the
    former mean nothing and the latter may mean something else. Every other byte stays: decimals,
    white space, member order.
    """
    found = list(members(received))
    top = {member.key: member for member in found if member.depth == 1}
    edits = [
        *_identify(received, top, resource_id),
        *_stamp(received, found, top, version, instant(last_updated)),
        *_relink(received, found, links),
    ]
    return _apply(received, edits)


def instant(moment: datetime) -> str:
    """Write a FHIR instant, in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


def _identify(data: bytes, top: Mapping[str, Member], resource_id: str) -> Iterator[_Edit]:
    member = top.get("id")
    if member is None:
        yield _insert(top, b'"id":' + _quoted(resource_id))
    elif _text(data, member) != resource_id:
        yield member.start, member.end, _quoted(resource_id)


def _stamp(
    data: bytes, found: list[Member], top: Mapping[str, Member], version: int, moment: str
) -> Iterator[_Edit]:
    stamps = {"versionId": str(version), "lastUpdated": moment}
    fresh = b",".join(_quoted(key) + b":" + _quoted(text) for key, text in stamps.items())
    meta = top.get("meta")
    if meta is None:
        yield _insert(top, b'"meta":{' + fresh + b"}")
        return
    if data[meta.start : meta.start + 1] != b"{":
        yield meta.start, meta.end, b"{" + fresh + b"}"
        return
    inner = {member.key: member for member in found if member.owner == meta.start}
    for key, text in stamps.items():
        if key not in inner:
            continue
        if _text(data, inner[key]) != text:
            yield inner[key].start, inner[key].end, _quoted(text)
    absent = [_quoted(key) + b":" + _quoted(stamps[key]) for key in stamps if key not in inner]
    if absent:
        at = max((member.end for member in inner.values()), default=meta.start + 1)
        yield at, at, (b"," if inner else b"") + b",".join(absent)


def _relink(data: bytes, found: list[Member], links: Mapping[str, str]) -> Iterator[_Edit]:
    if not links:
        return
    for member in found:
        if member.key != "reference":
            continue
        text = _text(data, member)
        if text.startswith("urn:") or "?" in text:
            target = links.get(text)
            if target is not None:
                yield member.start, member.end, _quoted(target)


def _text(data: bytes, member: Member) -> str:
    """Return a member's string, "" when it is no string."""
    token = data[member.start : member.end]
    return text_of(token) if token[:1] == b'"' else ""


def _insert(top: Mapping[str, Member], text: bytes) -> _Edit:
    """Put a new member behind resourceType, which every resource has."""
    at = top["resourceType"].end
    return at, at, b"," + text


def _apply(data: bytes, edits: list[_Edit]) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for start, end, text in sorted(edits, key=lambda edit: (edit[0], edit[1])):
        pieces += (data[at:start], text)
        at = end
    pieces.append(data[at:])
    return b"".join(pieces)
