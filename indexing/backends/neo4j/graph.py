"""`GraphIndex` in Neo4j: (Note)-[MENTIONS]->(Concept), scored by Cypher as every engine scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

from indexing.access import LABELS, Access
from indexing.backends.neo4j.compile import conditions, micros
from indexing.backends.neo4j.connect import Neo4j, Row, Transaction
from indexing.backends.neo4j.held import drop, gives_way
from indexing.filters import Filters
from indexing.model import Assertion, Document, IndexState, TenantId, Tombstone
from indexing.ports import AssertionMode, GraphEntry, Ranking, Scored
from indexing.reconcile import digest
from indexing.statuses import BEST_FIRST, COUNTED, SATURATION, standings
from indexing.strays import own

BATCH: Final = 1_000  # notes in one transaction: the server keeps it in memory until it commits

_PLACE = {status: place for place, status in enumerate(BEST_FIRST)}

# Held to the end of the transaction: one writer of a tenant at a time, so none waits in a circle.
_BEGIN = "MERGE (t:Tenant) ON CREATE SET t.live = 0 SET t.writes = coalesce(t.writes, 0) + 1"

_HELD = "UNWIND $ids AS id MATCH (d:Note {id: id}) RETURN id, d.version AS version, d.live AS live"
_EMPTY = "UNWIND $ids AS id MATCH (d:Note {id: id})-[m:MENTIONS]->(:Concept) DELETE m"
_NAME = "UNWIND $ids AS id MERGE (c:Concept {id: id})"
# CREATE what is known to be new, MATCH what is there: a fifth less work for the server than to
# MERGE each note and each concept of each mention.
_PUT = """
UNWIND $rows AS row
%s (d:Note {id: row.note.id})
SET d = row.note
WITH d, row UNWIND row.said AS said
MATCH (c:Concept {id: said[0]}) USING INDEX c:Concept(tenant, id)
CREATE (d)-[:MENTIONS {status: said[1], mentions: said[2]}]->(c)
"""
_COUNT = "MATCH (t:Tenant) SET t.live = t.live + $more"

_SPREAD = """
MATCH (t:Tenant) UNWIND $ids AS id MATCH (c:Concept {id: id})
RETURN id, COUNT { (c)<-[:MENTIONS]-() } AS spread, t.live AS live
"""
_SEARCH = """
UNWIND $concepts AS wanted
MATCH (c:Concept {{id: wanted[0]}})<-[m:MENTIONS]-(d:Note)
USING INDEX c:Concept(tenant, id)
WHERE $factors[m.status] > 0 AND {where}
WITH d, round(sum(wanted[1] * $factors[m.status]
    * (m.mentions / (m.mentions + $saturation))), 9) AS score
WHERE score > 0
ORDER BY score DESC, d.id LIMIT $k
MATCH (d)-[m:MENTIONS]->(c:Concept)
WHERE $factors[m.status] > 0 AND c.id IN $ids
RETURN d.id AS id, d.tenant AS tenant, score,
    collect([c.id, m.status, m.mentions]) AS said
ORDER BY score DESC, id
"""
_ASSERTIONS = """
UNWIND $ids AS id
MATCH (c:Concept {{id: id}})<-[m:MENTIONS]-(d:Note)
USING INDEX c:Concept(tenant, id)
WHERE {where}
WITH d, min(m.status) AS best
RETURN best, count(*) AS notes
"""
_STANDINGS = """
UNWIND $asked AS id
MATCH (d:Note {{id: id}})-[m:MENTIONS]->(c:Concept)
USING INDEX d:Note(tenant, id)
WHERE c.id IN $ids AND {where}
RETURN d.id AS id, d.tenant AS tenant, c.id AS concept, m.status AS status
"""
_ENTRIES = "MATCH (d:Note {live: true}) RETURN d.id AS id, d.version AS version"


class Neo4jGraphIndex:
    """Access and filters are part of every statement; the tenant is in every node of it."""

    def __init__(self, server: Neo4j) -> None:
        self._server = server

    def upsert(self, tenant_id: TenantId, entries: Sequence[GraphEntry]) -> None:
        """Replace what documents mention, unless a newer version or its tombstone stands."""
        newest: dict[str, GraphEntry] = {}
        for entry in sorted(entries, key=lambda e: e.document.version):
            newest[entry.document.doc_id] = entry
        self._write(tenant_id, [_row(tenant_id, entry) for entry in newest.values()])

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Take documents out and keep the version at which they went."""
        newest = {stone.key: stone.version for stone in sorted(tombstones, key=lambda t: t.version)}
        nothing = {"tenant": tenant_id.hex, "live": False}
        rows = [{"id": key, "version": version, **nothing} for key, version in newest.items()]
        self._write(tenant_id, [{"note": row, "said": []} for row in rows])

    def _write(self, tenant_id: TenantId, rows: Sequence[Row]) -> None:
        for at in range(0, len(rows), BATCH):
            self._server.write(tenant_id, partial(_write, rows=rows[at : at + BATCH]))

    def search(
        self,
        access: Access,
        weights: Mapping[str, float],
        filters: Filters,
        k: int,
        assertion: AssertionMode,
    ) -> Ranking:
        """Rank documents by the weighted concepts they mention."""
        wanted = {concept: weight for concept, weight in weights.items() if weight > 0}
        if k < 1 or not wanted:
            return Ranking(())
        factors = [COUNTED[assertion].get(status, 0.0) for status in BEST_FIRST]

        def work(tx: Transaction) -> Ranking:
            of = {
                row["id"]: wanted[row["id"]] * math.log1p(row["live"] / max(row["spread"], 1))
                for row in tx.run(_SPREAD, ids=list(wanted))
            }
            where, values = conditions(access, filters)
            rows = tx.run(
                _SEARCH.format(where=where), concepts=list(of.items()), ids=list(of), k=k,
                factors=factors, saturation=SATURATION, **values,
            )  # fmt: skip
            return _ranking(_own(rows, access), of, factors)

        return self._server.ask(access.tenant_id, work)

    def assertions(
        self, access: Access, concept_ids: Iterable[str], filters: Filters
    ) -> Mapping[str, int]:
        """Count visible documents by the best status that any of the concepts has in them."""
        wanted = list(dict.fromkeys(concept_ids))
        if not wanted:
            return {}
        where, values = conditions(access, filters)
        rows = self._server.ask(
            access.tenant_id,
            lambda tx: tx.run(_ASSERTIONS.format(where=where), ids=wanted, **values),
        )
        return {BEST_FIRST[row["best"]].value: row["notes"] for row in rows}

    def standings(
        self, access: Access, doc_ids: Sequence[str], concept_ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, Assertion]]:
        """Return what the visible ones of these documents say of these concepts."""
        wanted, asked = list(dict.fromkeys(concept_ids)), list(dict.fromkeys(doc_ids))
        if not wanted or not asked:
            return {}
        where, values = conditions(access, Filters())
        rows = self._server.ask(
            access.tenant_id,
            lambda tx: tx.run(_STANDINGS.format(where=where), asked=asked, ids=wanted, **values),
        )
        found: dict[str, dict[str, Assertion]] = {}
        for row in _own(rows, access):
            found.setdefault(row["id"], {})[row["concept"]] = BEST_FIRST[row["status"]]
        return found

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count what is held, and fold it into one digest."""
        held = self.entries(tenant_id)
        return IndexState(len(held), digest(held))

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document."""
        rows = self._server.read(tenant_id, lambda tx: tx.run(_ENTRIES))
        return {row["id"]: row["version"] for row in rows}

    def drop(self, tenant_id: TenantId) -> None:
        """Forget the tenant's graph, tombstones too."""
        drop(self._server, tenant_id, ("Note", "Concept", "Tenant"))


def _own(rows: Sequence[Row], access: Access) -> list[Row]:
    return own("neo4j", "graph", access.tenant_id, rows, lambda row: row["tenant"])


def _write(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write the notes whose version is taken; the tenant's lock is held from the first line on, so
    nothing changes between what is read and what is written by it."""
    tx.run(_BEGIN)
    held = {row["id"]: row for row in tx.run(_HELD, ids=[row["note"]["id"] for row in rows])}
    taken = [row for row in rows if gives_way(held.get(row["note"]["id"]), row["note"])]
    before = [i for i in (row["note"]["id"] for row in taken) if i in held and held[i]["live"]]
    tx.run(_NAME, ids=sorted({concept for row in taken for concept, *_ in row["said"]}))
    known = [row for row in taken if row["note"]["id"] in held]
    if before:
        tx.run(_EMPTY, ids=before)
    if known:
        tx.run(_PUT % "MATCH", rows=known)
    if new := [row for row in taken if row["note"]["id"] not in held]:
        tx.run(_PUT % "CREATE", rows=new)
    tx.run(_COUNT, more=sum(row["note"]["live"] for row in taken) - len(before))


def _row(tenant_id: TenantId, entry: GraphEntry) -> Row:
    said = [[each.concept_id, _PLACE[each.status], each.mentions] for each in standings(entry)]
    return {"note": {"tenant": tenant_id.hex, **_properties(entry.document)}, "said": said}


def _properties(d: Document) -> dict[str, Any]:
    end = d.date_end
    if d.date_start is not None and (end is None or end <= d.date_start):
        end = d.date_start + timedelta(microseconds=1)  # an instant is the shortest interval
    labels = sorted({label if label in LABELS else "OTHER" for label in d.labels})
    dated = d.date_start is not None
    return {
        "id": d.doc_id, "version": d.version, "live": True, "patient_id": d.patient_id,
        "patient": (d.patient_id or "").casefold(), "type": d.type.casefold(),
        "specialty": d.specialty.casefold(), "author": d.author.casefold(),
        "date_start": micros(d.date_start) if d.date_start is not None else None,
        "date_end": micros(end) if dated and end is not None else None,
        "labels": labels or None,
    }  # fmt: skip


def _ranking(
    rows: Iterable[Row], of_concept: Mapping[str, float], factors: Sequence[float]
) -> Ranking:
    hits = []
    for rank, row in enumerate(rows, 1):
        shares = {
            concept: of_concept[concept] * factors[status] * (n / (n + SATURATION))
            for concept, status, n in row["said"]
        }
        hits.append(Scored(row["id"], row["score"], rank, concepts=shares))
    return Ranking(tuple(hits))
