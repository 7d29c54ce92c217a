"""`VectorIndex` and `WordIndex` in Neo4j: (VectorEntry)-[HOLDS]->(a vector, a name).

A tenant's part of a space has labels, a vector index and a full-text index of its own: the server
looks for the nearest in an index before it looks whose they are, so that in one index for everybody
another's names would crowd out one's own, and one's words would count among everybody's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Final, TypeVar

import numpy as np

from indexing.access import LABELS, Access
from indexing.backends.neo4j import words
from indexing.backends.neo4j.compile import EVERYTHING, fits, micros
from indexing.backends.neo4j.connect import IndexFault, Neo4j, Row, Transaction
from indexing.backends.neo4j.held import drop, gives_way
from indexing.backends.neo4j.schema import Partition
from indexing.errors import EngineUnavailable, EventRejected
from indexing.filters import Filters
from indexing.model import Document, IndexState, TenantId, Tombstone
from indexing.ports import NameHit, Ranking, Scored, VectorEntry, Vectors
from indexing.reconcile import digest
from indexing.spaces import Space, amounts, folded, texts
from indexing.strays import own

BATCH: Final = 100  # entries in one transaction: the server keeps it in memory until it commits
_PER_ENTRY: Final = 4  # vectors looked at per entry asked for, at first: concepts have many names
_LEAST: Final = 150  # vectors looked at: recall grows with it
_MADE_S: Final = 300  # what an index of some entries may take
_MORE: Final = 4  # times as many where those were of too few entries

# Held to the end of the transaction: one writer of a partition at a time. What it says of indexes
# is what `anamnesis doctor` looks for.
_BEGIN = """
MERGE (s:VectorSpace {space: $space})
SET s.indexes = $indexes, s.dimension = $dimension, s.writes = coalesce(s.writes, 0) + 1
"""
_KNOWN = "MATCH (s:VectorSpace {space: $space}) RETURN s.dimension AS dimension"
_HELD = """
UNWIND $ids AS id
MATCH (e:VectorEntry {space: $space, id: id}) USING INDEX e:VectorEntry(tenant, space, id)
RETURN id, e.version AS version, e.live AS live
"""
_EMPTY = """
UNWIND $ids AS id
MATCH (e:VectorEntry {{space: $space, id: id}}) USING INDEX e:VectorEntry(tenant, space, id)
MATCH (e)-[:HOLDS]->(r:{label}) DETACH DELETE r
"""
_PUT = "UNWIND $rows AS row MERGE (e:VectorEntry {space: $space, id: row.id}) SET e = row"
_HOLD = """
UNWIND $rows AS row
MATCH (e:VectorEntry {{space: $space, id: row.id}}) USING INDEX e:VectorEntry(tenant, space, id)
CREATE (e)-[:HOLDS]->(r:{label} {{id: row.id, number: row.number}})
WITH r, row CALL db.create.setNodeVectorProperty(r, 'vector', toFloatList(split(row.vector, ' ')))
"""
_NAME = """
UNWIND $rows AS row
MATCH (e:VectorEntry {{space: $space, id: row.id}}) USING INDEX e:VectorEntry(tenant, space, id)
CREATE (e)-[:HOLDS]->(n:{label} {{id: row.id}})
SET n.row = row.row, n.size = row.size, n.text = row.text, n.words = row.words
"""
_NEAREST = """
CALL db.index.vector.queryNodes($index, $wanted, toFloatList(split($vector, ' ')))
YIELD node AS r, score
MATCH (r:{label})
WITH r.tenant AS tenant, r.id AS id, max([score, -r.number]) AS best, count(*) AS passages
ORDER BY best[0] DESC, id
WITH collect({{tenant: tenant, id: id, number: -best[1], score: best[0]}}) AS found,
    sum(passages) AS seen
RETURN found[..$k] AS found, size(found) AS entries, seen
"""
_AMONG = """
MATCH (e:VectorEntry {{space: $space, live: true}}) USING INDEX e:VectorEntry(tenant, space, id)
WHERE e.id >= '' AND {where}
WITH e, toFloatList(split($vector, ' ')) AS asked
MATCH (e)-[:HOLDS]->(r:{label})
WITH e, max([vector.similarity.{metric}(r.vector, asked), -r.number]) AS best
RETURN e.tenant AS tenant, e.id AS id, -best[1] AS number, best[0] AS score
ORDER BY score DESC, id LIMIT $k
"""
_ENTRIES = """
MATCH (e:VectorEntry {space: $space, live: true}) USING INDEX e:VectorEntry(tenant, space, id)
WHERE e.id >= '' RETURN e.id AS id, e.version AS version
"""

T = TypeVar("T")


class Neo4jVectorIndex:
    """Vectors of one model and dimension, and words of names; model and dimension are part of every
    index's name. `secret` keeps what two installations have in one database apart."""

    def __init__(
        self, server: Neo4j, model: str, dimension: int, space: Space, secret: str
    ) -> None:
        self._server, self._dimension, self._space = server, dimension, space
        key = secret.encode()
        own_mark = blake2b(b"vector space", key=key[:64], digest_size=4).hexdigest()
        self._name = f"{space.physical(model, dimension)}-{own_mark}"
        self._settling: set[TenantId] = set()  # whose indexes are being made anew

    def upsert(self, tenant_id: TenantId, entries: Sequence[VectorEntry]) -> None:
        """Replace each document's passages unless a newer version or its tombstone stands."""
        newest = {e.document.doc_id: e for e in sorted(entries, key=lambda e: e.document.version)}
        self._write(tenant_id, [self._row(tenant_id, entry) for entry in newest.values()])

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Take documents out and keep the version at which they went."""
        newest = {stone.key: stone.version for stone in sorted(tombstones, key=lambda t: t.version)}
        self._write(tenant_id, [
            {"entry": self._entry(tenant_id, key, version, live=False), "vectors": (), "names": ()}
            for key, version in newest.items()
        ])  # fmt: skip

    def search(self, access: Access, vector: Vectors, filters: Filters, k: int) -> Ranking:
        """Rank documents by their best passage."""
        row = np.asarray(vector, dtype=np.float32).reshape(-1)
        if len(row) != self._dimension:
            raise EngineUnavailable(
                f"the question has {len(row)} dimensions, the vectors {self._dimension}",
                hint="Run `anamnesis index rebuild` after a change of model.",
            )
        if k < 1:
            return Ranking(())
        where, values = fits(access, filters, self._space)
        if values or where != EVERYTHING:
            rows = self._among(access, row, k, where, values)
        else:
            rows = self._asked(access.tenant_id, partial(self._nearest, access, row, k), ())
        scored = (
            Scored(row["id"], self._cosine(row["score"]), rank, passage=row["number"])
            for rank, row in enumerate(rows, 1)
        )
        return Ranking(tuple(scored))

    def spread(self, access: Access, asked: Sequence[str]) -> Mapping[str, int]:
        """Count the names that hold each of these words."""
        partition = self._partition(access.tenant_id)
        ask = partial(words.spread, self._server, access, partition, asked)
        return self._asked(access.tenant_id, ask, {})

    def vocabulary(self, access: Access) -> frozenset[str]:
        """Return every word of the names."""
        return words.vocabulary(self._server, access, self._partition(access.tenant_id))

    def named(self, access: Access, weights: Mapping[str, float], k: int) -> Sequence[NameHit]:
        """Rank names by the weights of the words that they hold; ties stand by row."""
        partition = self._partition(access.tenant_id)
        ask = partial(words.named, self._server, access, partition, weights, k)
        return self._asked(access.tenant_id, ask, ())

    def texts(self, tenant_id: TenantId) -> Sequence[str]:
        """Return every name, for a scan."""
        return words.texts(self._server, self._partition(tenant_id), tenant_id)

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count the live documents and fold their versions."""
        held = self.entries(tenant_id)
        return IndexState(len(held), digest(held), {"search": "hnsw"})

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document; see to it that they can be found."""
        rows = self._server.read(tenant_id, lambda tx: tx.run(_ENTRIES, space=self._name))
        if rows:
            self._define(self._partition(tenant_id))
        return {row["id"]: row["version"] for row in rows}

    def settle(self, tenant_id: TenantId) -> bool:
        """Make the indexes anew over what is held: one that grew with every batch is in pieces,
        each of which a question goes through (24 ms for 9,000 names, of one piece 2.5)."""
        indexes = self._partition(tenant_id).indexes
        if tenant_id not in self._settling:
            self._server.undefine(indexes)
            self._server.define(indexes)
            self._settling.add(tenant_id)
        if not self._server.answers(indexes, 1):
            return False
        self._settling.discard(tenant_id)
        return True

    def drop(self, tenant_id: TenantId) -> None:
        """Forget the tenant's vectors and names, tombstones too."""
        partition = self._partition(tenant_id)
        self._server.undefine(partition.indexes)  # first: nothing is taken out of them one by one
        labels = (partition.rows, partition.names, *(
            f"{label} {{space: $space}}" for label in ("VectorEntry", "VectorSpace")
        ))  # fmt: skip
        drop(self._server, tenant_id, labels, space=self._name)

    def _partition(self, tenant_id: TenantId) -> Partition:
        told = f"{tenant_id.hex} {self._name}".encode()
        key = blake2b(told, digest_size=8).hexdigest()
        return Partition(self._name, key, self._dimension, self._space.metric)

    def _define(self, partition: Partition) -> None:
        """Make what is missing of a partition's indexes."""
        known = {each.name for each in self._server.indexes(partition.by_meaning)}
        missing = {n: made for n, made in partition.indexes.items() if n not in known}
        if missing:
            self._server.define(missing)
            self._server.answers(missing, _MADE_S)

    def _asked(self, tenant_id: TenantId, ask: Callable[[], T], nothing: T) -> T:
        """Ask; a tenant who has nothing here has no index either."""
        try:
            return ask()
        except IndexFault:
            if self._server.read(tenant_id, lambda tx: tx.run(_KNOWN, space=self._name)):
                raise
            return nothing

    def _nearest(self, access: Access, vector: Vectors, k: int) -> Sequence[Row]:
        """Return the best passage of the nearest documents, by the index: as many passages are
        asked for as those of one document more than `k` take, or all."""
        partition = self._partition(access.tenant_id)
        statement, wanted = _NEAREST.format(label=partition.rows), max(_PER_ENTRY * k, _LEAST)
        asked = {"index": partition.by_meaning, "vector": _written(vector), "k": k}
        while True:
            bound = asked | {"wanted": wanted}
            [told] = self._server.ask(
                access.tenant_id, partial(_run, statement=statement, values=bound)
            )
            if told["entries"] > k or told["seen"] < wanted:
                return self._own(access, told["found"])
            wanted *= _MORE

    def _among(
        self, access: Access, vector: Vectors, k: int, where: str, values: Mapping[str, Any]
    ) -> Sequence[Row]:
        """Return the best passage of the nearest documents that fit: every one is measured, since
        the index finds the nearest before it looks whether they do."""
        label = self._partition(access.tenant_id).rows
        statement = _AMONG.format(label=label, where=where, metric=self._space.metric)
        asked = {"space": self._name, "vector": _written(vector), "k": k}
        rows = self._server.ask(access.tenant_id, lambda tx: tx.run(statement, **asked, **values))
        return self._own(access, rows)

    def _own(self, access: Access, rows: Sequence[Row]) -> list[Row]:
        return own("neo4j", "vectors", access.tenant_id, rows, lambda row: row["tenant"])

    def _cosine(self, score: float) -> float:
        """Return the cosine for Neo4j's (1 + cosine) / 2; Euclid's is ours as it is."""
        return 2 * score - 1 if self._space.metric == "cosine" else score

    def _write(self, tenant_id: TenantId, rows: Sequence[Row]) -> None:
        if not rows:
            return
        partition = self._partition(tenant_id)
        self._define(partition)
        for at in range(0, len(rows), BATCH):
            some = rows[at : at + BATCH]
            self._server.write(tenant_id, partial(_write, partition=partition, rows=some))

    def _row(self, tenant_id: TenantId, entry: VectorEntry) -> Row:
        """Lay out an entry. Raises: EventRejected."""
        document, count, vectors = entry.document, len(entry.passages), entry.vectors
        if count != len(vectors) or (count and vectors.shape[1] != self._dimension):
            raise EventRejected(
                f"document {document.doc_id!r}: {count} passages, vectors of shape "
                f"{vectors.shape}, the index has {self._dimension} dimensions"
            )
        held = texts(self._space, document, entry.metadata)
        more: dict[str, Any] = {f"text_{n}": sorted(folded(self._space, n, held[n])) for n in held}
        numbers = amounts(self._space, document, entry.metadata)
        more |= {f"amount_{name}": value for name, value in numbers.items()}
        row = self._entry(tenant_id, document.doc_id, document.version, live=True)
        return {
            "entry": row | _properties(document) | more,
            "vectors": [
                {"id": document.doc_id, "number": passage.number, "vector": _written(vector)}
                for passage, vector in zip(entry.passages, vectors, strict=True)
            ],
            "names": [
                {
                    "id": document.doc_id, "row": each.row, "size": len(each.words),
                    "text": each.text, "words": " ".join(each.words),
                }
                for each in entry.worded
            ],
        }  # fmt: skip

    def _entry(
        self, tenant_id: TenantId, doc_id: str, version: int, *, live: bool
    ) -> dict[str, Any]:
        return {
            "tenant": tenant_id.hex, "space": self._name, "id": doc_id, "version": version,
            "live": live,
        }  # fmt: skip


def _run(tx: Transaction, statement: str, values: Mapping[str, Any]) -> list[Row]:
    return tx.run(statement, **values)


def _write(tx: Transaction, partition: Partition, rows: Sequence[Row]) -> None:
    """Write the entries whose version is taken; nothing changes between what is read and what is
    written by it, since the partition's lock is held from the first line on."""
    space = partition.space
    indexes = list(partition.indexes)
    tx.run(_BEGIN, space=space, indexes=indexes, dimension=partition.dimension)
    ids = [row["entry"]["id"] for row in rows]
    held = {row["id"]: row for row in tx.run(_HELD, space=space, ids=ids)}
    taken = [row for row in rows if gives_way(held.get(row["entry"]["id"]), row["entry"])]
    before = [row["entry"]["id"] for row in taken if row["entry"]["id"] in held]
    for label in (partition.rows, partition.names) if before else ():
        tx.run(_EMPTY.format(label=label), space=space, ids=before)
    tx.run(_PUT, space=space, rows=[row["entry"] for row in taken])
    for statement, label, kind in (
        (_HOLD, partition.rows, "vectors"), (_NAME, partition.names, "names"),
    ):  # fmt: skip
        if held_by := [each for row in taken for each in row[kind]]:
            tx.run(statement.format(label=label), space=space, rows=held_by)


def _written(vector: Vectors) -> str:
    """Return a vector as text: packing lists of numbers was two thirds of a fill."""
    return " ".join(map(repr, vector.tolist()))


def _properties(d: Document) -> dict[str, Any]:
    return {
        "patient_id": d.patient_id,
        "labels": sorted(label if label in LABELS else "OTHER" for label in d.labels),
        "date_start": None if d.date_start is None else micros(d.date_start),
        "date_end": None if d.date_end is None else micros(d.date_end),
    }  # fmt: skip
