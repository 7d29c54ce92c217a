"""A real OpenSearch that is ill: what `anamnesis doctor` says of it, and what goes on meanwhile."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli import main
from app.cli.doctor_engines import ready
from app.following import LANES
from app.settings import Settings
from app.wiring import Installation
from indexing.backends.opensearch import schema
from indexing.backends.opensearch.connect import Connection
from indexing.backends.postgres.embedded import Server
from indexing.errors import EngineUnavailable
from indexing.model import Document
from indexing.ports import LexicalEntry, VectorEntry
from indexing.spaces import CLINICAL_NOTES
from rankers.answer import Answer, SearchRequest
from tests import ward
from tests.engines import EngineServer, without_plugins

pytestmark = pytest.mark.engines
NOBODY_HAS = "index.routing.allocation.require.anamnesis_test"


class Site:
    """A small ward whose words and vectors lie in a real OpenSearch."""

    def __init__(self, home: Path, server: EngineServer) -> None:
        chosen = {"home": f"{home}", "lexical": "opensearch", "vector": "opensearch"}
        given = {**chosen, **server.settings}
        self.environment = {f"ANAMNESIS_{name.upper()}": value for name, value in given.items()}
        self.installation = Installation(Settings(**given))  # type: ignore[arg-type]
        self.ward = ward.build(self.installation)
        self.words, self.vectors = (
            index._names.alias(self.ward.tenant.tenant_id)
            for index in (self.installation.lexical_engine("opensearch"),
                          self.installation.vector_engine("opensearch"))
        )  # type: ignore[attr-defined]  # fmt: skip

    @property
    def connection(self) -> Connection:
        return self.installation.opensearch

    @property
    def indices(self) -> Any:
        return self.connection.client.indices

    def command(self, *words: str) -> tuple[int, str]:
        """Return the exit code and all that is printed, in one line."""
        ran = CliRunner().invoke(main.app, list(words), env=self.environment)
        return ran.exit_code, " ".join(f"{ran.output} {ran.exception or ''}".split())

    def ask(self) -> Answer:
        return self.installation.search.answer(self.ward.access, SearchRequest("chest pain", k=10))

    def close(self) -> None:
        tenant_id = self.ward.tenant.tenant_id
        for index in (self.installation.lexical, self.installation.vector):
            index.drop(tenant_id)
        self.installation.search.close()
        self.installation.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, opensearch: EngineServer) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("ill")
    built = Site(home, opensearch)
    yield built
    built.close()
    Server(home).stop()


@contextmanager
def instead(site: Site, alias: str, body: dict[str, Any]) -> Iterator[None]:
    """Put another index where a leg's own lay; then do as doctor says."""
    for each in site.indices.get_alias(index=f"{alias}-*"):
        site.indices.delete(index=each)
    site.indices.create(
        index=f"{alias}-0", body={**body, "aliases": {alias: {}}},
        params={"wait_for_active_shards": "0"},
    )  # fmt: skip
    try:
        yield
    finally:
        for lane in LANES:  # a server that ended leaves its follower, which ends with its round
            with site.installation.feed.lock(f"follow:{lane}", wait_s=300) as free:
                assert free
        code, told = site.command("index", "rebuild", "--tenant", site.ward.tenant.code)
        assert code == 0, told


def red(site: Site) -> AbstractContextManager[None]:
    """Let the words demand a node that no cluster has. Only a new index can be brought to it: a
    copy that is there is taken wherever it lies."""
    body = schema.words_body(1)
    body["settings"] |= {NOBODY_HAS: "nobody"}
    return instead(site, site.words, body)


def of_another_dimension(site: Site) -> AbstractContextManager[None]:
    """Let the vectors have eight dimensions where the model makes 384."""
    return instead(site, site.vectors, schema.vectors_body(1, 8, CLINICAL_NOTES))


@contextmanager
def read_only(site: Site) -> Iterator[None]:
    """Lock both indexes as an operator does."""

    def settled(value: bool | None) -> None:
        for name in (site.words, site.vectors):
            site.indices.put_settings(index=f"{name}-*", body={"index.blocks.write": value})

    settled(True)
    try:
        entry = LexicalEntry(Document(site.ward.tenant.tenant_id, "new", 1, "fever"))
        with pytest.raises(EngineUnavailable, match="refuses to write"):
            site.installation.lexical.upsert(site.ward.tenant.tenant_id, [entry])
        yield
    finally:
        settled(None)


Illness = Callable[[Site], AbstractContextManager[None]]


@pytest.mark.parametrize(
    ("ill", "what", "advice", "missing"),
    [
        (red, "the cluster is red: 2 shards have no home", "_cluster/allocation/explain",
         ("lexical",)),
        (read_only, "2 indexes are read-only", "clear index.blocks.write", ()),
        (of_another_dimension, "holds 8 dimensions, the encoder makes 384",
         "Run `anamnesis index rebuild`", ("vector",)),
    ],
)  # fmt: skip
def test_doctor_tells_it_and_what_to_do_and_questions_are_answered_meanwhile(
    site: Site, ill: Illness, what: str, advice: str, missing: tuple[str, ...]
) -> None:
    code, told = site.command("doctor")
    assert (code, "ok opensearch" in told) == (0, True), told
    said: list[str] = []
    with ill(site):
        code, told = site.command("doctor")
        found = site.ask()
        ready(site.installation, said.append)
    assert code == 2
    assert "fault opensearch opensearch 3." in told
    assert what in told
    assert advice in told
    assert any(what in each and "Starting without it." in each for each in said)
    assert found.missing == missing
    assert "note-angina" in {hit.doc_id for hit in found.hits}
    code, told = site.command("doctor")
    assert code == 0, told
    assert site.ask().missing == ()


def test_a_cluster_without_the_plugin_holds_words_and_is_told(
    site: Site, opensearch: EngineServer, tmp_path: Path
) -> None:
    with without_plugins(opensearch, tmp_path) as bare:
        own = site.environment | {"ANAMNESIS_OPENSEARCH_URL": bare.settings["opensearch_url"]}
        ran = CliRunner().invoke(main.app, ["doctor"], env=own)
        settings = site.installation.settings.model_copy(update=bare.settings)
        one, tenant_id, said = Installation(settings), site.ward.tenant.tenant_id, list[str]()
        ready(one, said.append)
        document = Document(tenant_id, "new", 1, "fever")
        one.lexical.upsert(tenant_id, [LexicalEntry(document)])
        with pytest.raises(EngineUnavailable) as refused:
            one.vector.upsert(tenant_id, [VectorEntry(document, "m", (), np.empty((0, 384), "f"))])
        held = one.lexical.entries(tenant_id)
        one.close()
    told = " ".join(ran.output.split())
    assert ran.exit_code == 2
    assert "1 of 1 nodes lack the plugin opensearch-knn" in told
    assert "bin/opensearch-plugin install opensearch-knn" in told
    assert "lack the plugin" in said[0]
    assert "Starting without it." in said[0]
    assert held == {"new": 1}
    assert "anamnesis doctor" in refused.value.hint


def test_a_process_starts_over_a_red_cluster_says_so_and_serves(site: Site, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "app.cli.main", "serve", "--port", f"{port}"]
    wide = os.environ | site.environment | {"COLUMNS": "400"}
    with (
        (tmp_path / "said").open("wb") as said, red(site),
        subprocess.Popen(command, env=wide, stderr=said) as process,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60,
            transport=httpx.HTTPTransport(retries=8),  # after twice as long each time
        ) as client,
    ):  # fmt: skip
        try:
            alive = client.get("/health/live").status_code
            answer = client.post(
                "/api/search", json={"q": "chest pain"}, headers=site.ward.bearer()
            )
        finally:
            process.send_signal(signal.SIGTERM)
    told = (tmp_path / "said").read_text()
    assert "opensearch: the cluster is red: 2 shards have no home" in told
    assert "Starting without it." in told
    assert alive == 200
    assert answer.status_code == 200, answer.text
    assert answer.json()["missing"] == ["lexical"]
    assert answer.json()["hits"]
