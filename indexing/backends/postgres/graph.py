"""`GraphIndex` as adjacency in PostgreSQL: concepts on one side, documents on the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from indexing.access import LABELS, Access
from indexing.backends.postgres.bulk import insert_rows
from indexing.backends.postgres.connect import Connection, Database
from indexing.filters import Filters
from indexing.model import Document, IndexState, TenantId, Tombstone
from indexing.ports import AssertionMode, GraphEntry, Ranking, Scored
from indexing.reconcile import digest
from indexing.statuses import BEST_FIRST, COUNTED, SATURATION, standings

_ANNOUNCE = """
INSERT INTO graph_document AS d (tenant_id, doc_id, version, live, patient_id, patient, type,
    specialty, author, date_start, date_end, labels)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, doc_id) DO UPDATE SET version = excluded.version, live = excluded.live,
    patient_id = excluded.patient_id, patient = excluded.patient, type = excluded.type,
    specialty = excluded.specialty, author = excluded.author, date_start = excluded.date_start,
    date_end = excluded.date_end, labels = excluded.labels
WHERE d.version < excluded.version
    OR (d.version = excluded.version AND (d.live OR NOT excluded.live))
RETURNING doc_id
"""

# Scores first, then access and filters for the best alone. Rounded, because the order in which
# floats are added up must not decide between equals.
_SEARCH = """
WITH w AS (
    SELECT * FROM unnest(%(concepts)s::text[], %(weights)s::float8[]) AS w (concept_id, weight)
), c AS (
    SELECT * FROM unnest(%(statuses)s::text[], %(factors)s::float8[]) AS c (status, factor)
), found AS MATERIALIZED (
    SELECT m.concept_id, m.doc_id, m.status, m.mentions, w.weight
    FROM w JOIN graph_mention m ON m.tenant_id = %(tenant)s AND m.concept_id = w.concept_id
), spread AS (
    SELECT f.concept_id, ln(1 + max(n.live) / count(*)::float8) AS idf
    FROM found f, graph_size n WHERE n.tenant_id = %(tenant)s GROUP BY f.concept_id
), shares AS MATERIALIZED (
    SELECT f.doc_id, f.concept_id,
        f.weight * c.factor * s.idf * f.mentions / (f.mentions + %(saturation)s::float8) AS share
    FROM found f JOIN spread s USING (concept_id) JOIN c USING (status)
), best AS (
    SELECT doc_id, round(sum(share)::numeric, 9)::float8 AS score FROM shares GROUP BY doc_id
), top AS (
    SELECT b.doc_id, b.score FROM best b JOIN graph_document d
        ON d.tenant_id = %(tenant)s AND d.doc_id = b.doc_id
    WHERE {where} ORDER BY b.score DESC, b.doc_id LIMIT %(k)s
)
SELECT t.doc_id, t.score, array_agg(s.concept_id), array_agg(s.share)
FROM top t JOIN shares s USING (doc_id) GROUP BY t.doc_id, t.score ORDER BY t.score DESC, t.doc_id
"""

_ASSERTIONS = """
SELECT best, count(*) FROM (
    SELECT min(array_position(%(order)s::text[], m.status)) AS best FROM graph_mention m
        JOIN graph_document d ON d.tenant_id = m.tenant_id AND d.doc_id = m.doc_id
    WHERE m.tenant_id = %(tenant)s AND m.concept_id = ANY(%(concepts)s) AND {where}
    GROUP BY m.doc_id) x
GROUP BY best ORDER BY best
"""

_COLUMNS = ("type", "specialty", "author", "patient")


class PostgresGraphIndex:
    """Access and filters are part of every statement; the tenant's rows are all it sees."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(self, tenant_id: TenantId, entries: Sequence[GraphEntry]) -> None:
        """Replace what documents mention, unless a newer version or its tombstone stands."""
        newest: dict[str, GraphEntry] = {}
        for entry in sorted(entries, key=lambda e: e.document.version):
            newest[entry.document.doc_id] = entry
        with self._database.tenant(tenant_id, derived=True) as conn:
            rows = [_document_row(tenant_id, e.document) for e in newest.values()]
            taken = _announce(conn, tenant_id, rows)
            mentions = [
                (tenant_id, each.concept_id, doc_id, each.status.value, each.mentions)
                for doc_id in taken
                for each in standings(newest[doc_id])
            ]
            columns = ("tenant_id", "concept_id", "doc_id", "status", "mentions")
            insert_rows(conn, "graph_mention", columns, mentions)

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Take documents out and keep the version at which they went."""
        newest = {stone.key: stone.version for stone in sorted(tombstones, key=lambda t: t.version)}
        with self._database.tenant(tenant_id, derived=True) as conn:
            nothing = (None, "", "", "", "", None, None, None)
            rows = [(tenant_id, key, version, False, *nothing) for key, version in newest.items()]
            _announce(conn, tenant_id, rows)

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
        where, values = _conditions(access, filters)
        counted = COUNTED[assertion]
        values |= {
            "tenant": access.tenant_id, "concepts": list(wanted), "weights": list(wanted.values()),
            "statuses": [status.value for status in counted], "factors": list(counted.values()),
            "saturation": SATURATION, "k": k,
        }  # fmt: skip
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(_SEARCH.format(where=where), values, binary=True).fetchall()
        return Ranking(
            tuple(
                Scored(doc_id, score, rank, concepts=dict(zip(concepts, shares, strict=True)))
                for rank, (doc_id, score, concepts, shares) in enumerate(rows, 1)
            )
        )

    def assertions(
        self, access: Access, concept_ids: Iterable[str], filters: Filters
    ) -> Mapping[str, int]:
        """Count visible documents by the best status that any of the concepts has in them."""
        where, values = _conditions(access, filters)
        order = [status.value for status in BEST_FIRST]
        values |= {"tenant": access.tenant_id, "concepts": list(concept_ids), "order": order}
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(_ASSERTIONS.format(where=where), values).fetchall()
        return {order[place - 1]: count for place, count in rows}

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count what is held, and fold it into one digest."""
        held = self.entries(tenant_id)
        return IndexState(len(held), digest(held))

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT doc_id, version FROM graph_document WHERE tenant_id = %s AND live",
                (tenant_id,),
            ).fetchall()
        return dict(rows)

    def drop(self, tenant_id: TenantId) -> None:
        """Forget the tenant's graph, tombstones too."""
        with self._database.tenant(tenant_id) as conn:
            for table in ("graph_mention", "graph_document", "graph_size"):
                conn.execute(f"DELETE FROM {table} WHERE tenant_id = %s", (tenant_id,))


def _document_row(tenant_id: TenantId, d: Document) -> tuple[object, ...]:
    end = d.date_end
    if d.date_start is not None and (end is None or end <= d.date_start):
        end = d.date_start + timedelta(microseconds=1)  # an instant is the shortest interval
    labels = sorted({label if label in LABELS else "OTHER" for label in d.labels})
    return (
        tenant_id, d.doc_id, d.version, True, d.patient_id, (d.patient_id or "").casefold(),
        d.type.casefold(), d.specialty.casefold(), d.author.casefold(), d.date_start,
        end if d.date_start is not None else None, labels or None,
    )  # fmt: skip


def _announce(
    conn: Connection, tenant_id: TenantId, rows: Sequence[tuple[object, ...]]
) -> list[str]:
    """Write documents, empty what they mentioned; return those whose version was taken."""
    # In order of id, so that two writers cannot wait for each other in a circle.
    ordered = sorted(rows, key=lambda row: str(row[1]))
    keys = [str(row[1]) for row in ordered]
    before = _live(conn, tenant_id, keys)
    taken: list[str] = []
    with conn.cursor() as cursor:
        cursor.executemany(_ANNOUNCE, ordered, returning=True)
        while rows:
            taken += [doc_id for (doc_id,) in cursor.fetchall()]
            if not cursor.nextset():
                break
    conn.execute(
        "DELETE FROM graph_mention WHERE tenant_id = %s AND doc_id = ANY(%s)", (tenant_id, taken)
    )
    conn.execute(
        "INSERT INTO graph_size AS s VALUES (%s, %s) ON CONFLICT (tenant_id) "
        "DO UPDATE SET live = s.live + excluded.live",
        (tenant_id, _live(conn, tenant_id, keys) - before),
    )
    return taken


def _live(conn: Connection, tenant_id: TenantId, keys: list[str]) -> int:
    row = conn.execute(
        "SELECT count(*) FROM graph_document WHERE tenant_id = %s AND doc_id = ANY(%s) AND live",
        (tenant_id, keys),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _conditions(access: Access, filters: Filters) -> tuple[str, dict[str, Any]]:
    """Return what must hold of document `d`, and its values."""
    parts = ["d.live", "(d.labels IS NULL OR d.labels <@ %(open_labels)s)"]
    values: dict[str, Any] = {"open_labels": sorted(access.labels)}
    if access.patients is not None:
        parts.append("d.patient_id = ANY(%(open_patients)s)")
        values["open_patients"] = sorted(access.patients)
    sides = (("only", filters.only, "= ANY"), ("without", filters.without, "<> ALL"))
    for side, wanted, operator in sides:
        for name in _COLUMNS:
            if name in wanted:
                parts.append(f"d.{name} {operator}(%({side}_{name})s)")
                values[f"{side}_{name}"] = [value.casefold() for value in wanted[name]]
    if filters.date_from is not None:
        parts.append("d.date_end > %(date_from)s")
        values["date_from"] = filters.date_from
    if filters.date_to is not None:
        parts.append("d.date_start < %(date_to)s")
        values["date_to"] = filters.date_to
    return " AND ".join(parts), values
