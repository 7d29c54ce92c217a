"""The medical graph as adjacency in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from indexing.access import Access
from indexing.backends.postgres.bulk import insert_rows
from indexing.backends.postgres.connect import Connection, Database
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

_ANNOUNCE = """
INSERT INTO medical_entry AS e (tenant_id, key, version, live) VALUES (%s, %s, %s, %s)
ON CONFLICT (tenant_id, key) DO UPDATE SET version = excluded.version, live = excluded.live
WHERE e.version < excluded.version
    OR (e.version = excluded.version AND (e.live OR NOT excluded.live))
RETURNING key
"""
_OPEN = (
    "{a}.tenant_id = %(tenant)s AND ({a}.patient_id IS NULL OR %(patients)s::text[] IS NULL "
    "OR {a}.patient_id = ANY(%(patients)s::text[]))"
)
_SHOWN = _OPEN + " AND NOT {a}.labels && %(closed)s::text[]"
_EDGE = (
    "e.source, e.relation, e.target, e.start_at, e.end_at, e.properties, e.labels, e.start_width, "
    "e.end_width, e.key"
)
_ORDER = "ORDER BY e.source, e.relation, e.target, e.labels"
# A node is named by its own entry, else by the first entry in which an edge that is shown names
# it; the search for that one ends there, because a common condition stands in thousands.
_OWN = f"""
SELECT n.node_id, n.kind, n.name FROM unnest(%(ids)s::text[]) AS w(id)
JOIN medical_node n ON {_OPEN.format(a="n")} AND n.key = w.id AND n.node_id = w.id
"""
_FIRST = f"""
SELECT n.node_id, n.kind, n.name FROM unnest(%(ids)s::text[]) AS w(id) CROSS JOIN LATERAL (
    SELECT n.node_id, n.kind, n.name FROM medical_node n
    WHERE {_OPEN.format(a="n")} AND n.node_id = w.id AND EXISTS (
        SELECT FROM medical_edge e WHERE {_SHOWN.format(a="e")} AND e.key = n.key
        AND (e.source = n.node_id OR e.target = n.node_id))
    ORDER BY n.key LIMIT 1) n
"""
_AMONG = """
SELECT DISTINCT ON (n.node_id) n.node_id, n.kind, n.name
FROM unnest(%(keys)s::text[], %(named)s::text[]) AS w(key, id) JOIN medical_node n
    ON n.tenant_id = %(tenant)s AND n.key = w.key AND n.node_id = w.id
ORDER BY n.node_id, n.key
"""
_CARRIERS = f"""
SELECT e.key, CASE WHEN count(*) = count(e.start_at) THEN min(e.start_at) END AS since
FROM medical_edge e WHERE {_SHOWN.format(a="e")} AND e.patient_id IS NOT NULL
    AND e.target = ANY(%(ids)s::text[]) AND e.relation = 'DIAGNOSED_WITH' GROUP BY e.key
"""
_TREATMENTS = f"""
WITH carrier AS MATERIALIZED ({_CARRIERS})
SELECT e.target, e.relation, count(DISTINCT e.key) FROM carrier c
JOIN medical_edge e ON {_SHOWN.format(a="e")} AND e.key = c.key
WHERE e.relation = ANY(%(treating)s::text[])
    AND NOT coalesce(e.end_at < c.since, false)
GROUP BY e.target, e.relation ORDER BY 3 DESC, 1, 2 LIMIT %(most)s
"""

_NODE_COLUMNS = ("tenant_id", "key", "node_id", "kind", "name", "patient_id")
_EDGE_COLUMNS = (
    "tenant_id", "key", "patient_id", "source", "relation", "target", "start_at", "end_at",
    "labels", "properties", "start_width", "end_width",
)  # fmt: skip


class PostgresMedicalGraph:
    """Access is part of every statement; the tenant's rows are all it sees."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(self, tenant_id: TenantId, entries: Sequence[MedicalEntry]) -> None:
        """Replace what entries say, unless a newer version or its tombstone stands."""
        newest = {e.key: e for e in sorted(entries, key=lambda entry: entry.version)}
        with self._database.tenant(tenant_id, derived=True) as conn:
            taken = _announce(conn, tenant_id, {e.key: e.version for e in newest.values()}, True)
            held = [newest[key] for key in taken]
            nodes = [
                (tenant_id, e.key, n.node_id, n.kind.value, n.name, e.patient_id)
                for e in held
                for n in {node.node_id: node for node in e.nodes}.values()
            ]
            insert_rows(conn, "medical_node", _NODE_COLUMNS, nodes)
            edges = [
                (tenant_id, e.key, e.patient_id, *_row(edge)) for e in held for edge in e.edges
            ]
            insert_rows(conn, "medical_edge", _EDGE_COLUMNS, edges)

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Take entries out and keep the version at which they went."""
        newest = {stone.key: stone.version for stone in sorted(tombstones, key=lambda t: t.version)}
        with self._database.tenant(tenant_id, derived=True) as conn:
            _announce(conn, tenant_id, newest, False)

    def around(self, access: Access, patient_ids: Sequence[str]) -> Patch:
        """Return all that these patients' entries say and `access` opens."""
        values = {**_values(access), "wanted": list(patient_ids)}
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {_EDGE} FROM medical_edge e WHERE {_SHOWN.format(a='e')} "
                f"AND e.patient_id = ANY(%(wanted)s::text[]) {_ORDER}",
                values,
            ).fetchall()
            return _patch(conn, access, rows)

    def named(self, access: Access, node_ids: Sequence[str]) -> Mapping[str, GraphNode]:
        """Return the nodes by these ids that an open entry holds."""
        with self._database.tenant(access.tenant_id) as conn:
            return _named(conn, access, node_ids)

    def common(self, access: Access, node_ids: Sequence[str]) -> Patch:
        """Return the edges at these nodes that entries about nobody hold."""
        values = {**_values(access), "ids": list(node_ids)}
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {_EDGE} FROM medical_edge e WHERE {_SHOWN.format(a='e')} "
                "AND e.patient_id IS NULL AND (e.source = ANY(%(ids)s::text[]) "
                f"OR e.target = ANY(%(ids)s::text[])) {_ORDER}",
                values,
            ).fetchall()
            return _patch(conn, access, rows)

    def carriers(self, access: Access, node_ids: Sequence[str]) -> int:
        """Count the open patients who are DIAGNOSED_WITH any of these conditions."""
        values = {**_values(access), "ids": list(node_ids)}
        with self._database.tenant(access.tenant_id) as conn:
            row = conn.execute(f"SELECT count(*) FROM ({_CARRIERS}) c", values).fetchone()
        return int(row[0]) if row else 0

    def treatments(self, access: Access, node_ids: Sequence[str], most: int) -> Sequence[Treated]:
        """Return what the carriers had from the day of the diagnosis on."""
        values = {
            **_values(access), "ids": list(node_ids), "most": most,
            "treating": [relation.value for relation in TREATING],
        }  # fmt: skip
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(_TREATMENTS, values).fetchall()
            nodes = _named(conn, access, [row[0] for row in rows])
        return [Treated(nodes[target], Relation(how), count) for target, how, count in rows]

    def state(self, tenant_id: TenantId) -> IndexState:
        """Return how many entries live, and their digest."""
        live = self.entries(tenant_id)
        return IndexState(len(live), digest(live))

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {key: version} of every live entry."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute("SELECT key, version FROM medical_entry WHERE live").fetchall()
        return dict(rows)

    def drop(self, tenant_id: TenantId) -> None:
        """Forget a tenant."""
        with self._database.tenant(tenant_id, derived=True) as conn:
            for table in ("medical_edge", "medical_node", "medical_entry"):
                conn.execute(f"DELETE FROM {table} WHERE tenant_id = %s", (tenant_id,))


def _announce(
    conn: Connection, tenant_id: TenantId, versions: Mapping[str, int], live: bool
) -> list[str]:
    """Take the keys that are not older, in one order for everybody, and clear what they said."""
    taken: list[str] = []
    with conn.cursor() as cursor:
        for key in sorted(versions):
            cursor.execute(_ANNOUNCE, (tenant_id, key, versions[key], live))
            if cursor.fetchone():
                taken.append(key)
    for table in ("medical_edge", "medical_node"):
        conn.execute(
            f"DELETE FROM {table} WHERE tenant_id = %s AND key = ANY(%s)", (tenant_id, taken)
        )
    return taken


def _values(access: Access) -> dict[str, Any]:
    return {
        "tenant": access.tenant_id,
        "patients": None if access.patients is None else sorted(access.patients),
        "closed": sorted(access.closed_labels),
    }


def _row(edge: GraphEdge) -> tuple[object, ...]:
    return (
        edge.source, edge.relation.value, edge.target, edge.start, edge.end, sorted(edge.labels),
        orjson.dumps(dict(edge.properties)).decode(), edge.start_width.value, edge.end_width.value,
    )  # fmt: skip


def _named(conn: Connection, access: Access, node_ids: Sequence[str]) -> dict[str, GraphNode]:
    values = {**_values(access), "ids": sorted(set(node_ids))}
    return _nodes(conn, _FIRST, values) | _nodes(conn, _OWN, values)


def _nodes(conn: Connection, query: str, values: Mapping[str, Any]) -> dict[str, GraphNode]:
    rows = conn.execute(query, values).fetchall()
    return {node_id: GraphNode(NodeKind(kind), node_id, name) for node_id, kind, name in rows}


def _patch(conn: Connection, access: Access, rows: Sequence[tuple[Any, ...]]) -> Patch:
    edges = tuple(
        GraphEdge(
            source, Relation(relation), target, start, end, said, frozenset(labels),
            *map(Width, widths),
        )
        for source, relation, target, start, end, said, labels, *widths, _ in rows
    )  # fmt: skip
    pairs = sorted({(row[-1], node) for row in rows for node in (row[0], row[2])})
    values = {
        **_values(access), "keys": [key for key, _ in pairs], "named": [node for _, node in pairs],
        "ids": sorted({node for _, node in pairs}),
    }  # fmt: skip
    return Patch(_nodes(conn, _AMONG, values) | _nodes(conn, _OWN, values), edges)
