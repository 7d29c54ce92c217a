"""A planted note is found by its own tenant in every store; one that got out is told."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.canary import Watched, _said, canary_metrics, watch
from app.canary_beds import Canary, beds, canary_of, rows_of
from app.cli import main
from app.naming import forget
from app.settings import Settings
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.errors import EngineUnavailable
from indexing.language.concept_space import Partition
from indexing.model import Assertion, Tenant
from indexing.places import Place, Stage
from indexing.spaces import MEDICAL_CONCEPTS
from indexing.strays import STRAYS
from rankers.answer import SearchRequest
from tests.engines import EngineServer
from tests.flow.test_research import put, study
from tests.unit.test_linking import Counted

STORES = {"records", "lexical", "vector", "graph", "research", "medical", "vitals"}


@pytest.fixture
def two(new_tenant: Callable[[], Tenant]) -> list[Tenant]:
    return [new_tenant(), new_tenant()]


def test_a_store_that_shows_a_closed_note_to_everybody_leaks(access: Access) -> None:
    own = canary_of("pepper", access.tenant_id)

    def closes(who: Access, canary: Canary) -> list[str]:
        return [canary.doc_id] if "V" in who.labels else []

    def leaks(who: Access, canary: Canary) -> list[str]:
        return [canary.doc_id]

    counted = Watched()
    cleared = replace(access, labels=LABELS)
    assert _said(closes, cleared, own, (), counted) == "ok"
    assert _said(leaks, cleared, own, (), counted) == "foreign"
    assert counted.foreign == 1


def test_every_store_gives_each_tenant_its_own(
    installation: Installation, two: list[Tenant], access: Access
) -> None:
    for _ in range(2):  # planted once, found each time
        found = watch(installation, two)
        assert [each.ok for each in found.values()] == [True, True]
        assert all(set(e.stores) == STORES for e in found.values())
    own = replace(access, tenant_id=two[0].tenant_id)
    assert installation.documents.total(own) == 0
    assert installation.documents.total(replace(own, labels=LABELS)) == 1
    canary = canary_of(installation.secrets.pepper, two[0].tenant_id)
    assert installation.search.answer(own, SearchRequest(canary.word)).hits == ()


def test_a_leak_is_foreign_and_sounds_the_alarm(
    installation: Installation, two: list[Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(installation, two)

    def leaking(access: Access, doc_ids: list[str], concepts: list[str]) -> Mapping[str, object]:
        return {doc_id: {"c": Assertion.PRESENT} for doc_id in doc_ids}

    monkeypatch.setattr(installation.graph, "standings", leaking)
    before = STRAYS.labels("graph", "canary")._value.get()
    found = watch(installation, two)
    assert {each.stores["graph"] for each in found.values()} == {"foreign"}
    assert {each.stores["lexical"] for each in found.values()} == {"ok"}
    assert STRAYS.labels("graph", "canary")._value.get() == before + 2


def test_a_dead_store_and_an_empty_one_are_told_apart(
    installation: Installation, two: list[Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(installation, two)

    def down(*_: object) -> None:
        raise EngineUnavailable("down")

    monkeypatch.setattr(installation.vector, "search", down)
    installation.graph.drop(two[0].tenant_id)
    first, second = watch(installation, two).values()
    told = {"vector": "unavailable", "graph": "missing", "research": "empty"}
    assert first.stores == dict.fromkeys(STORES, "ok") | told
    assert not second.ok


@pytest.fixture
def kept(installation: Installation) -> Installation:
    """The installation with vectors of patients' records too, and a model that costs nothing."""
    made = Installation(installation.settings.model_copy(update={"patient_vectors": True}))
    made.__dict__ |= {"encoder": Counted("minilm-l6-canary"), "database": installation.database,
                      "feed_database": installation.feed_database}  # fmt: skip
    return made


def test_stores_that_no_note_reaches_hold_it_for_the_length_of_a_run(
    kept: Installation, two: list[Tenant]
) -> None:
    tenants = [each.tenant_id for each in two]
    put(kept, two[0], study("s", "Walking"))
    for _ in range(2):  # what was taken out does not stand in the way of the next run
        first, second = watch(kept, two).values()
        assert first.stores == dict.fromkeys({*STORES, "patients"}, "ok")
        assert second.stores == first.stores | {"research": "empty"}
        assert first.ok
        assert second.ok
    vectors = kept.patients.vectors
    assert vectors is not None
    for tenant_id in tenants:
        own = canary_of(kept.secrets.pepper, tenant_id)
        cleared = Access(tenant_id, "op", frozenset({Role.ADMIN}), labels=LABELS)
        assert vectors.entries(tenant_id) == {}
        assert set(kept.medical.graph.entries(tenant_id)) <= {"ResearchStudy/s"}
        assert kept.vitals.extents(cleared, [own.doc_id]) == []
    assert set(kept.research.index.entries(tenants[0])) == {"ResearchStudy/s"}


def test_a_leak_of_those_is_foreign_and_a_loss_is_missing(
    kept: Installation, two: list[Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(kept, two[0], study("s", "Walking"))
    every = beds(kept, rows_of(kept))
    assert set(every) == {"research", "medical", "vitals", "patients"}

    def replaced(**changed: Any) -> Watched:
        made = {name: replace(bed, **changed) for name, bed in every.items()}
        monkeypatch.setattr("app.canary.beds", lambda *_: made)
        return next(iter(watch(kept, two).values()))

    def down(*_: object) -> None:
        raise EngineUnavailable("down")

    first = replaced(look=lambda access, canary: [])
    assert {first.stores[name] for name in every} == {"missing"}
    assert not first.ok
    before = STRAYS.labels("medical", "canary")._value.get()
    first = replaced(look=lambda access, canary: [canary.doc_id])
    assert {first.stores[name] for name in every} == {"foreign"}
    assert STRAYS.labels("medical", "canary")._value.get() == before + 2
    assert {replaced(plant=down).stores[name] for name in every} == {"unavailable"}


def test_an_engine_that_is_kept_beside_is_looked_through(
    kept: Installation, two: list[Tenant]
) -> None:
    t = two[0].tenant_id
    kept.places.begin(t, "graph", Place(Stage.BUILDING, "memory", t))
    first, second = watch(kept, two).values()
    assert first.stores["graph memory building"] == "ok"  # followed there as well
    assert "graph memory building" not in second.stores
    kept.graph_engine("memory").drop(t)
    first, _ = watch(kept, two).values()
    assert first.stores["graph memory building"] == "building"
    assert first.ok


@pytest.mark.slow
def test_the_command_tells_by_its_exit_code_and_the_metrics(
    installation: Installation, home: Path, two: list[Tenant]
) -> None:
    arguments = ["canary", "--tenant", two[0].code, "--json"]
    ran = CliRunner().invoke(main.app, arguments, env={"ANAMNESIS_HOME": str(home)})
    told = json.loads(ran.stdout)
    assert list(told["tenants"]) == [two[0].code]
    assert told["foreign"] == 0
    assert ran.exit_code == (0 if told["ok"] else 1)
    assert told["tenants"][two[0].code]["records"] == "ok"
    metrics = canary_metrics(home)
    assert metrics.get_sample_value("anamnesis_canary_foreign") == 0
    assert canary_metrics(home / "nowhere").get_sample_value("anamnesis_canary_ok") is None


@pytest.mark.engines
@pytest.mark.parametrize("vector", ["opensearch", "weaviate"])
def test_a_sites_servers_hold_it_too(
    installation: Installation, two: list[Tenant], request: pytest.FixtureRequest, vector: str
) -> None:
    names = (vector, "opensearch", "neo4j", "influxdb", "redis")
    served = {k: v for name in names for k, v in request.getfixturevalue(name).settings.items()}
    own = Settings(
        home=installation.home, lexical="opensearch", vector=vector, graph="neo4j",
        medical="neo4j", vitals="influxdb", cache="redis", patient_vectors=True, **served,
    )  # type: ignore[arg-type]  # fmt: skip
    site = Installation(own)
    site.__dict__["encoder"] = Counted(f"minilm-l6-{secrets.token_hex(4)}")
    put(site, two[0], study("s", "Walking"))
    site.partitions.put(
        Partition(own.vector, site.encoder.model, Counted.dimension, str(two[0].tenant_id), "v")
    )
    try:
        for _ in range(2):
            first, second = watch(site, two).values()
            assert first.stores == dict.fromkeys({*STORES, "patients", "concepts", "cache"}, "ok")
            assert second.stores == first.stores | {"research": "empty", "concepts": "empty"}
            assert first.foreign == second.foreign == 0
    finally:
        forget(site, site.encoder.model)
        for tenant in two:
            for leg in (site.lexical, site.vector, site.graph):
                leg.drop(tenant.tenant_id)
            site.research.index.drop(tenant.tenant_id)
            site.medical.graph.drop(tenant.tenant_id)
            site.vitals.drop(tenant.tenant_id)
        Installation(own.model_copy(update={"patient_vectors": False})).patients.take_back()
        site.close()


@pytest.mark.engines
def test_names_in_neo4j_are_watched_by_meaning_and_by_words(
    installation: Installation, two: list[Tenant], neo4j: EngineServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from indexing.backends.neo4j.vectors import Neo4jVectorIndex

    own = Settings(home=installation.home, concepts="neo4j", **neo4j.settings)  # type: ignore[arg-type]
    site = Installation(own)
    site.__dict__["encoder"] = Counted(f"minilm-l6-{secrets.token_hex(4)}")
    model, held = site.encoder.model, str(two[0].tenant_id)
    site.partitions.put(Partition("neo4j", model, Counted.dimension, held, "v"))
    named = {"concepts": "ok", "words of concepts": "ok"}
    asked = Neo4jVectorIndex.named
    try:
        for _ in range(2):
            first, second = watch(site, two).values()
            assert first.stores == dict.fromkeys(STORES, "ok") | named | {"research": "empty"}
            assert second.stores == first.stores | dict.fromkeys(named, "empty")
        [each] = [p for p in site.partitions.all() if p.owner == held]
        index = site.space_engine("neo4j", MEDICAL_CONCEPTS, model, Counted.dimension)
        assert index.entries(each.tenant_id) == {}
        leaking = {each.tenant_id, two[1].tenant_id}

        def leaks(own: Neo4jVectorIndex, access: Access, *more: Any) -> Any:
            found = [asked(own, replace(access, tenant_id=other), *more) for other in leaking]
            return [hit for hits in found for hit in hits]

        monkeypatch.setattr(Neo4jVectorIndex, "named", leaks)
        _, second = watch(site, two).values()
        assert second.stores["words of concepts"] == "foreign"
        assert second.stores["concepts"] == "empty"
    finally:
        forget(site, model)
        site.close()
