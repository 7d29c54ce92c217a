"""Writes in bulk, each item judged by itself: what was refused for the moment is tried again, what
lost to a newer version is done, what is itself at fault is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import orjson
from urllib3 import Timeout

from indexing.backends.opensearch import smile
from indexing.backends.opensearch.connect import (
    CONNECT_S,
    READ_ONLY,
    READ_S,
    Connection,
    Missing,
)
from indexing.backends.opensearch.names import Names
from indexing.errors import EngineUnavailable, EventRejected
from indexing.model import TenantId

# Of one request, some eighty notes: the server works on them while the next are being made. With
# 2 MB a batch of 500 notes was nearly made before it began.
MOST_BYTES = 1 << 19
HOMELESS = "1s"  # that the server waits for lost shards; its own minute, each time, held a lane
BACK_OFF_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)

_BUSY = frozenset({429, 502, 503, 504})

Verdict = Literal["done", "again", "missing", "blocked", "rejected"]


@dataclass(frozen=True, slots=True)
class Form:
    """How a request is written: each document with what ends it."""

    mime: str
    written: Callable[[Mapping[str, Any]], bytes]


JSON = Form("application/json", lambda document: orjson.dumps(document) + b"\n")
SMILE = Form("application/smile", smile.dumps)  # numbers as they are: what holds vectors


@dataclass(frozen=True, slots=True)
class Item:
    """One document on its way, as the two parts of a bulk request; those of one write have one
    form."""

    doc_id: str
    version: int
    parts: bytes
    form: Form


def item(doc_id: str, id_: str, version: int, body: Mapping[str, Any], form: Form = JSON) -> Item:
    """Make an item that only counts when no newer version is there.

    Raises:
        EventRejected: the document cannot be spelled.
    """
    action = {"index": {"_id": id_, "version": version, "version_type": "external_gte"}}
    try:
        parts = form.written(action) + form.written(body)
    except (TypeError, OverflowError, UnicodeError) as exc:
        raise EventRejected("OpenSearch cannot hold this document") from exc
    return Item(doc_id, version, parts, form)


Make = Callable[[], Iterable[Item]]
"""Makes the items of a write, one for each document. What is made is sent while the next is being
made, and all of it again where there was no index yet."""


def write(connection: Connection, names: Names, tenant_id: TenantId, make: Make) -> None:
    """Write every item, durable and visible on return.

    Raises:
        EngineUnavailable: it keeps refusing, or refuses to write at all.
        EventRejected: some items are at fault; the others are written.
    """
    try:
        if not _written(connection, names, tenant_id, make()):
            names.make(tenant_id)
            if not _written(connection, names, tenant_id, make()):
                raise EngineUnavailable("OpenSearch lost an index", hint="It is tried again.")
    finally:
        if not names.rebuilding(tenant_id):
            with suppress(Missing):
                names.refresh(tenant_id)


def _written(
    connection: Connection, names: Names, tenant_id: TenantId, items: Iterable[Item]
) -> bool:
    """Write every item; say whether the index is there at all.

    Raises:
        EngineUnavailable: it keeps refusing, or refuses to write at all.
        EventRejected: some items are at fault; the others are written.
    """
    send = partial(_settled, connection, names, tenant_id)
    found = list(connection.side_by_side(send, _chunks(items)))
    if None in found:
        return False
    rejected = [doc_id for some in found for doc_id in some or ()]
    if rejected:
        raise EventRejected(f"OpenSearch refuses {len(rejected)} documents, first {rejected[0]!r}")
    return True


def _settled(
    connection: Connection, names: Names, tenant_id: TenantId, chunk: Sequence[Item]
) -> list[str] | None:
    """Send one request until nothing waits; return what is at fault, None without an index."""
    rejected: list[str] = []
    waiting = list(chunk)
    for pause in (*BACK_OFF_S, None):
        verdicts = _send(connection, names, tenant_id, waiting)
        if "missing" in verdicts:
            return None
        if "blocked" in verdicts:
            raise EngineUnavailable("OpenSearch refuses to write", hint=READ_ONLY)
        pairs = list(zip(waiting, verdicts, strict=True))
        rejected += [each.doc_id for each, verdict in pairs if verdict == "rejected"]
        waiting = [each for each, verdict in pairs if verdict == "again"]
        if not waiting or pause is None:
            break
        time.sleep(pause)
    if waiting:
        raise EngineUnavailable(
            "OpenSearch is overloaded or has lost shards",
            hint="It is tried again; `anamnesis doctor` tells of lost shards.",
        )
    return rejected


def _chunks(items: Iterable[Item]) -> Iterator[Sequence[Item]]:
    chunk: list[Item] = []
    size = 0
    for each in items:
        if chunk and size + len(each.parts) > MOST_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += len(each.parts)
    if chunk:
        yield chunk


def _send(
    connection: Connection, names: Names, tenant_id: TenantId, items: Sequence[Item]
) -> list[Verdict]:
    body = b"".join(each.parts for each in items)
    # Without an alias a bulk would make an index of its own, with a mapping of its own.
    alias = "false" if names.rebuilding(tenant_id) else "true"
    params: dict[str, Any] = {
        "require_alias": alias, "filter_path": "items.*.status,items.*.error.type",
        "timeout": HOMELESS, "request_timeout": Timeout(connect=CONNECT_S, read=READ_S),
    }  # fmt: skip
    with connection.calling("write") as client:
        # `client.bulk` would end the body by a line.
        answer = client.transport.perform_request(
            "POST", f"/{names.target(tenant_id)}/_bulk", params=params, body=body,
            headers={"content-type": items[0].form.mime, "accept": JSON.mime},
        )  # fmt: skip
    return [judged(next(iter(each.values()))) for each in answer["items"]]


def judged(outcome: dict[str, Any]) -> Verdict:
    """Say what an item's outcome means. A version that lost to a newer one has done its work."""
    status = int(outcome["status"])
    kind = (outcome.get("error") or {}).get("type", "")
    if status < 300 or (status == 409 and kind == "version_conflict_engine_exception"):
        return "done"
    if kind == "index_not_found_exception":
        return "missing"
    if kind == "cluster_block_exception":
        return "blocked"
    return "again" if status in _BUSY else "rejected"
