"""`MedicalGraph` in Neo4j: (MedicalThing)-[SAID]->(MedicalThing), an edge for each that an entry
says, beside a node for each entry that keeps its version.

An edge carries which entry says it and how that entry names its two ends, so that what a reader may
not see names nothing. Edges of entries about nobody are STATED: a question for them passes by the
thousands of patients' edges at the same node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import orjson

from indexing.access import Access
from indexing.backends.neo4j.compile import EPOCH, micros
from indexing.backends.neo4j.connect import Neo4j, Row, Transaction
from indexing.backends.neo4j.held import drop, gives_way
from indexing.dated import Width
from indexing.medical_graph import (
    TREATING,
    GraphEdge,
    GraphNode,
    MedicalEntry,
    NodeKind,
    Patch,
    Relation,
    Treated,
)
from indexing.model import IndexState, TenantId, Tombstone
from indexing.reconcile import digest
from indexing.strays import own

BATCH: Final = 50  # entries in one transaction: the server keeps it in memory until it commits

# Held to the end of the transaction: one writer of a tenant at a time, so none waits in a circle.
_BEGIN = "MERGE (t:MedicalTenant) SET t.writes = coalesce(t.writes, 0) + 1"
_HELD = """
UNWIND $keys AS key MATCH (e:MedicalEntry {key: key})
RETURN key AS id, e.version AS version, e.live AS live
"""
_CLEAR = """
UNWIND $entries AS entry
MATCH (a:MedicalThing)-[r:%s {entry: entry}]->(b:MedicalThing) USING INDEX r:%s(entry)
WITH r, a.id AS source, b.id AS target DELETE r
RETURN DISTINCT source, target
"""
_PUT = "UNWIND $rows AS row MERGE (e:MedicalEntry {key: row.key}) SET e = row"
_SAY = """
UNWIND $rows AS row
MERGE (a:MedicalThing {id: row.source})
MERGE (b:MedicalThing {id: row.target})
CREATE (a)-[r:%s]->(b) SET r = row.said
"""
_SWEEP = """
UNWIND $ids AS id MATCH (n:MedicalThing {id: id})
WHERE COUNT { (n)-[:SAID]->() } + COUNT { (n)<-[:SAID]-() } = 0
    AND COUNT { (n)-[:STATED]->() } + COUNT { (n)<-[:STATED]-() } = 0
DELETE n
"""
_EDGE = "a.tenant AS tenant, a.id AS source, b.id AS target, properties(r) AS said"
_AROUND = (
    """
UNWIND $wanted AS patient MATCH (e:MedicalEntry {patient_id: patient}) WHERE OPEN_ENTRY
MATCH (a:MedicalThing)-[r:SAID {entry: e.entry}]->(b:MedicalThing) USING INDEX r:SAID(entry)
WHERE OPEN_EDGE RETURN """
    + _EDGE
)
_COMMON = (
    """
UNWIND $ids AS id MATCH (n:MedicalThing {id: id})-[r:STATED]-(:MedicalThing)
WHERE OPEN_EDGE
WITH DISTINCT r, startNode(r) AS a, endNode(r) AS b RETURN """
    + _EDGE
)
_OWN = """
UNWIND $ids AS id MATCH (e:MedicalEntry {key: id})
WHERE e.kind IS NOT NULL AND OPEN_ENTRY
RETURN id, e.tenant AS tenant, e.kind AS kind, e.name AS name
"""
# By the first entry in which an edge that is shown names it.
_FIRST = """
UNWIND $ids AS id MATCH (n:MedicalThing {id: id})-[r:SAID|STATED]-(:MedicalThing)
WHERE OPEN_EDGE
WITH n, id, [r.key, CASE WHEN startNode(r) = n THEN r.source_kind ELSE r.target_kind END,
    CASE WHEN startNode(r) = n THEN r.source_name ELSE r.target_name END] AS told
WHERE told[1] IS NOT NULL
WITH n, id, min(told) AS told
RETURN id, n.tenant AS tenant, told[1] AS kind, told[2] AS name
"""
_CARRIERS = """
UNWIND $ids AS id
MATCH (c:MedicalThing {id: id})<-[r:SAID {relation: 'DIAGNOSED_WITH'}]-(:MedicalThing)
WHERE OPEN_EDGE
WITH r.entry AS entry, count(*) AS times, count(r.start_at) AS dated, min(r.start_at) AS first
WITH entry, CASE WHEN times = dated THEN first END AS since
"""
_COUNT = _CARRIERS + "RETURN count(*) AS carriers"
_TREATMENTS = (
    _CARRIERS
    + """
MATCH (:MedicalThing)-[r:SAID {entry: entry}]->(x:MedicalThing) USING INDEX r:SAID(entry)
WHERE r.relation IN $treating AND OPEN_EDGE AND NOT coalesce(r.end_at < since, false)
RETURN x.id AS id, x.tenant AS tenant, r.relation AS relation, count(DISTINCT entry) AS patients
ORDER BY patients DESC, id, relation LIMIT $most
"""
)
_ENTRIES = "MATCH (e:MedicalEntry {live: true}) RETURN e.key AS id, e.version AS version"


class Neo4jMedicalGraph:
    """Access is part of every statement; the tenant is in every node of it."""

    def __init__(self, server: Neo4j) -> None:
        self._server = server

    def upsert(self, tenant_id: TenantId, entries: Sequence[MedicalEntry]) -> None:
        """Replace what entries say, unless a newer version or its tombstone stands."""
        newest = {e.key: e for e in sorted(entries, key=lambda entry: entry.version)}
        self._write(tenant_id, [_written(tenant_id, entry) for entry in newest.values()])

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Take entries out and keep the version at which they went."""
        newest = {stone.key: stone.version for stone in sorted(tombstones, key=lambda t: t.version)}
        rows = [
            {**_named_in(tenant_id, key), "version": version, "live": False}
            for key, version in newest.items()
        ]
        self._write(tenant_id, [{"entry": row, "edges": ()} for row in rows])

    def _write(self, tenant_id: TenantId, rows: Sequence[Row]) -> None:
        for at in range(0, len(rows), BATCH):
            self._server.write(tenant_id, partial(_write, rows=rows[at : at + BATCH]))

    def around(self, access: Access, patient_ids: Sequence[str]) -> Patch:
        """Return all that these patients' entries say and `access` opens."""
        return self._patch(access, _AROUND, wanted=sorted(set(patient_ids)))

    def named(self, access: Access, node_ids: Sequence[str]) -> Mapping[str, GraphNode]:
        """Return the nodes by these ids that an open entry holds."""
        wanted = sorted(set(node_ids))

        def work(tx: Transaction) -> dict[str, GraphNode]:
            first, said = _ask(tx, access, _FIRST, ids=wanted), _ask(tx, access, _OWN, ids=wanted)
            return _nodes(first) | _nodes(said)

        return self._server.ask(access.tenant_id, work)

    def common(self, access: Access, node_ids: Sequence[str]) -> Patch:
        """Return the edges at these nodes that entries about nobody hold."""
        return self._patch(access, _COMMON, ids=sorted(set(node_ids)))

    def carriers(self, access: Access, node_ids: Sequence[str]) -> int:
        """Count the open patients who are DIAGNOSED_WITH any of these conditions."""
        wanted = sorted(set(node_ids))
        statement, values = _opened(access, _COUNT)
        rows = self._server.ask(
            access.tenant_id, lambda tx: tx.run(statement, ids=wanted, **values)
        )
        return int(rows[0]["carriers"])

    def treatments(self, access: Access, node_ids: Sequence[str], most: int) -> Sequence[Treated]:
        """Return what the carriers had from the day of the diagnosis on."""
        treating, wanted = [relation.value for relation in TREATING], sorted(set(node_ids))
        rows = self._server.ask(
            access.tenant_id,
            lambda tx: _ask(tx, access, _TREATMENTS, ids=wanted, treating=treating, most=most),
        )
        nodes = self.named(access, [row["id"] for row in rows])
        return [
            Treated(nodes[row["id"]], Relation(row["relation"]), row["patients"]) for row in rows
        ]

    def state(self, tenant_id: TenantId) -> IndexState:
        """Return how many entries live, and their digest."""
        live = self.entries(tenant_id)
        return IndexState(len(live), digest(live))

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {key: version} of every live entry."""
        rows = self._server.read(tenant_id, lambda tx: tx.run(_ENTRIES))
        return {row["id"]: row["version"] for row in rows}

    def drop(self, tenant_id: TenantId) -> None:
        """Forget the tenant's graph, tombstones too."""
        drop(self._server, tenant_id, ("MedicalThing", "MedicalEntry", "MedicalTenant"))

    def _patch(self, access: Access, statement: str, **values: Any) -> Patch:
        def work(tx: Transaction) -> Patch:
            rows = _ask(tx, access, statement, **values)
            pairs = [(_edge(row), row) for row in rows]
            pairs.sort(key=lambda pair: _order(pair[0]))
            touched = sorted({node for row in rows for node in (row["source"], row["target"])})
            named = _told(rows) | _nodes(_ask(tx, access, _OWN, ids=touched))
            return Patch(named, tuple(edge for edge, _ in pairs))

        return self._server.ask(access.tenant_id, work)


def _opened(access: Access, statement: str) -> tuple[str, dict[str, Any]]:
    """Put what this access opens into a statement; return it with its values."""
    entry, edge, values = "e.live", "r.labels IS NULL", dict[str, Any]()
    if access.labels:
        edge = "(r.labels IS NULL OR all(label IN r.labels WHERE label IN $open_labels))"
        values["open_labels"] = sorted(access.labels)
    if access.patients is not None:
        entry += " AND (e.patient_id IS NULL OR e.patient_id IN $open_patients)"
        edge += " AND (r.patient_id IS NULL OR r.patient_id IN $open_patients)"
        values["open_patients"] = sorted(access.patients)
    return statement.replace("OPEN_ENTRY", entry).replace("OPEN_EDGE", edge), values


def _ask(tx: Transaction, access: Access, statement: str, **values: Any) -> list[Row]:
    compiled, more = _opened(access, statement)
    rows = tx.run(compiled, **values, **more)
    return own("neo4j", "medical", access.tenant_id, rows, lambda row: row["tenant"])


def _write(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write the entries whose version is taken; nothing changes between what is read and what is
    written by it, since the tenant's lock is held from the first line on."""
    tx.run(_BEGIN)
    held = {row["id"]: row for row in tx.run(_HELD, keys=[row["entry"]["key"] for row in rows])}
    taken = [row for row in rows if gives_way(held.get(row["entry"]["key"]), row["entry"])]
    known = [row["entry"]["entry"] for row in taken if row["entry"]["key"] in held]
    left: set[str] = set()
    for how in ("SAID", "STATED"):
        for row in tx.run(_CLEAR % (how, how), entries=known) if known else ():
            left |= {row["source"], row["target"]}
    tx.run(_PUT, rows=[row["entry"] for row in taken])
    for how in ("SAID", "STATED"):
        edges = [edge for row in taken for edge in row["edges"] if edge["how"] == how]
        tx.run(_SAY % how, rows=edges)
    tx.run(_SWEEP, ids=sorted(left))


def _named_in(tenant_id: TenantId, key: str) -> dict[str, Any]:
    """Return an entry's names: its key, and the one that its edges are found by."""
    return {"tenant": tenant_id.hex, "key": key, "entry": f"{tenant_id.hex}/{key}"}


def _written(tenant_id: TenantId, entry: MedicalEntry) -> Row:
    nodes = {node.node_id: node for node in entry.nodes}
    named, mine = _named_in(tenant_id, entry.key), nodes.get(entry.key)
    row = {
        **named, "version": entry.version, "live": True, "patient_id": entry.patient_id,
        "kind": mine.kind.value if mine else None, "name": mine.name if mine else None,
    }  # fmt: skip
    how = "STATED" if entry.patient_id is None else "SAID"
    said = {"entry": named["entry"], "key": entry.key, "patient_id": entry.patient_id}
    edges = [
        {
            "how": how, "source": edge.source, "target": edge.target,
            "said": {
                **said, "relation": edge.relation.value,
                "start_at": _instant(edge.start), "end_at": _instant(edge.end),
                "start_width": edge.start_width.value, "end_width": edge.end_width.value,
                "labels": sorted(edge.labels) or None,
                "properties": orjson.dumps(dict(edge.properties)).decode(),
                **_as("source", nodes.get(edge.source)), **_as("target", nodes.get(edge.target)),
            },
        }
        for edge in entry.edges
    ]  # fmt: skip
    return {"entry": row, "edges": edges}


def _as(end: str, node: GraphNode | None) -> dict[str, str]:
    return {f"{end}_kind": node.kind.value, f"{end}_name": node.name} if node else {}


def _instant(moment: datetime | None) -> int | None:
    return None if moment is None else micros(moment)


def _moment(instant: int | None) -> datetime | None:
    return None if instant is None else EPOCH + timedelta(microseconds=instant)


def _edge(row: Row) -> GraphEdge:
    said = row["said"]
    return GraphEdge(
        row["source"], Relation(said["relation"]), row["target"], _moment(said.get("start_at")),
        _moment(said.get("end_at")), orjson.loads(said["properties"]),
        frozenset(said.get("labels", ())), Width(said.get("start_width", Width.DAY)),
        Width(said.get("end_width", Width.DAY)),
    )  # fmt: skip


def _order(edge: GraphEdge) -> tuple[str, str, str, list[str]]:
    return edge.source, edge.relation, edge.target, sorted(edge.labels)


def _told(rows: Iterable[Row]) -> dict[str, GraphNode]:
    """Return nodes as the first of these edges' entries names them."""
    found: dict[str, GraphNode] = {}
    for row in sorted(rows, key=lambda row: row["said"]["key"]):
        for end in ("source", "target"):
            kind, name = row["said"].get(f"{end}_kind"), row["said"].get(f"{end}_name")
            if kind is not None:
                found.setdefault(row[end], GraphNode(NodeKind(kind), row[end], name))
    return found


def _nodes(rows: Iterable[Row]) -> dict[str, GraphNode]:
    return {row["id"]: GraphNode(NodeKind(row["kind"]), row["id"], row["name"]) for row in rows}
