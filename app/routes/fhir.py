"""FHIR R4: what comes in is kept byte for byte, and goes out with its stamps spliced in."""

from __future__ import annotations

from email.utils import format_datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.permissions import Permission
from app.auth.sessions import Principal, services, token_may
from app.errors import Stale
from app.fhir_bodies import (
    MEDIA,
    etag,
    issues_of,
    location,
    read_fhir,
    response_bundle,
    status_of,
)
from indexing.errors import Conflict, InvalidInput, NotFound
from indexing.fhir.bundle import read_submission
from indexing.fhir.issues import operation_outcome
from indexing.fhir.splice import served
from indexing.ingest import Ingest, Outcome
from indexing.records import Held, Incoming

router = APIRouter(prefix="/fhir")

Reader = Annotated[Principal, Depends(token_may(Permission.RESOURCE_READ))]
Writer = Annotated[Principal, Depends(token_may(Permission.RESOURCE_WRITE))]
Body = Annotated[bytes, Depends(read_fhir)]


def _reply(body: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, media_type=MEDIA)


@router.post("")
@router.post("/")
def submit(request: Request, who: Writer, body: Body) -> Response:
    """Take a Bundle or a single resource."""
    kind = read_submission(body)
    if kind.kind == "single":
        return _single(request, who, body, "", "")
    outcomes = _ingest(request, who).submit(body)
    if kind.atomic and any(outcome.rejected is not None for outcome in outcomes):
        return _reply(operation_outcome(issues_of(outcomes)), 422)
    return _reply(response_bundle(outcomes, kind.atomic), 200)


@router.post("/{kind}")
def create(request: Request, who: Writer, kind: str, body: Body) -> Response:
    """Take a resource of this type; a valid id that it brings is kept."""
    return _single(request, who, body, kind, "")


@router.put("/{kind}/{resource_id}")
def update(request: Request, who: Writer, kind: str, resource_id: str, body: Body) -> Response:
    """Take the next version of a resource, or its first."""
    return _single(request, who, body, kind, resource_id)


def _single(request: Request, who: Principal, body: bytes, kind: str, resource_id: str) -> Response:
    entry = next(iter(read_submission(body)))
    if kind and entry.resource_type != kind:
        raise InvalidInput(f"the body is no {kind}")
    if resource_id and entry.resource_id != resource_id:
        raise InvalidInput("the body's id is not the one in the address")
    if resource_id:
        _expect(request, who, kind, resource_id)
    outcome = _ingest(request, who).submit(body)[0]
    return _outcome(request, outcome)


def _expect(request: Request, who: Principal, kind: str, resource_id: str) -> None:
    """Hold `If-Match` against the stored version.

    Raises:
        Stale: it is another one.
    """
    wanted = request.headers.get("if-match", "").removeprefix("W/").strip('"')
    if not wanted:
        return
    try:
        stored = str(services(request).records.read(who.access, kind, resource_id).version)
    except NotFound:
        stored = ""
    if stored != wanted:
        raise Stale(f"{kind}/{resource_id} is at another version")


def _outcome(request: Request, outcome: Outcome) -> Response:
    stored = outcome.stored
    body = operation_outcome(issues_of([outcome]))
    if stored is None:
        return _reply(body, 422)
    headers = {
        "Location": f"{request.base_url}fhir/{location(stored)}",
        "ETag": etag(stored.version),
        "Last-Modified": format_datetime(stored.last_updated, usegmt=True),
    }
    return _reply(body, int(status_of(stored)), headers)


def _ingest(request: Request, who: Principal) -> Ingest:
    return Ingest(
        services(request).records, who.access, ZoneInfo(who.account.time_zone), reason="http"
    )


@router.get("/{kind}/{resource_id}")
def read(request: Request, who: Reader, kind: str, resource_id: str) -> Response:
    """Return the newest version."""
    return _served(services(request).records.read(who.access, kind, resource_id))


@router.get("/{kind}/{resource_id}/_history/{version}")
def read_version(
    request: Request, who: Reader, kind: str, resource_id: str, version: int
) -> Response:
    """Return one version."""
    return _served(services(request).records.read(who.access, kind, resource_id, version))


def _served(held: Held) -> Response:
    body = served(held.received, held.resource_id, held.version, held.last_updated, held.links)
    headers = {
        "ETag": etag(held.version),
        "Last-Modified": format_datetime(held.last_updated, usegmt=True),
    }
    return Response(body, 200, headers, media_type=MEDIA)


@router.delete("/{kind}/{resource_id}")
def delete(request: Request, who: Writer, kind: str, resource_id: str) -> Response:
    """Delete: what was there stays readable by its version alone."""
    records = services(request).records
    held = records.read(who.access, kind, resource_id)
    gone = Incoming(
        kind, resource_id, b"", deleted=True, patient_id=held.patient_id, if_match=held.version
    )
    try:
        stored = records.store(who.access, [gone], reason="http")[0]
    except Conflict as exc:
        raise Stale(f"{kind}/{resource_id} changed meanwhile") from exc
    return Response(status_code=204, headers={"ETag": etag(stored.version)})
