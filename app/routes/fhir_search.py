"""FHIR R4 reads of many resources: search, $everything, history, and what can be asked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.permissions import Permission
from app.auth.sessions import Principal, services, token_may
from app.errors import WrongMedia
from app.fhir_bodies import MEDIA
from app.fhir_bundles import history, searchset
from app.fhir_capabilities import capabilities
from app.fhir_forms import answered_in_json
from indexing.errors import InvalidInput
from indexing.fhir.search.facts import known_types
from indexing.fhir.search.request import MOST, PAGE, is_of_form, read_search
from indexing.fhir.search.terms import Updated, read_updated

router = APIRouter(prefix="/fhir", dependencies=[Depends(answered_in_json)])

Reader = Annotated[Principal, Depends(token_may(Permission.RESOURCE_READ))]
Pairs = list[tuple[str, str]]
_MOST_PAIRS = 200


def _bundle(body: bytes) -> Response:
    return Response(body, media_type=MEDIA)


def _base(request: Request) -> str:
    return f"{request.base_url}fhir"


def _pairs(text: str) -> Pairs:
    try:
        return parse_qsl(
            text, keep_blank_values=True, max_num_fields=_MOST_PAIRS, errors="strict",
            strict_parsing=bool(text),
        )  # fmt: skip
    except ValueError:
        raise InvalidInput("the parameters cannot be read: name=value, joined by &") from None


async def read_form(request: Request) -> Pairs:
    """Read the parameters of a POST: those in the body and those in the address."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise WrongMedia("send application/x-www-form-urlencoded")
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        raise InvalidInput("the parameters are not UTF-8") from None
    return [*_pairs(text), *_pairs(request.url.query)]


@router.get("/metadata")
def metadata(request: Request) -> Response:
    """Say what can be asked here; needs no account."""
    return _bundle(capabilities(_base(request)))


@router.get("/_page/{page_id}")
def open_page(request: Request, who: Reader, page_id: str, start: int = 0) -> Response:
    """Open a page of an answer again."""
    found, asked = services(request).fhir.open(who.access, page_id, start)
    return _bundle(searchset(found, asked, _base(request)))


@router.get("/Patient/{patient_id}/$everything")
def everything(request: Request, who: Reader, patient_id: str) -> Response:
    """Return all that stands in a patient's record; never another patient's."""
    types: tuple[str, ...] = ()
    since, count = None, PAGE
    for name, value in _pairs(request.url.query):
        if name == "_type":
            types = (*types, *_types(value))
        elif name == "_since":
            since = _since(value, who)
        elif name == "_count":
            count = _number(value)
        elif not is_of_form(name, value):
            raise InvalidInput("$everything takes _type, _since and _count")
    found = services(request).fhir.everything(who.access, patient_id, types, since, count)
    asked = read_search("Patient", [], ZoneInfo(who.account.time_zone))
    return _bundle(searchset(found, asked, _base(request)))


@router.get("/{kind}/{resource_id}/_history")
def versions(request: Request, who: Reader, kind: str, resource_id: str) -> Response:
    """Return the versions of a resource, newest first."""
    since, count = None, MOST
    for name, value in _pairs(request.url.query):
        if name == "_since":
            since = _since(value, who)
        elif name == "_count":
            count = _number(value)
        elif not is_of_form(name, value):
            raise InvalidInput("_history takes _since and _count")
    held = services(request).fhir.history(who.access, kind, resource_id, since)
    return _bundle(history(held, _base(request), count))


@router.get("/{kind}")
def search(request: Request, who: Reader, kind: str) -> Response:
    """Search a type; what is asked stands in the address, which POST _search avoids."""
    return _search(request, who, kind, _pairs(request.url.query))


@router.post("/{kind}/_search")
def search_posted(
    request: Request, who: Reader, kind: str, pairs: Annotated[Pairs, Depends(read_form)]
) -> Response:
    """Search a type with the question in the body."""
    return _search(request, who, kind, pairs)


def _search(request: Request, who: Principal, kind: str, pairs: Pairs) -> Response:
    base = _base(request)
    bases = services(request).settings.fhir_bases | {f"{base}/"}
    asked = read_search(kind, pairs, ZoneInfo(who.account.time_zone), bases)
    return _bundle(searchset(services(request).fhir.search(who.access, asked), asked, base))


def _types(value: str) -> list[str]:
    names = value.split(",")
    if not set(names) <= set(known_types()):
        raise InvalidInput("_type: no such resource type in R4")
    return names


def _since(value: str, who: Principal) -> datetime:
    found: Updated = read_updated(value, ZoneInfo(who.account.time_zone))
    if found.prefix != "eq":
        raise InvalidInput("_since: an instant, without a prefix")
    return found.low


def _number(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value[:9]) <= MOST:
        raise InvalidInput(f"_count: a whole number from 1 to {MOST}")
    return int(value)
