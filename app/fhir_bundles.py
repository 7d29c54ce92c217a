"""FHIR Bundles of what was found: built from the bytes that were received."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import orjson

from app.fhir_bodies import etag
from indexing.backends.postgres.fhir_search import Found
from indexing.fhir.search.request import FhirSearch
from indexing.fhir.search.shown import shown
from indexing.fhir.splice import instant, served
from indexing.records import Held


def searchset(found: Found, asked: FhirSearch, base: str) -> bytes:
    """Write one page: matches, what is beside them, and what is missing, never in silence."""
    entries = [_entry(held, asked, base, "match") for held in found.matches]
    entries += [_entry(held, asked, base, "include") for held in found.included]
    if found.left_out:
        entries.append(_left_out(found.left_out))
    head: dict[str, object] = {"resourceType": "Bundle", "type": "searchset"}
    if found.total is not None:
        head["total"] = found.total
    if found.page_id:
        head["link"] = _links(found, base)
    return _joined(head, entries)


def _links(found: Found, base: str) -> Sequence[Mapping[str, str]]:
    """Name the pages by what they are called here: no word of the search stands in an address."""
    pages = {"self": found.start, "first": 0}
    if found.start + found.count < found.frozen:
        pages["next"] = found.start + found.count
    if found.start:
        pages["previous"] = max(0, found.start - found.count)
    return [
        {"relation": name, "url": f"{base}/_page/{found.page_id}?start={start}"}
        for name, start in pages.items()
    ]


def _entry(held: Held, asked: FhirSearch, base: str, mode: str) -> bytes:
    body = shown(_served(held), held.resource_type, asked)
    url = orjson.dumps(f"{base}/{held.resource_type}/{held.resource_id}")
    return b'{"fullUrl":%b,"resource":%b,"search":{"mode":"%b"}}' % (url, body, mode.encode())


def _served(held: Held) -> bytes:
    return served(held.received, held.resource_id, held.version, held.last_updated, held.links)


def _left_out(counts: Mapping[str, int]) -> bytes:
    """Say what a page does not show. Source: R4, bundle.html#searchset, mode outcome."""
    issues = [
        {"severity": "warning", "code": "incomplete", "diagnostics": f"{n} left out: {why}"}
        for why, n in counts.items()
    ]
    outcome = {"resourceType": "OperationOutcome", "issue": issues}
    return orjson.dumps({"resource": outcome, "search": {"mode": "outcome"}})


def history(versions: Sequence[Held], base: str, count: int) -> bytes:
    """Write the versions of one resource, newest first; a deletion has no resource."""
    before = [*versions[1:], None]
    pairs = zip(versions[:count], before, strict=False)
    entries = [_version(held, older, base) for held, older in pairs]
    if len(versions) > count:
        left = {"older versions, each still read by its number": len(versions) - count}
        entries.append(_left_out(left))
    head = {"resourceType": "Bundle", "type": "history", "total": len(versions)}
    return _joined(head, entries)


def _version(held: Held, older: Held | None, base: str) -> bytes:
    name = f"{held.resource_type}/{held.resource_id}"
    method = "DELETE" if held.deleted else "POST" if held.version == 1 else "PUT"
    brought_back = older is not None and older.deleted
    status = {"DELETE": "204", "POST": "201", "PUT": "201" if brought_back else "200"}[method]
    response = {
        "status": status, "etag": etag(held.version), "lastModified": instant(held.last_updated),
    }  # fmt: skip
    head = orjson.dumps({
        "fullUrl": f"{base}/{name}", "request": {"method": method, "url": name},
        "response": response,
    })  # fmt: skip
    if held.deleted:
        return head
    return head[:-1] + b',"resource":' + _served(held) + b"}"


def _joined(head: Mapping[str, object], entries: Iterable[bytes]) -> bytes:
    text = b",".join(entries)
    return orjson.dumps(head)[:-1] + (b',"entry":[' + text + b"]}" if text else b"}")
