"""FHIR R4: what comes in is kept byte for byte, and goes out with its stamps spliced in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from email.utils import format_datetime
from types import MappingProxyType
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.permissions import Permission
from app.auth.sessions import Principal, services, token_may
from app.fhir_bodies import (
    MEDIA,
    etag,
    issues_of,
    location,
    read_fhir,
    refusal,
    response_bundle,
    status_of,
)
from app.fhir_forms import answered_in_json
from app.fhir_known import is_known
from indexing.errors import Gone, InvalidInput, NotFound
from indexing.fhir.bundle import read_submission
from indexing.fhir.issues import operation_outcome
from indexing.fhir.splice import served
from indexing.ingest import Ingest, Outcome
from indexing.records import Held, Incoming

# What a writer wants back; an OperationOutcome for any other wish. Source: R4, http.html#ops.
_PREFERRED = re.compile(r"(?:^|[,;])\s*return=(minimal|representation)\s*(?=$|[,;])")

router = APIRouter(prefix="/fhir", dependencies=[Depends(answered_in_json)])

Reader = Annotated[Principal, Depends(token_may(Permission.RESOURCE_READ))]
Writer = Annotated[Principal, Depends(token_may(Permission.RESOURCE_WRITE))]
Body = Annotated[bytes, Depends(read_fhir)]


def _reply(body: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, media_type=MEDIA)


@router.post("")
@router.post("/")
def submit(request: Request, who: Writer, body: Body) -> Response:
    """Take a Bundle or a single resource; the latter only where `If-None-Exist` matches none."""
    kind = read_submission(body)
    if kind.kind == "single":
        return _single(request, who, body, "", _creation(request))
    if not kind.kind:
        raise InvalidInput("Bundle.type is missing: say batch or transaction")
    outcomes = _ingest(request, who).submit(body)
    if kind.atomic and any(outcome.rejected is not None for outcome in outcomes):
        return _reply(operation_outcome(issues_of(outcomes)), refusal(outcomes))
    return _reply(response_bundle(outcomes, kind.atomic), 200)


@router.post("/{kind}")
def create(request: Request, who: Writer, kind: str, body: Body) -> Response:
    """Take a resource of this type; a valid id that it brings is kept."""
    return _single(request, who, body, kind, _creation(request))


@router.put("/{kind}")
def update_match(request: Request, who: Writer, kind: str, body: Body) -> Response:
    """Take the next version of the one resource that the search in the address matches."""
    return _single(request, who, body, kind, _update(request, f"{kind}?{_search(request)}"))


@router.put("/{kind}/{resource_id}")
def update(request: Request, who: Writer, kind: str, resource_id: str, body: Body) -> Response:
    """Take the next version of a resource, or its first."""
    entry = next(iter(read_submission(body, request={})))
    if entry.resource_id != resource_id:
        raise InvalidInput("the body's id is not the one in the address")
    return _single(request, who, body, kind, _update(request, f"{kind}/{resource_id}"))


def _creation(request: Request) -> dict[str, str]:
    search = request.headers.get("if-none-exist", "")
    return {"method": "POST", "ifNoneExist": search} if search else {}


def _update(request: Request, url: str) -> dict[str, str]:
    return {"method": "PUT", "url": url, "ifMatch": request.headers.get("if-match", "")}


def _search(request: Request) -> str:
    """Return what stands behind the question mark, as it was sent.

    Raises:
        InvalidInput: nothing does.
    """
    if not request.url.query:
        raise InvalidInput("name the resource: Type/id, or Type?identifier=system|value")
    return request.url.query


def _single(
    request: Request, who: Principal, body: bytes, kind: str, asked: dict[str, str]
) -> Response:
    entry = next(iter(read_submission(body, request=asked)))
    if kind and entry.resource_type != kind:
        raise InvalidInput(f"the body is no {kind}")
    return _outcome(request, who, _ingest(request, who).submit(body, request=asked)[0])


def _outcome(request: Request, who: Principal, outcome: Outcome) -> Response:
    stored = outcome.stored
    body = operation_outcome(issues_of([outcome]))
    if outcome.rejected is not None:
        return _reply(body, refusal([outcome]))
    if stored is None:
        return Response(status_code=204)
    headers = {
        "Location": f"{request.base_url}fhir/{location(stored)}",
        **_stamps(stored.version, stored.last_updated),
    }
    status, preferred = int(status_of(stored)), _PREFERRED.search(request.headers.get("prefer", ""))
    if preferred and preferred[1] == "minimal":
        return Response(None, status, headers)
    if preferred and Permission.RESOURCE_READ in who.allowed:
        records = services(request).records
        name = (stored.resource_type, stored.resource_id, stored.version)
        # It is stored: who may not read what they wrote is told so much, and not to try again.
        with suppress(NotFound, Gone):
            return _served(records.read(who.access, *name), status, headers)
    return _reply(body, status, headers)


def _ingest(request: Request, who: Principal) -> Ingest:
    own = services(request)
    return Ingest(
        own.records, who.access, ZoneInfo(who.account.time_zone), reason="http",
        bases=own.settings.fhir_bases,
    )  # fmt: skip


@router.get("/{kind}/{resource_id}")
def read(request: Request, who: Reader, kind: str, resource_id: str) -> Response:
    """Return the newest version."""
    held = services(request).records.read(who.access, kind, resource_id)
    return _unless_known(request, held)


@router.get("/{kind}/{resource_id}/_history/{version}")
def read_version(
    request: Request, who: Reader, kind: str, resource_id: str, version: int
) -> Response:
    """Return one version."""
    held = services(request).records.read(who.access, kind, resource_id, version)
    return _unless_known(request, held)


def _unless_known(request: Request, held: Held) -> Response:
    """Answer with a version, without its body where the client holds it: that was a read of it."""
    if is_known(request.headers, held):
        return Response(status_code=304, headers=_stamps(held.version, held.last_updated))
    return _served(held)


def _stamps(version: int, last_updated: datetime) -> dict[str, str]:
    return {"ETag": etag(version), "Last-Modified": format_datetime(last_updated, usegmt=True)}


def _served(
    held: Held, status: int = 200, more: Mapping[str, str] = MappingProxyType({})
) -> Response:
    body = served(held.received, held.resource_id, held.version, held.last_updated, held.links)
    headers = {**_stamps(held.version, held.last_updated), **more}
    return Response(body, status, headers, media_type=MEDIA)


@router.delete("/{kind}")
def delete_match(request: Request, who: Writer, kind: str) -> Response:
    """Delete the one resource that the search in the address matches, if there is one."""
    outcome = _ingest(request, who).delete(kind, _search(request))
    if outcome.rejected is not None:
        return _outcome(request, who, outcome)
    headers = {"ETag": etag(outcome.stored.version)} if outcome.stored else {}
    return Response(status_code=204, headers=headers)


@router.delete("/{kind}/{resource_id}")
def delete(request: Request, who: Writer, kind: str, resource_id: str) -> Response:
    """Delete: what was there stays readable by its version alone. Once more changes nothing, so
    that a client whose answer was lost can ask again. Source: R4, http.html#delete."""
    records = services(request).records
    try:
        held = records.read(who.access, kind, resource_id)
    except Gone:
        return Response(status_code=204)
    gone = Incoming(kind, resource_id, b"", deleted=True, if_match=held.version)
    stored = records.store(who.access, [gone], reason="http")[0]
    return Response(status_code=204, headers={"ETag": etag(stored.version)})
