"""What OpenSearch may answer instead of yes: each item judged by itself, each state told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from indexing.access import Access
from indexing.backends.opensearch import bulk
from indexing.backends.opensearch.checks import health
from indexing.backends.opensearch.connect import Cluster, Connection
from indexing.backends.opensearch.lexical import OpenSearchLexicalIndex
from indexing.backends.opensearch.vectors import OpenSearchVectorIndex
from indexing.clauses import Word
from indexing.errors import EngineUnavailable, EventRejected
from indexing.filters import Filters
from indexing.health import release
from indexing.model import Document, TenantId
from indexing.ports import LexicalEntry, VectorEntry
from tests.authority import authority_in
from tests.stub_http import Answer, answering

TENANT = TenantId(UUID(int=7))
ACCESS = Access(TENANT, "dr", frozenset())


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk.time, "sleep", lambda _: None)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    connection = Connection(Cluster(url, "secret"))
    try:
        yield connection
    finally:
        connection.close()


class Scripted:
    """Answers the n-th bulk with the n-th list of (status, error); remembers what was sent."""

    def __init__(self, *rounds: list[tuple[int, str]]) -> None:
        self.rounds, self.sent = list(rounds), []

    def __call__(self, method: str, path: str, body: bytes) -> Answer:
        if not path.endswith("/_bulk"):
            return 200, {} if method == "GET" else {"acknowledged": True}
        ids = [json.loads(line)["index"]["_id"] for line in body.splitlines()[::2]]
        self.sent.append(ids)
        statuses = self.rounds.pop(0)
        assert len(statuses) == len(ids)
        items = [
            {"index": {"status": status, **({"error": {"type": kind}} if kind else {})}}
            for status, kind in statuses
        ]
        return 200, {"items": items}


def upserted(script: Scripted, *names: str) -> None:
    with answering(script) as url, connected(url) as connection:
        index = OpenSearchLexicalIndex(connection)
        documents = [Document(TENANT, name, 1, "words") for name in names]
        index.upsert(TENANT, [LexicalEntry(document) for document in documents])


FULL = (429, "es_rejected_execution_exception")
LOST = (409, "version_conflict_engine_exception")
BAD = (400, "mapper_parsing_exception")
BLOCKED = (403, "cluster_block_exception")
FLOOD = (429, "cluster_block_exception")
GONE = (404, "index_not_found_exception")
GOOD = (201, "")


def test_what_was_refused_for_the_moment_is_sent_again_alone() -> None:
    script = Scripted([GOOD, FULL, (503, "unavailable_shards_exception")], [FULL, GOOD], [GOOD])
    upserted(script, "a", "b", "c")
    assert script.sent == [["a", "b", "c"], ["b", "c"], ["b"]]


def test_what_lost_to_a_newer_version_is_done() -> None:
    script = Scripted([LOST, GOOD])
    upserted(script, "a", "b")
    assert len(script.sent) == 1


def test_what_is_at_fault_is_told_after_the_others_are_written() -> None:
    script = Scripted([BAD, FULL, GOOD], [GOOD])
    with pytest.raises(EventRejected, match="'a'"):
        upserted(script, "a", "b", "c")
    assert script.sent[1] == ["b"]


def test_a_server_that_stays_full_is_at_fault_not_the_note() -> None:
    rounds = [[FULL] for _ in range(len(bulk.BACK_OFF_S) + 1)]
    with pytest.raises(EngineUnavailable, match="overloaded"):
        upserted(Scripted(*rounds), "a")


@pytest.mark.parametrize("refusal", [BLOCKED, FLOOD])
def test_a_read_only_index_parks_nothing(refusal: tuple[int, str]) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        upserted(Scripted([refusal]), "a")
    assert "read_only_allow_delete" in caught.value.hint


def test_an_index_that_is_missing_is_made() -> None:
    script = Scripted([GONE], [GOOD])
    upserted(script, "a")
    assert script.sent == [["a"], ["a"]]


def test_a_hit_of_another_tenant_is_dropped() -> None:
    hits = [{"sort": [2.0, "theirs", "f" * 32]}, {"sort": [1.0, "mine", TENANT.hex]}]
    found = {"hits": {"total": {"value": 2}, "hits": hits}}
    with answering(lambda *_: (200, found)) as url, connected(url) as connection:
        index = OpenSearchLexicalIndex(connection)
        ranking = index.search(ACCESS, Word("pain"), Filters(), 10, "any")
    assert [(hit.doc_id, hit.rank) for hit in ranking.hits] == [("mine", 1)]


WORDINGS = [Word(f"pain{number}") for number in range(24)]


def counted(answer: Answer) -> tuple[tuple[int, ...], int]:
    """Return how many notes hold each of the wordings by this answer, and the trips that took."""
    bodies: list[bytes] = []

    def tell(_method: str, path: str, body: bytes) -> Answer:
        if path != "/":  # a sign of life is none
            bodies.append(body)
        return answer

    with answering(tell) as url, connected(url) as connection:
        found = OpenSearchLexicalIndex(connection).counts(ACCESS, WORDINGS, Filters())
    return found, len(bodies)


def test_all_wordings_are_counted_in_one_trip() -> None:
    buckets = [{"doc_count": number} for number in range(24)]
    told = {"aggregations": {"each": {"buckets": buckets}}}
    assert counted((200, told)) == (tuple(range(24)), 1)
    missing = {"error": {"type": "index_not_found_exception"}}
    assert counted((404, missing)) == ((0,) * 24, 1)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, {"error": {"type": "search_phase_execution_exception"}}),
        (429, {"error": {"type": "circuit_breaking_exception"}}),
        (200, {"aggregations": {"each": {"buckets": [{"doc_count": 1}] * 23}}}),
        (200, {}),
    ],
)
def test_a_count_that_failed_is_no_nought(status: int, body: dict[str, Any]) -> None:
    with pytest.raises(EngineUnavailable):
        counted((status, body))


def state(**changed: Any) -> dict[str, Answer]:
    """Return what a healthy cluster answers, and what differs."""
    version = {"distribution": "opensearch", "number": "3.6.0"}
    ready: dict[str, Any] = {
        "/": {"version": version},
        "/_cat/plugins": [{"name": "n1", "component": "opensearch-knn"}],
        "/_cluster/health": {"status": "green", "number_of_nodes": 1, "unassigned_shards": 0},
        "/anamnesis-*/_settings/index.blocks.*": {},
        "/anamnesis-*/_mapping": {},
    }
    return {path: (200, answer) for path, answer in (ready | changed).items()}


RED = {"status": "red", "number_of_nodes": 1, "unassigned_shards": 3}
OLD = {"version": {"distribution": "opensearch", "number": "2.19.1"}}
ELASTIC = {"version": {"number": "9.1.0"}}
LOCKED = {"anamnesis-w": {"settings": {"index.blocks.read_only_allow_delete": "true"}}}
SMALL = {
    "anamnesis-clinical-notes-m-384-1-x": {
        "mappings": {"properties": {"passages": {"properties": {"vector": {"dimension": 128}}}}}
    }
}


@pytest.mark.parametrize(
    ("changed", "what", "advice"),
    [
        ({"/": OLD}, "too old", "3.0 or newer"),
        ({"/": ELASTIC}, "not OpenSearch", "README"),
        ({"/_cat/plugins": []}, "lack the plugin", "opensearch-plugin install"),
        ({"/_cluster/health": RED}, "red", "allocation/explain"),
        (
            {"/anamnesis-*/_settings/index.blocks.*": LOCKED},
            "read-only",
            "make room, then clear index.blocks.read_only_allow_delete",
        ),
        ({"/anamnesis-*/_mapping": SMALL}, "128 dimensions", "rebuild"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(
    changed: dict[str, Any], what: str, advice: str
) -> None:
    told = state(**changed)
    with answering(lambda _m, path, _b: told[path]) as url, connected(url) as connection:
        found = health(connection, dimension=384)
    [trouble] = found.troubles
    assert what in trouble.what
    assert advice in trouble.advice


def test_a_healthy_cluster_has_no_trouble() -> None:
    told = state()
    with answering(lambda _m, path, _b: told[path]) as url, connected(url) as connection:
        found = health(connection, dimension=384)
    assert (found.words, found.troubles) == ("opensearch 3.6.0", ())


def test_an_expired_password_is_told_without_the_password() -> None:
    with (
        answering(lambda *_: (401, {"error": "Unauthorized"})) as url,
        connected(url) as connection,
        pytest.raises(EngineUnavailable, match="refuses the login") as caught,
    ):
        health(connection, dimension=None)
    assert "ANAMNESIS_OPENSEARCH_PASSWORD" in caught.value.hint


def test_a_login_is_sent_and_never_shown() -> None:
    given: list[str] = []

    def answer(_method: str, _path: str, _body: bytes) -> Answer:
        return 200, {"version": {}}

    with answering(answer) as url:
        connection = Connection(Cluster(url, "secret", "jane", "hunter2"))
        try:
            pool = connection.client.transport.get_connection()
            given.append(pool.headers["authorization"])
            connection.ping()
        finally:
            connection.close()
    assert given[0].startswith("Basic ")


def test_only_a_certificate_that_the_file_signs_is_trusted(tmp_path: Path) -> None:
    own = authority_in(tmp_path)
    with answering(lambda *_: (200, {"version": {"number": "3.6.0"}}), own.context) as url:
        trusting = Connection(Cluster(url, "secret", ca=own.certificate))
        assert trusting.ping()["version"] == {"number": "3.6.0"}
        trusting.close()
        with connected(url) as other, pytest.raises(EngineUnavailable, match="certificate") as told:
            other.ping()
    assert "ANAMNESIS_OPENSEARCH_CA" in told.value.hint


def test_nobody_there_is_no_answer() -> None:
    with connected("http://127.0.0.1:9") as connection:
        index = OpenSearchLexicalIndex(connection)
        for _ in range(2):
            with pytest.raises(EngineUnavailable, match="does not answer"):
                index.counts(ACCESS, [None], Filters())


def test_releases_are_read_as_numbers() -> None:
    assert release("v1.39.0-rc.1") == (1, 39, 0)
    assert release("3.6.0") > (3, 0)
    assert release("x") == ()


@pytest.mark.parametrize("status", [406, 415])
def test_who_refuses_the_form_of_vectors_is_told_which_it_must_take(status: int) -> None:
    def refusing(method: str, path: str, body: bytes) -> Answer:
        if not path.endswith("/_bulk"):
            return 200, {} if method == "GET" else {"acknowledged": True}
        return status, {"error": "Content-Type header [application/smile] not supported"}

    with answering(refusing) as url, connected(url) as connection:
        index = OpenSearchVectorIndex(connection, "m", 2)
        entry = VectorEntry(
            Document(TENANT, "d", 1, "words"), "m", (), np.zeros((0, 2), np.float32)
        )
        with pytest.raises(EngineUnavailable) as caught:  # and nothing is set aside
            index.upsert(TENANT, [entry])
    assert "application/smile" in str(caught.value.hint)


@pytest.mark.parametrize(("vectors", "form"), [(True, "smile"), (False, "json")])
def test_each_request_says_of_which_form_it_is(
    vectors: bool, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    with answering(Scripted()) as url, connected(url) as connection:
        own = connection.client.transport.perform_request

        def noted(method: str, path: str, *rest: Any, **given: Any) -> Any:
            if not path.endswith("/_bulk"):
                return own(method, path, *rest, **given)
            said.append((given["headers"]["content-type"], given["body"][:3] == b":)\n"))
            return {"items": [{"index": {"status": 201}}]}

        monkeypatch.setattr(connection.client.transport, "perform_request", noted)
        document = Document(TENANT, "d", 1, "words")
        if vectors:
            entry = VectorEntry(document, "m", (), np.zeros((0, 2), np.float32))
            OpenSearchVectorIndex(connection, "m", 2).upsert(TENANT, [entry])
        else:
            OpenSearchLexicalIndex(connection).upsert(TENANT, [LexicalEntry(document)])
    assert said == [(f"application/{form}", vectors)]
