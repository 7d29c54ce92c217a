"""Servers that are killed, hung, full or restarted: nothing acknowledged is lost, and what is not
whole is found and repaired."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from indexing.access import Access
from indexing.backends.opensearch.connect import Connection
from indexing.backends.opensearch.vectors import OpenSearchVectorIndex
from indexing.clauses import Word
from indexing.errors import EngineUnavailable, EventRejected
from indexing.filters import Filters
from indexing.model import ChangeEvent, Document, Kind, Passage, TenantId, Tombstone
from indexing.ports import LexicalEntry, LexicalIndex, VectorEntry, VectorIndex
from indexing.reconcile import Store, reconcile
from tests.engines import EngineServer

pytestmark = pytest.mark.engines

D = 16
BATCH = 25
PAUSE_S = 0.05
LONGEST_S = 600.0  # a guard against waiting for ever; how long it took is printed, not judged
LEXICAL = frozenset({"opensearch"})


@dataclass(slots=True)
class Subject:
    """One index of one server, and the notes that it should hold."""

    index: Any
    server: EngineServer
    words: bool
    tenant_id: TenantId = field(default_factory=lambda: TenantId(uuid4()))
    truth: dict[str, int] = field(default_factory=dict)

    name = "subject"
    kind = Kind.LANGUAGE
    batch = 100

    def entry(self, doc_id: str, version: int) -> Any:
        document = Document(self.tenant_id, doc_id, version, f"fever {doc_id} {version}")
        if self.words:
            return LexicalEntry(document)
        rng = np.random.default_rng(version)
        rows = rng.standard_normal((2, D)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return VectorEntry(document, "m", (Passage(0, 0, 4), Passage(1, 4, 5)), rows)

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Do as a follower does."""
        kept = [self.entry(e.key, e.version) for e in events if not e.deleted]
        if kept:
            self.index.upsert(tenant_id, kept)
        if gone := [Tombstone(e.key, e.version) for e in events if e.deleted]:
            self.index.delete(tenant_id, gone)

    def found(self) -> int:
        access = Access(self.tenant_id, "dr", frozenset())
        if self.words:
            return self.index.search(access, Word("fever"), Filters(), 10, "any").total
        vector = self.entry("x", 1).vectors[0]
        return len(self.index.search(access, vector, Filters(), 10).hits)

    def repaired(self) -> bool:
        """Reconcile once; say whether it then holds exactly the truth."""
        store = Store("subject", self, self.index.entries)
        [(_, after)] = reconcile(self.tenant_id, lambda _: dict(self.truth), [store])
        return after.equal


@pytest.fixture
def subjects(
    request: pytest.FixtureRequest,
    lexical_index: Callable[[str], LexicalIndex],
    vector_index: Callable[[str, str, int], VectorIndex],
) -> Callable[[str], list[Subject]]:
    """Return every index of an engine's server."""

    def build(engine: str) -> list[Subject]:
        server: EngineServer = request.getfixturevalue(engine)
        if server.script is None:
            pytest.skip("no test kills a site's own server")
        if not server.alive():
            server.start()
        made = [Subject(vector_index(engine, "m", D), server, words=False)]
        if engine in LEXICAL:
            made.append(Subject(lexical_index(engine), server, words=True))
        return made

    return build


def until(attempt: Callable[[], object]) -> None:
    """Repeat what fails with `EngineUnavailable` until it succeeds, for as long as it may take."""
    deadline = time.monotonic() + LONGEST_S
    while True:
        try:
            if attempt():
                return
        except EngineUnavailable:
            threading.Event().wait(PAUSE_S)  # a busy loop would take the server's processor
        assert time.monotonic() < deadline, "the server is back and the index is not"


def written(
    subject: Subject, enough: threading.Event, gone: threading.Event, first: int
) -> dict[str, int]:
    """Write batches until the server is gone; return what was acknowledged. A server that is
    busy before that is asked again."""
    acknowledged: dict[str, int] = {}
    at = first
    while True:
        batch = {f"n{number:06}": 1 for number in range(at, at + BATCH)}
        subject.truth.update(batch)  # the records have it before any index hears of it
        try:
            subject.index.upsert(
                subject.tenant_id, [subject.entry(key, version) for key, version in batch.items()]
            )
        except EngineUnavailable:
            if enough.is_set() or gone.wait(PAUSE_S):
                return acknowledged
            continue
        acknowledged.update(batch)
        at += BATCH
        if at - first >= 2 * BATCH:
            enough.set()


def killed(subjects: Sequence[Subject], rounds: int) -> None:
    """Kill the server under writers and readers of every index of it, again and again."""
    for _ in range(rounds):
        acknowledged, strange = killed_once(subjects)
        back = time.monotonic()
        assert not strange
        for subject, known in zip(subjects, acknowledged, strict=True):
            held: dict[str, int] = {}
            until(partial(looked, subject, held))
            assert not {key for key, version in known.items() if held.get(key) != version}
            until(subject.repaired)
            until(subject.found)
        print(f"consistent {time.monotonic() - back:.1f} s after it was back")


def looked(subject: Subject, into: dict[str, int]) -> bool:
    into |= subject.index.entries(subject.tenant_id)
    return True


def killed_once(subjects: Sequence[Subject]) -> tuple[list[dict[str, int]], list[BaseException]]:
    """Return what each index acknowledged, and what readers met beside `EngineUnavailable`."""
    stop = threading.Event()
    ready = [threading.Event() for _ in subjects]
    gone = threading.Event()
    strange: list[BaseException] = []

    def read(subject: Subject) -> None:
        while not stop.is_set():
            try:
                subject.found()
            except EngineUnavailable:
                stop.wait(PAUSE_S)
            except BaseException as exc:  # noqa: BLE001 - whatever it is, the test tells it
                strange.append(exc)

    readers = [threading.Thread(target=read, args=(subject,)) for subject in subjects]
    with ThreadPoolExecutor(len(subjects)) as pool:
        writers = [
            pool.submit(written, subject, enough, gone, len(subject.truth))
            for subject, enough in zip(subjects, ready, strict=True)
        ]
        try:
            for reader in readers:
                reader.start()
            assert all(enough.wait(LONGEST_S) for enough in ready)
        finally:
            gone.set()
            subjects[0].server.crash()
        acknowledged = [writer.result() for writer in writers]
    try:
        subjects[0].server.start()
        for subject in subjects:
            until(partial(answers, subject))
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    return acknowledged, strange


def answers(subject: Subject) -> bool:
    subject.found()
    return True


@pytest.mark.parametrize("engine", ["opensearch", "weaviate"])
def test_a_kill_under_load_loses_nothing_acknowledged(
    subjects: Callable[[str], list[Subject]], engine: str
) -> None:
    killed(subjects(engine), 3)


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["opensearch", "weaviate"])
def test_twenty_kills(subjects: Callable[[str], list[Subject]], engine: str) -> None:
    killed(subjects(engine), 20)


@pytest.mark.parametrize("engine", ["opensearch", "weaviate"])
def test_a_hung_server_is_given_up_and_taken_up_again(
    subjects: Callable[[str], list[Subject]], engine: str
) -> None:
    subject = subjects(engine)[-1]
    subject.truth["a"] = 1
    assert subject.repaired()
    with subject.server.hung():
        with pytest.raises(EngineUnavailable):
            subject.found()
        with pytest.raises(EngineUnavailable, match="does not answer"):  # at once: nothing is sent
            subject.found()
    until(lambda: subject.found() == 1)


def test_a_full_disk_delays_and_parks_nothing(
    opensearch_connection: Connection, lexical_index: Callable[[str], LexicalIndex]
) -> None:
    index = lexical_index("opensearch")
    tenant_id = TenantId(uuid4())
    note = LexicalEntry(Document(tenant_id, "a", 1, "fever"))
    index.upsert(tenant_id, [note])
    every = f"{opensearch_connection.cluster.prefix}-*"
    block = "index.blocks.read_only_allow_delete"
    indices = opensearch_connection.client.indices
    indices.put_settings(index=every, body={block: True})
    with pytest.raises(EngineUnavailable) as caught:
        index.upsert(tenant_id, [LexicalEntry(Document(tenant_id, "b", 1, "fever"))])
    assert "make room" in caught.value.hint
    indices.put_settings(index=every, body={block: None})
    index.upsert(tenant_id, [LexicalEntry(Document(tenant_id, "b", 1, "fever"))])
    assert index.entries(tenant_id) == {"a": 1, "b": 1}


@pytest.mark.parametrize("engine", ["opensearch", "weaviate"])
def test_vectors_of_another_dimension_are_refused_and_told(
    vector_index: Callable[[str, str, int], VectorIndex], engine: str
) -> None:
    index = vector_index(engine, "m", D)
    tenant_id = TenantId(uuid4())
    rows = np.ones((1, D + 1), np.float32) / np.sqrt(D + 1)
    wrong = VectorEntry(Document(tenant_id, "a", 1, "x"), "m", (Passage(0, 0, 1),), rows)
    with pytest.raises(EventRejected, match=f"{D + 1}"):
        index.upsert(tenant_id, [wrong])
    with pytest.raises(EngineUnavailable, match="dimensions"):
        index.search(Access(tenant_id, "dr", frozenset()), rows[0], Filters(), 3)


def test_two_models_lie_beside_each_other(opensearch_connection: Connection) -> None:
    tenant_id = TenantId(uuid4())
    access = Access(tenant_id, "dr", frozenset())
    old = OpenSearchVectorIndex(opensearch_connection, "old", D)
    new = OpenSearchVectorIndex(opensearch_connection, "new", 2 * D)
    for index, size in ((old, D), (new, 2 * D)):
        rows = np.ones((1, size), np.float32) / np.float32(np.sqrt(size))
        document = Document(tenant_id, "a", 1, "x")
        index.upsert(tenant_id, [VectorEntry(document, "m", (Passage(0, 0, 1),), rows)])
        assert [h.doc_id for h in index.search(access, rows[0], Filters(), 3).hits] == ["a"]
    old.drop(tenant_id)
    assert new.entries(tenant_id) == {"a": 1}
    assert old.entries(tenant_id) == {}
