"""Identity and versions of documents, the same on both ports.

A version v is written as the external version 2v, its deletion as 2v + 1: the server itself lets
the newer win, and a deletion win over an upsert of its own version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from indexing.backends.opensearch import schema
from indexing.backends.opensearch.bulk import Item, item
from indexing.backends.opensearch.connect import NAME, UNSTORED, Connection, Missing
from indexing.backends.opensearch.names import Names
from indexing.errors import EventRejected
from indexing.model import TenantId, Tombstone
from indexing.strays import own

_PAGE = 10_000
_LEAN = {"filter_path": "hits.hits.sort", "allow_partial_search_results": "false"}


def spelled(doc_id: str) -> bytes | None:
    """Return an id as bytes; None for one that no index can hold."""
    try:
        return doc_id.encode()
    except UnicodeEncodeError:
        return None


def id_of(doc_id: str) -> str:
    """Return the _id of a document. Raises: EventRejected."""
    found = spelled(doc_id)
    if found is None:
        raise EventRejected("a document's id holds an unpaired surrogate")
    if len(found) <= schema.LONGEST_ID and not doc_id.startswith("~"):
        return doc_id or "~"
    return f"~{blake2b(found, digest_size=24).hexdigest()}"


def stones(tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> list[Item]:
    """Lay out deletions; a tombstone is a document, because the server forgets deletions."""
    newest = {t.key: t for t in sorted(tombstones, key=lambda t: t.version)}
    return [
        item(t.key, id_of(t.key), 2 * t.version + 1, schema.tombstone(tenant_id, t.key, t.version))
        for t in newest.values()
    ]


def held(connection: Connection, names: Names, tenant_id: TenantId) -> Mapping[str, int]:
    """Return {doc_id: version} of every live document, read page by page."""
    found: dict[str, int] = {}
    query = {"bool": {"filter": [{"term": {"live": True}}]}}
    after: list[object] | None = None
    while True:
        body = {
            "size": _PAGE, "query": query, **UNSTORED, "track_total_hits": False,
            "sort": [{"doc_id": "asc"}, {"version": "asc"}, {"tenant": "asc"}],
        } | ({"search_after": after} if after else {})  # fmt: skip
        try:
            with connection.calling("list documents") as client:
                answer = client.search(index=names.target(tenant_id), body=body, params=_LEAN)
        except Missing:
            return found
        rows = [hit["sort"] for hit in answer.get("hits", {}).get("hits", ())]
        kept = own(NAME, "entries", tenant_id, rows, lambda row: row[2])
        found.update({doc_id: version for doc_id, version, _ in kept})
        if len(rows) < _PAGE:
            return found
        after = rows[-1]
