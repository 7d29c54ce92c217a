"""`GraphIndex` as adjacency in PostgreSQL: concepts on one side, documents on the other."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.access import LABELS, Access
from indexing.backends.postgres.bulk import insert_rows
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.postings import PostingsReader, Walk, factors
from indexing.filters import Filters, compared
from indexing.model import Assertion, Document, IndexState, TenantId, Tombstone
from indexing.ports import AssertionMode, GraphEntry, Ranking, Scored
from indexing.reconcile import digest
from indexing.statuses import BEST_FIRST, COUNTED, SATURATION, standings

_ANNOUNCE = """
INSERT INTO graph_document AS d (tenant_id, doc_id, version, live, patient_id, patient, type,
    specialty, author, date_start, date_end, labels, epoch)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, doc_id) DO UPDATE SET version = excluded.version, live = excluded.live,
    patient_id = excluded.patient_id, patient = excluded.patient, type = excluded.type,
    specialty = excluded.specialty, author = excluded.author, date_start = excluded.date_start,
    date_end = excluded.date_end, labels = excluded.labels, epoch = excluded.epoch
WHERE d.version < excluded.version
    OR (d.version = excluded.version AND (d.live OR NOT excluded.live))
RETURNING doc_id
"""

_COLUMNS = ("type", "specialty", "author", "patient")


class PostgresGraphIndex:
    """Access and filters are part of every statement; the tenant's rows are all it sees."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reader = PostingsReader(database)

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
        walk = self._reader.walk(access.tenant_id, list(wanted))
        open_ = self._open(access, filters, walk)
        return Ranking(_ranked(walk, wanted, open_, k, factors(COUNTED[assertion])))

    def assertions(
        self, access: Access, concept_ids: Iterable[str], filters: Filters
    ) -> Mapping[str, int]:
        """Count visible documents by the best status that any of the concepts has in them."""
        wanted = list(dict.fromkeys(concept_ids))
        if not wanted:
            return {}
        walk = self._reader.walk(access.tenant_id, wanted)
        open_ = self._open(access, filters, walk)
        worst = len(BEST_FIRST)
        best = np.full(len(open_), worst, np.uint8)
        for found in walk.postings.values():
            here = best[found.documents]
            best[found.documents] = np.minimum(here, found.statuses)
        counts = np.bincount(best[open_], minlength=worst)[:worst]
        return {
            status.value: int(count)
            for status, count in zip(BEST_FIRST, counts, strict=True)
            if count
        }

    def standings(
        self, access: Access, doc_ids: Sequence[str], concept_ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, Assertion]]:
        """Return what the visible ones of these documents say of these concepts."""
        wanted = list(dict.fromkeys(concept_ids))
        if not wanted or not doc_ids:
            return {}
        walk = self._reader.walk(access.tenant_id, wanted)
        asked = np.zeros(walk.count, np.bool_)
        asked[walk.known(doc_ids)] = True
        asked &= self._open(access, Filters(), walk)
        found: dict[str, dict[str, Assertion]] = {}
        concepts, of, documents, statuses = _laid_out(walk)
        inside = np.flatnonzero(asked[documents])
        for number, place, status in zip(
            documents[inside].tolist(), of[inside].tolist(), statuses[inside].tolist(), strict=True
        ):
            found.setdefault(walk.names[number], {})[concepts[place]] = BEST_FIRST[status]
        return found

    def _open(self, access: Access, filters: Filters, walk: Walk) -> NDArray[np.bool_]:
        """Say which document numbers this access and these filters let through."""
        open_ = walk.alive[: walk.count].copy()
        open_[walk.closed_to(access.labels)] = False
        if filters.empty and access.patients is None:
            return open_
        where, values = _conditions(access, filters)
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                f"SELECT d.doc_id FROM graph_document d WHERE d.tenant_id = %(tenant)s AND {where}",
                {"tenant": access.tenant_id, **values},
                binary=True,
            ).fetchall()
        allowed = np.zeros(walk.count, np.bool_)
        allowed[walk.known(doc_id for (doc_id,) in rows)] = True
        return open_ & allowed

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
        self._reader.forget(tenant_id)

    def let_go(self, tenant_id: TenantId) -> None:
        """Keep nothing of a tenant in this process."""
        self._reader.forget(tenant_id)


def _laid_out(
    walk: Walk,
) -> tuple[Sequence[str], NDArray[np.intp], NDArray[np.int32], NDArray[np.uint8]]:
    """Return the concepts, and of every entry the place of its concept, its document's number and
    its status: numpy takes as long for one concept as for all of them."""
    found = walk.postings.values()
    of = np.repeat(np.arange(len(found)), [len(each.documents) for each in found])
    documents = np.concatenate([each.documents for each in found])
    return list(walk.postings), of, documents, np.concatenate([each.statuses for each in found])


def _ranked(
    walk: Walk, weights: Mapping[str, float], open_: NDArray[np.bool_], k: int,
    counted: NDArray[np.float64],
) -> tuple[Scored, ...]:  # fmt: skip
    """Add up what each concept gives each document; rounded, because the order in which floats
    are added must not decide between equals."""
    concepts, of, documents, statuses = _laid_out(walk)
    mentions = np.concatenate([each.mentions for each in walk.postings.values()])
    alive = walk.alive[documents]
    spread = np.bincount(of[alive], minlength=len(concepts))
    idf = np.log1p(walk.live / np.maximum(spread, 1))
    of_concept = np.array([weights[concept] for concept in concepts]) * idf
    shares = of_concept[of] * counted[statuses] * (mentions / (mentions + SATURATION)) * alive
    scores = np.zeros(len(open_)) + np.bincount(documents, shares, len(open_)).round(9)
    scores[~open_] = 0.0
    best = _highest(scores, walk.names, k)
    parts = _parts(concepts, of, documents, shares, [n for _, _, n in best])
    return tuple(
        Scored(doc_id, -score, rank, concepts=parts[n])
        for rank, (score, doc_id, n) in enumerate(best, 1)
    )


def _highest(
    scores: NDArray[np.float64], names: Sequence[str], k: int
) -> list[tuple[float, str, int]]:
    """Return (-score, name, number) of the k best; ids decide between equals."""
    found = np.flatnonzero(scores > 0)  # of truth values it takes a quarter of the time
    if len(found) > k:
        own = scores[found]
        least = np.partition(own, len(found) - k)[len(found) - k]
        above = found[own > least]
        # A common concept that is said once in each of thousands of notes: all of them tie.
        tied = heapq.nsmallest(k - len(above), found[own == least].tolist(), key=names.__getitem__)
        found = np.append(above, tied).astype(np.intp)
    pairs = zip(found.tolist(), scores[found].tolist(), strict=True)
    return sorted((-score, names[n], n) for n, score in pairs)[:k]


def _parts(
    concepts: Sequence[str], of: NDArray[np.intp], documents: NDArray[np.int32],
    shares: NDArray[np.float64], best: Sequence[int],
) -> dict[int, dict[str, float]]:  # fmt: skip
    """Return what each concept gave to each of the best, by document number."""
    chosen = np.zeros(int(documents.max(initial=-1)) + 1, np.bool_)
    chosen[best] = True
    kept = chosen[documents] & (shares > 0)
    parts: dict[int, dict[str, float]] = {n: {} for n in best}
    for number, concept, share in zip(
        documents[kept].tolist(), of[kept].tolist(), shares[kept].tolist(), strict=True
    ):
        parts[number][concepts[concept]] = share
    return parts


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
    epoch = _next_epoch(conn, tenant_id)
    ordered = [(*row, epoch) for row in sorted(rows, key=lambda row: str(row[1]))]
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
        "UPDATE graph_size SET live = live + %s WHERE tenant_id = %s",
        (_live(conn, tenant_id, keys) - before, tenant_id),
    )
    return taken


def _next_epoch(conn: Connection, tenant_id: TenantId) -> int:
    """Number this write. The row stays locked until it commits: epochs commit in order."""
    row = conn.execute(
        "INSERT INTO graph_size AS s (tenant_id, live, epoch) VALUES (%s, 0, 1) "
        "ON CONFLICT (tenant_id) DO UPDATE SET epoch = s.epoch + 1 RETURNING epoch",
        (tenant_id,),
    ).fetchone()
    assert row is not None
    return int(row[0])


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
                held = "coalesce(d.patient_id, '')" if name == "patient" else f"d.{name}"
                parts.append(f"{held} {operator}(%({side}_{name})s)")
                values[f"{side}_{name}"] = [compared(name, value) for value in wanted[name]]
    if filters.date_from is not None:
        parts.append("d.date_end > %(date_from)s")
        values["date_from"] = filters.date_from
    if filters.date_to is not None:
        parts.append("d.date_start < %(date_to)s")
        values["date_to"] = filters.date_to
    return " AND ".join(parts), values
