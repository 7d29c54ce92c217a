"""Versions and tenants, the same for both graphs."""

from __future__ import annotations

from collections.abc import Sequence

from indexing.backends.neo4j.connect import Neo4j, Row, Transaction
from indexing.model import TenantId

_DROP = "MATCH (n:{label}) WITH n LIMIT 5000 DETACH DELETE n RETURN count(*) AS gone"


def gives_way(held: Row | None, new: Row) -> bool:
    """Say whether what is held is older; a deletion wins over an upsert of its own version."""
    if held is None or held["version"] < new["version"]:
        return True
    return bool(held["version"] == new["version"] and (held["live"] or not new["live"]))


def drop(server: Neo4j, tenant_id: TenantId, labels: Sequence[str], **values: str) -> None:
    """Remove a tenant's nodes; a batch at a time, as there may be many. A label may be followed by
    properties, whose values are bound."""
    for label in labels:
        gone = [1]

        def work(tx: Transaction, label: str = label, gone: list[int] = gone) -> None:
            gone[0] = tx.run(_DROP.format(label=label), **values)[0]["gone"]

        while gone[0]:
            server.write(tenant_id, work)
