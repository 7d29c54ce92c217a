"""FHIR over HTTP: bodies in, with their encodings undone within limits; outcomes out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from fastapi import Request

from app.edge import MAX_FHIR_BODY
from app.errors import TooLarge, WrongMedia
from indexing.errors import InvalidInput
from indexing.fhir.issues import Issue, operation_outcome
from indexing.fhir.splice import instant
from indexing.ingest import Outcome
from indexing.records import Stored

MEDIA = "application/fhir+json"
_TAKEN = frozenset({MEDIA, "application/json", "text/json", "application/json+fhir"})
_PIECE = 64 * 1024


async def read_fhir(request: Request) -> bytes:
    """Read a FHIR body, gzip undone piece by piece: a bomb stops at the limit, not after it."""
    kind = request.headers.get("content-type", MEDIA).partition(";")[0].strip().lower()
    if kind not in _TAKEN:
        raise WrongMedia(f"send {MEDIA}")
    return await unpacked(request)


async def unpacked(request: Request) -> bytes:
    """Read a body as large as FHIR's may be, packed or not."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise WrongMedia("send it as it is, or with Content-Encoding: gzip")
    whole = bytearray()
    if encoding == "identity":
        async for piece in request.stream():
            whole += piece
        return bytes(whole)
    inflater = zlib.decompressobj(wbits=31)
    async for piece in request.stream():
        _inflate(inflater, piece, whole)
    if not inflater.eof:
        raise InvalidInput("the gzip body breaks off")
    return bytes(whole)


def _inflate(inflater: Any, piece: bytes, whole: bytearray) -> None:
    waiting = piece
    try:
        while waiting:
            if inflater.eof:
                raise InvalidInput("something follows the end of the gzip body")
            whole += inflater.decompress(waiting, _PIECE)
            if len(whole) > MAX_FHIR_BODY:
                raise TooLarge(f"at most {MAX_FHIR_BODY} bytes unpacked are taken here")
            waiting = inflater.unconsumed_tail or inflater.unused_data
    except zlib.error:
        raise InvalidInput("not a gzip body") from None


def issues_of(outcomes: Sequence[Outcome]) -> list[Issue]:
    """Return every finding, each with the place of its entry."""
    found = []
    for outcome in outcomes:
        if outcome.rejected is not None:
            where, reason = outcome.rejected.where, outcome.rejected.reason
            found.append(Issue("error", outcome.rejected.code, _at(outcome, where.path), reason))
        found += [Issue(i.severity, i.code, _at(outcome, i.path), i.reason) for i in outcome.issues]
    return found


def _at(outcome: Outcome, path: str) -> str:
    """Write where it is as FHIRPath, from the Bundle where there is one."""
    if outcome.index is None:
        return path
    entry = f"Bundle.entry[{outcome.index}]"
    first, dot, rest = path.partition(".")
    if first in ("request", "fullUrl", "resource"):
        return f"{entry}.{path}"
    below = f"{dot}{rest}" if first[:1].isupper() else f".{path}" if path else ""
    return f"{entry}.resource{below}"


def response_bundle(outcomes: Sequence[Outcome], atomic: bool) -> dict[str, Any]:
    """Answer a Bundle entry by entry. Source: hl7.org/fhir/R4/http.html#transaction-response"""
    entries = [_entry(outcome) for outcome in sorted(outcomes, key=lambda o: o.index or 0)]
    kind = "transaction-response" if atomic else "batch-response"
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


# What a refusal is called -> its status. Source: hl7.org/fhir/R4/http.html, at each interaction.
_REFUSED = {"conflict": 412, "multiple-matches": 412, "forbidden": 403, "invalid": 400}


def refusal(outcomes: Sequence[Outcome]) -> int:
    """Return the status that the first entry at fault asks for, 422 where none says more."""
    codes = [outcome.rejected.code for outcome in outcomes if outcome.rejected is not None]
    return next((_REFUSED[code] for code in codes if code in _REFUSED), 422)


def _entry(outcome: Outcome) -> dict[str, Any]:
    stored = outcome.stored
    if outcome.rejected is not None:
        found = operation_outcome(issues_of([outcome]))
        return {"response": {"status": str(refusal([outcome])), "outcome": found}}
    if stored is None:
        return {"response": {"status": "204"}}
    response: dict[str, Any] = {
        "status": "204" if outcome.deleted else status_of(stored),
        "etag": etag(stored.version),
        "lastModified": instant(stored.last_updated),
    }
    if not outcome.deleted:
        response["location"] = location(stored)
    if outcome.issues:
        response["outcome"] = operation_outcome(outcome.issues)
    return {"response": response}


def status_of(stored: Stored) -> str:
    """Return 201 for what is new or was brought back, 200 for what was there. Source:
    hl7.org/fhir/R4/http.html#update"""
    return "201" if stored.created else "200"


def etag(version: int) -> str:
    """Write a version as an ETag."""
    return f'W/"{version}"'


def location(stored: Stored) -> str:
    """Return a version's address below /fhir/."""
    return f"{stored.resource_type}/{stored.resource_id}/_history/{stored.version}"
