"""Another encoder is filled beside the one that serves, and switched to under questions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.encoders import forget, switch
from app.following import catch_up
from app.settings import Settings
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.backends.postgres.embedded import Server
from indexing.encoders import EncoderShelf, OnnxEncoder
from indexing.encoders.lineage import write_lineage
from indexing.encoders.minilm import FOLDER
from indexing.errors import Conflict, EngineUnavailable, InvalidInput, NotFound
from indexing.ingest import Ingest
from rankers.answer import SearchRequest
from tests.engines import EngineServer
from tests.ward import NOTES, Ward, _note, build

pytestmark = pytest.mark.slow


def silent(what: str, done: int, every: int) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A home of its own: the encoder is an installation's."""
    folder = tmp_path_factory.mktemp("switched")
    made = Installation(Settings(home=folder))
    yield made
    made.close()
    Server(folder).stop()


@pytest.fixture(scope="module")
def ward(own: Installation) -> Ward:
    return build(own)


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default with two words' meanings exchanged: other vectors, the same format."""
    folder = tmp_path_factory.mktemp("adapted")
    shutil.copyfile(FOLDER / "model.onnx", folder / "model.onnx")
    tokenizer = json.loads((FOLDER / "tokenizer.json").read_text())
    words = tokenizer["model"]["vocab"]
    words["pain"], words["table"] = words["table"], words["pain"]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    write_lineage(folder, {"floor": -1.0, "trained_on": [{"set": "ward dev"}]})
    return folder


def asked(installation: Installation, ward: Ward, question: str) -> tuple[str, ...]:
    """Return what the vector leg finds, best first, and which legs are missing."""
    access = Access(ward.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    request = SearchRequest(q=question, rankers=("vector", "lexical"))
    answer = installation.searcher().rank(access, request).answer
    near = sorted((hit.signals["vector"].rank, hit.doc_id) for hit in answer.hits
                  if "vector" in hit.signals)  # fmt: skip
    return (*answer.missing, *(doc_id for _, doc_id in near))


def test_a_switch_is_made_beside_and_at_once_and_back_again(
    own: Installation, ward: Ward, adapted: Path
) -> None:
    shelf, tenant_id = EncoderShelf(own.home), ward.tenant.tenant_id
    before = asked(own, ward, "chest pain")
    name = shelf.register(adapted)
    assert name == OnnxEncoder(folder=adapted).model
    assert shelf.register(adapted) == name
    during: list[tuple[str, ...]] = []

    def look(what: str, done: int, every: int) -> None:
        during.append(asked(own, ward, "chest pain"))

    found = switch(own, name, look)
    assert (found.before, found.serving, found.encoded, found.indexed) == ("default", name, 3, 3)
    assert set(during) == {before}  # until the switch is done everybody asks the old vectors
    assert own.encoder.model != name  # it has not looked yet
    assert "vector" not in asked(own, ward, "chest pain")
    assert own.encoder.model == name
    assert set(own.derived.embedded(tenant_id, name)) == set(own.vector.entries(tenant_id))
    assert switch(own, "default", silent).encoded == 0  # the old vectors still lie there
    assert asked(own, ward, "chest pain") == before


def test_a_process_with_the_other_encoder_neither_reads_nor_writes(
    own: Installation, ward: Ward, adapted: Path
) -> None:
    elsewhere = Installation(Settings(home=own.home, encoder_folder=adapted))
    access = Access(ward.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    answer = elsewhere.search.rank(access, SearchRequest(q="chest pain")).answer
    assert answer.missing == ("vector",)
    [entry, *_] = elsewhere.derived.vectors(
        ward.tenant.tenant_id, list(own.vector.entries(ward.tenant.tenant_id)), own.encoder.model,
        own.encoder.dimension,
    )  # fmt: skip
    foreign = replace(entry, model=elsewhere.encoder.model)
    with pytest.raises(EngineUnavailable, match="of the model"):
        elsewhere.vector.upsert(ward.tenant.tenant_id, [foreign])
    assert asked(own, ward, "chest pain")[0] != "vector"
    elsewhere.close()


def test_a_broken_off_switch_goes_on_and_news_is_not_lost(
    own: Installation, ward: Ward, adapted: Path
) -> None:
    name = EncoderShelf(own.home).register(adapted)
    assert forget(own, name) == 3  # begin anew

    def kill(what: str, done: int, every: int) -> None:
        if "indexing" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        switch(own, name, kill)
    assert EncoderShelf(own.home).serving() == "default"
    assert asked(own, ward, "chest pain")[0] != "vector"
    catch_up(own)
    assert switch(own, name, silent).encoded == 0
    catch_up(own)
    assert EncoderShelf(own.home).serving() == name
    assert asked(own, ward, "chest pain")[0] != "vector"
    with pytest.raises(Conflict):
        forget(own, name)
    switch(own, "default", silent)


def test_what_is_no_encoder_is_refused(own: Installation, ward: Ward, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no encoder"):
        switch(own, "adapted-int8-00000000", silent)
    for name in ("model.onnx", "tokenizer.json"):
        shutil.copyfile(FOLDER / name, tmp_path / name)
    with pytest.raises(InvalidInput, match="lineage"):
        EncoderShelf(own.home).register(tmp_path)
    named = Installation(Settings(home=own.home, encoder_folder=tmp_path))
    with pytest.raises(InvalidInput, match="settings"):
        switch(named, "default", silent)


def withdrawn(home: Path, adapted: Path, settings: dict[str, str]) -> None:
    """Withdraw a note while another encoder serves, go back, and forget the other one."""
    name = EncoderShelf(home).register(adapted)
    beside, other, default = (
        Installation(Settings(home=home, encoder_folder=folder, **settings))  # type: ignore[arg-type]
        for folder in (None, adapted, FOLDER)
    )
    tenant_id = build(beside).tenant.tenant_id
    assert set(default.vector.entries(tenant_id)) == set(NOTES)
    switch(beside, name, silent)
    beside.refresh_encoder()
    note = {**_note("note-angina"), "status": "entered-in-error"}
    access = Access(tenant_id, "loader", frozenset({Role.ADMIN}))
    Ingest(beside.records, access, ZoneInfo("UTC")).submit(json.dumps(note).encode())
    catch_up(beside)
    assert "note-angina" in default.vector.entries(tenant_id)
    left = {"note-denies", "note-edema"}
    assert set(other.vector.entries(tenant_id)) == left
    switch(beside, "default", silent)
    assert set(default.vector.entries(tenant_id)) == left
    beside.refresh_encoder()
    forget(beside, name)
    assert other.vector.entries(tenant_id) == {}
    assert set(default.vector.entries(tenant_id)) == left
    for each in (beside, other, default):
        each.close()


def test_what_was_deleted_meanwhile_is_not_in_the_space_that_is_gone_back_to(
    own: Installation, adapted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server's ways without a server: a space per model, which every process sees."""
    found: dict[str, MemoryVectorIndex] = {}

    @cache
    def engine(self: Installation, name: str) -> MemoryVectorIndex:
        return found.setdefault(self.encoder.model, MemoryVectorIndex())

    monkeypatch.setattr(Installation, "vector_engine", engine)
    withdrawn(own.home, adapted, {"vector": "memory"})


@pytest.mark.engines
@pytest.mark.parametrize("name", ["opensearch", "weaviate"])
def test_a_server_keeps_nothing_of_what_was_deleted_meanwhile(
    own: Installation, adapted: Path, name: str, request: pytest.FixtureRequest
) -> None:
    server: EngineServer = request.getfixturevalue(name)
    withdrawn(own.home, adapted, {"vector": name, **server.settings})


def test_what_the_settings_let_serve_is_not_forgotten(
    own: Installation, adapted: Path, ward: Ward
) -> None:
    name = EncoderShelf(own.home).register(adapted)
    named = Installation(Settings(home=own.home, encoder_folder=adapted))
    with pytest.raises(Conflict):
        forget(named, name)
    named.close()
