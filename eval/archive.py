"""Stored runs: one SQLite file in the home folder, each topic's answer a row of its own.

Files of JSON were slower to list and could not be continued after a kill; PostgreSQL would make
`eval run` start a database that it needs for nothing else.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import zstandard

from eval.benchmark import Benchmark, Qrels
from eval.lab_file import opened
from eval.measures import Figures
from indexing.errors import InvalidInput, NotFound
from rankers.explain import Signal

LAB = "lab"  # the folder of stored runs and judgements under a home
SHOWN = 100  # hits of a topic whose signals and titles are kept; deeper ones keep their score

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
  run_id TEXT PRIMARY KEY, key TEXT NOT NULL, pid INTEGER NOT NULL, name TEXT NOT NULL,
  created TEXT NOT NULL, finished TEXT, tenant TEXT NOT NULL, data_version TEXT NOT NULL,
  card BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS run_by_time ON run (created DESC);
CREATE TABLE IF NOT EXISTS topic (
  run_id TEXT NOT NULL, place INTEGER NOT NULL, topic_id TEXT NOT NULL, figures BLOB,
  unparsed INTEGER NOT NULL, hits BLOB NOT NULL, UNIQUE (run_id, topic_id)
);
CREATE TABLE IF NOT EXISTS dataset (
  data_version TEXT PRIMARY KEY, judged BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS title (
  data_version TEXT NOT NULL, doc_id TEXT NOT NULL, title TEXT NOT NULL,
  PRIMARY KEY (data_version, doc_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS body (
  data_version TEXT NOT NULL, doc_id TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (data_version, doc_id)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Card:
    """What a run is. `tenant` "" means that every tenant's relevance engineers may see it;
    `finished` None that it was broken off; `trained` says on what, "" is zero-shot."""

    benchmark: str
    split: str
    ranker: str
    settings: Mapping[str, Any]
    data_version: str
    code_version: str
    model: str
    terminology: str
    n: int
    tenant: str = ""
    name: str = ""
    source: str = ""
    trained: str = ""
    run_id: str = ""
    created: str = ""
    finished: str | None = None
    unparsed: int = 0
    took_s: float = 0.0
    measured_by: str = ""
    figures: Figures = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Say when two runs are the same work: one may be continued for the other."""
        parts = [self.benchmark, self.split, self.ranker, dict(self.settings), self.data_version,
                 self.code_version, self.model, self.terminology, self.tenant]  # fmt: skip
        return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS).decode()

    @property
    def label(self) -> str:
        """Name it for people."""
        return self.name or self.run_id

    def to_json(self) -> dict[str, Any]:
        """Return its values by name."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class StoredHit:
    """One document of a topic's answer; `signals` by leg, empty beyond the first hundred."""

    doc_id: str
    score: float
    signals: Mapping[str, Signal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """A topic of a run; `figures` are there once the run is finished."""

    topic_id: str
    hits: tuple[StoredHit, ...]
    unparsed: bool = False
    figures: Figures = field(default_factory=dict)


class Archive:
    """The lab's file; every call opens it anew, so that it may be shared by threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / "lab.sqlite"
        with opened(self._path) as conn:
            conn.executescript(_SCHEMA)
        self._path.chmod(0o600)  # topics and titles may be patients'

    def begin(self, card: Card, benchmark: Benchmark) -> Card:
        """Store a new run, or continue one of the same work that was broken off."""
        with opened(self._path) as conn:
            conn.execute("BEGIN IMMEDIATE")
            broken = conn.execute(
                "SELECT card, pid FROM run WHERE key = ? AND finished IS NULL ORDER BY created",
                (card.key,),
            ).fetchall()
            for stored, pid in broken:
                found = replace(_card(stored), name=card.name)
                if pid == os.getpid() or not _lives(pid):
                    conn.execute(
                        "UPDATE run SET pid = ?, name = ?, card = ? WHERE run_id = ?",
                        (os.getpid(), found.name, _packed_card(found), found.run_id),
                    )
                    return found
            now = datetime.now(UTC)
            run_id = f"{now:%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
            made = replace(card, run_id=run_id, created=now.isoformat(timespec="milliseconds"))
            _insert(conn, made)
            _insert_dataset(conn, card.data_version, benchmark)
            return made

    def keep(self, card: Card, benchmark: Benchmark, answers: Iterable[Answered]) -> Card:
        """Store a whole run at once: one that was made elsewhere."""
        made = self.begin(card, benchmark)
        self.add(made, answers, benchmark)
        return made

    def add(self, card: Card, answers: Iterable[Answered], benchmark: Benchmark) -> None:
        """Store what topics answered; durable on return."""
        titles = _Titles(benchmark)
        places = {topic: place for place, topic in enumerate(benchmark.topics)}
        with opened(self._path) as conn:
            for each in answers:
                place = places[each.topic_id]
                conn.execute(
                    "INSERT OR REPLACE INTO topic VALUES (?, ?, ?, NULL, ?, ?)",
                    (card.run_id, place, each.topic_id, each.unparsed, _packed(each.hits)),
                )
                conn.executemany(
                    "INSERT OR IGNORE INTO title VALUES (?, ?, ?)",
                    [(card.data_version, d, t) for d, t in titles.of(each.hits)],
                )

    def finish(self, card: Card, figures: Mapping[str, Figures]) -> Card:
        """Store the figures of every topic and close the run."""
        done = replace(card, finished=datetime.now(UTC).isoformat(timespec="milliseconds"))
        with opened(self._path) as conn:
            conn.executemany(
                "UPDATE topic SET figures = ? WHERE run_id = ? AND topic_id = ?",
                [(orjson.dumps(values), card.run_id, t) for t, values in figures.items()],
            )
            conn.execute(
                "UPDATE run SET finished = ?, card = ? WHERE run_id = ?",
                (done.finished, _packed_card(done), card.run_id),
            )
        return done

    def cards(
        self, tenant: str | None = None, *, most: int = -1, skip: int = 0, data_version: str = ""
    ) -> tuple[Card, ...]:
        """List the runs, newest first; `tenant` sees its own and those of none, None sees all.

        At most `most` after the first `skip`, those of one data version where it is given.
        """
        with opened(self._path) as conn:
            found = conn.execute(
                "SELECT card FROM run WHERE (?1 IS NULL OR tenant IN ('', ?1))"
                " AND ?2 IN ('', data_version) ORDER BY created DESC, run_id DESC"
                " LIMIT ?3 OFFSET ?4",
                (tenant, data_version, most, skip),
            ).fetchall()
        return tuple(_card(stored) for (stored,) in found)

    def count(self, tenant: str | None = None) -> int:
        """Count the runs that `cards` lists."""
        with opened(self._path) as conn:
            found = conn.execute(
                "SELECT count(*) FROM run WHERE ?1 IS NULL OR tenant IN ('', ?1)", (tenant,)
            ).fetchone()
        return int(found[0])

    def run(self, run_id: str, tenant: str | None = None) -> Card:
        """Open a run by its whole id. Raises: NotFound."""
        with opened(self._path) as conn:
            found = conn.execute(
                "SELECT card FROM run WHERE run_id = ?2 AND (?1 IS NULL OR tenant IN ('', ?1))",
                (tenant, run_id),
            ).fetchone()
        if found is None:
            raise NotFound("no such run")
        return _card(found[0])

    def card(self, wanted: str, tenant: str | None = None) -> Card:
        """Find a run by its id, the beginning of its id, its name, or "latest".

        Raises: NotFound, and InvalidInput where several begin like that.
        """
        cards = self.cards(tenant)
        if wanted == "latest" and cards:
            return next((card for card in cards if card.finished), cards[0])
        for card in cards:  # of several with one name the newest
            if wanted in (card.run_id, card.name):
                return card
        alike = [card for card in cards if wanted and card.run_id.startswith(wanted)]
        if len(alike) > 1:
            raise InvalidInput(f"{len(alike)} runs begin with {wanted!r}")
        if not alike:
            raise NotFound(f"no run {wanted!r}", hint="`anamnesis eval runs` lists them.")
        return alike[0]

    def answered(self, run_id: str) -> frozenset[str]:
        """Return the topics that are stored already."""
        with opened(self._path) as conn:
            found = conn.execute("SELECT topic_id FROM topic WHERE run_id = ?", (run_id,))
            return frozenset(topic for (topic,) in found)

    def figures(self, run_id: str) -> dict[str, Figures]:
        """Return topic id -> measure -> value, in the topics' order."""
        with opened(self._path) as conn:
            found = conn.execute(
                "SELECT topic_id, figures FROM topic WHERE run_id = ? ORDER BY place", (run_id,)
            )
            return {topic: orjson.loads(values) if values else {} for topic, values in found}

    def topic(self, run_id: str, topic_id: str) -> Answered:
        """Open one topic of a run. Raises: NotFound."""
        found = list(self.topics(run_id, [topic_id]))
        if not found:
            raise NotFound(f"the run {run_id} has no topic of that id")
        return found[0]

    def topics(self, run_id: str, only: Sequence[str] | None = None) -> Iterator[Answered]:
        """Open a run's topics one after the other, in their order."""
        columns = "SELECT topic_id, unparsed, hits, figures FROM topic WHERE run_id = ?"
        with opened(self._path) as conn:
            if only is None:
                found = conn.execute(f"{columns} ORDER BY place", (run_id,))
            else:
                marks = ",".join("?" * len(only))
                found = conn.execute(f"{columns} AND topic_id IN ({marks})", (run_id, *only))
            for topic, unparsed, hits, values in found:
                figures = orjson.loads(values) if values else {}
                yield Answered(topic, _unpacked(hits), bool(unparsed), figures)

    def judged(self, data_version: str) -> tuple[dict[str, str], Qrels]:
        """Return the texts of a data version's topics, and its qrels. Raises: NotFound."""
        with opened(self._path) as conn:
            found = conn.execute(
                "SELECT judged FROM dataset WHERE data_version = ?", (data_version,)
            ).fetchone()
        if found is None:
            raise NotFound(f"no data version {data_version!r}")
        topics, qrels = orjson.loads(zstandard.decompress(found[0]))
        return topics, qrels

    def titles(self, data_version: str, doc_ids: Sequence[str]) -> dict[str, str]:
        """Return what documents are called."""
        marks = ",".join("?" * len(doc_ids))
        with opened(self._path) as conn:
            found = conn.execute(
                f"SELECT doc_id, title FROM title WHERE data_version = ? AND doc_id IN ({marks})",
                (data_version, *doc_ids),
            )
            return dict(found)

    def keep_texts(self, data_version: str, texts: Iterable[tuple[str, str, str]]) -> None:
        """Keep (document, title, text) of what judges will read."""
        rows = list(texts)
        with opened(self._path) as conn:
            for table, at in (("title", 1), ("body", 2)):
                conn.executemany(
                    f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",
                    [(data_version, row[0], row[at]) for row in rows],
                )

    def texts(self, data_version: str, doc_ids: Sequence[str]) -> dict[str, str]:
        """Return the documents' texts, as far as they are kept."""
        marks = ",".join("?" * len(doc_ids))
        with opened(self._path) as conn:
            found = conn.execute(
                f"SELECT doc_id, text FROM body WHERE data_version = ? AND doc_id IN ({marks})",
                (data_version, *doc_ids),
            )
            return dict(found)

    def drop(self, run_id: str) -> None:
        """Forget a run, and a data version that no run is left of."""
        with opened(self._path) as conn:
            conn.execute("PRAGMA secure_delete = ON")  # what is forgotten is written over
            for table in ("topic", "run"):
                conn.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))
            for table in ("dataset", "title", "body"):
                conn.execute(
                    f"DELETE FROM {table} WHERE data_version NOT IN (SELECT data_version FROM run)"
                )


class _Titles:
    """What a benchmark's documents are called: their title, else how they begin."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._texts = {text.doc_id: text for text in benchmark.corpus}

    def of(self, hits: Sequence[StoredHit]) -> Iterator[tuple[str, str]]:
        for hit in hits[:SHOWN]:
            if (text := self._texts.get(hit.doc_id)) is not None:
                yield hit.doc_id, " ".join((text.title or text.text[:160]).split())[:120]


def _insert(conn: sqlite3.Connection, card: Card) -> None:
    conn.execute(
        "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (card.run_id, card.key, os.getpid(), card.name, card.created, card.finished, card.tenant,
         card.data_version, _packed_card(card)),
    )  # fmt: skip


def _insert_dataset(conn: sqlite3.Connection, data_version: str, benchmark: Benchmark) -> None:
    judged = orjson.dumps([dict(benchmark.topics), benchmark.qrels])
    conn.execute(
        "INSERT OR IGNORE INTO dataset VALUES (?, ?)", (data_version, zstandard.compress(judged))
    )


def _packed_card(card: Card) -> bytes:
    return orjson.dumps(card.to_json())


def _card(stored: bytes) -> Card:
    values = orjson.loads(stored)
    known = {name: values[name] for name in Card.__slots__ if name in values}
    return Card(**{**known, "warnings": tuple(known.get("warnings", ()))})


def _packed(hits: Sequence[StoredHit]) -> bytes:
    rows = [
        [hit.doc_id, round(hit.score, 9)]
        + [[leg, s.rank, round(s.score, 6), s.contribution] for leg, s in hit.signals.items()]
        for hit in hits[:SHOWN]
    ]
    rows += [[hit.doc_id, round(hit.score, 9)] for hit in hits[SHOWN:]]
    return zstandard.compress(orjson.dumps(rows), 3)


def _unpacked(stored: bytes) -> tuple[StoredHit, ...]:
    return tuple(
        StoredHit(doc_id, score, {leg: Signal(*values) for leg, *values in signals})
        for doc_id, score, *signals in orjson.loads(zstandard.decompress(stored))
    )


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
