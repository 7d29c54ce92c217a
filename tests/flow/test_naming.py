"""Concepts' names in the site's vector engine: filled in idle time, by tenant, told by status."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from app import tenant_terms
from app.encoders import _named
from app.naming import Naming, forget, grow_links
from app.stores import stores
from app.wiring import Installation
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.backends.postgres.additions import PostgresAdditions
from indexing.encoders import EncoderShelf
from indexing.errors import EngineUnavailable
from indexing.language.terminology import Addition, SemanticType
from indexing.model import Tenant
from indexing.reconcile import reconcile
from indexing.spaces import MEDICAL_CONCEPTS
from rankers.knowledge import KnowledgeRequest
from tests.unit.test_linking import Counted


@pytest.fixture
def engine() -> MemoryVectorIndex:
    return MemoryVectorIndex(MEDICAL_CONCEPTS)


@pytest.fixture
def served(
    installation: Installation, engine: MemoryVectorIndex, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """The installation as if OpenSearch held its vectors, with a model that costs nothing."""
    made = Installation(installation.settings.model_copy(update={"vector": "opensearch"}))
    made.__dict__["encoder"] = Counted("minilm-l6-naming")
    made._serving = EncoderShelf(made.home).serving()
    monkeypatch.setattr(Installation, "space_engine", lambda *_: engine)
    yield made
    for each in made.partitions.all():
        made.partitions.forget(each)
    made.close()


@pytest.fixture
def houses(served: Installation, new_tenant: Callable[[], Tenant]) -> Iterator[list[Tenant]]:
    found = [new_tenant(), new_tenant()]
    kept = PostgresAdditions(served.database)
    kept.add(found[0].tenant_id, [
        Addition("site:quietknee", "quiet knee", semantic_type=SemanticType.DISORDER),
        Addition("anm:hypertension", "the squeezing"),
    ])  # fmt: skip
    yield found
    kept.remove(found[0].tenant_id, None)


def grown(served: Installation) -> None:
    while served.linker.grow(5000):  # in a few large steps what a follower does in many
        pass
    naming = Naming(served)
    while naming.some():
        pass


def asked(served: Installation, tenant: Tenant, q: str) -> dict[str, tuple[str, ...]]:
    answer = served.knowledge(tenant.tenant_id, KnowledgeRequest(q, depth=0))
    assert answer.missing == ()
    return {each.name: each.reasons for each in answer.concepts}


def test_names_are_filled_found_by_their_house_and_dropped_when_taken_back(
    served: Installation, houses: list[Tenant], engine: MemoryVectorIndex
) -> None:
    grown(served)
    owners = {each.owner for each in served.partitions.all() if each.whole}
    assert owners >= {"everybody", str(houses[0].tenant_id)}
    mine, others = (asked(served, each, "quiet knees") for each in houses)
    assert "near in meaning: quiet knee" in mine["quiet knee"]
    assert "quiet knee" not in others
    squeezed = asked(served, houses[0], "the squeezings")
    assert "near in meaning: the squeezing" in squeezed["hypertension"]
    own = {each.name: each for each in stores(served)}
    tenant_id = houses[0].tenant_id
    for name, least in (("concepts", 2_000), ("own concepts", 2)):
        held, wanted = own[name].entries(tenant_id), own[name].expected
        assert wanted is not None
        assert held == wanted(tenant_id)
        assert len(held) >= least
    assert own["own concepts"].entries(houses[1].tenant_id) == {}
    PostgresAdditions(served.database).remove(tenant_id, None)
    served.terms.renew()
    grown(served)
    assert str(tenant_id) not in {each.owner for each in served.partitions.all()}
    forget(served, "minilm-l6-naming")
    assert served.partitions.all() == ()
    assert not any(engine._live.values())


def test_names_that_were_taken_back_and_are_added_again_are_filled_again(
    served: Installation, houses: list[Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant_terms, "LOOK_EVERY_S", -1.0)  # looks each time
    while served.linker.grow(5000):
        pass
    naming = Naming(served)
    while naming.some():
        pass
    tenant_id = houses[0].tenant_id
    kept = PostgresAdditions(served.database)
    before = kept.of(tenant_id)
    kept.remove(tenant_id, None)
    while naming.some():
        pass
    assert str(tenant_id) not in {each.owner for each in served.partitions.all()}
    kept.add(tenant_id, before)
    while naming.some():
        pass
    assert str(tenant_id) in {each.owner for each in served.partitions.all() if each.whole}
    [own] = [each for each in stores(served) if each.name == "own concepts"]
    assert len(own.entries(tenant_id)) == 2
    assert "quiet knee" in asked(served, houses[0], "quiet knees")


def test_another_encoder_has_every_name_before_it_serves(
    served: Installation, houses: list[Tenant], engine: MemoryVectorIndex
) -> None:
    while grow_links(served, 5000):  # in a few large steps what a switch does in many
        pass
    told = list[tuple[int, int]]()
    _named(served, houses, lambda _what, done, every: told.append((done, every)))
    assert {each.owner for each in served.partitions.all() if each.whole} == {
        "everybody", str(houses[0].tenant_id)
    }  # fmt: skip
    assert told
    assert all(done <= every for done, every in told)


def test_reconcile_brings_back_what_the_engine_lost(
    served: Installation, houses: list[Tenant], engine: MemoryVectorIndex
) -> None:
    grown(served)
    for each in served.partitions.all():
        engine.drop(each.tenant_id)
    named = [each for each in stores(served) if each.name in ("concepts", "own concepts")]
    found = reconcile(houses[0].tenant_id, served.derived.live, named)
    assert [(len(before.missing) > 0, after.equal) for before, after in found] == [(True, True)] * 2


def test_an_engine_that_is_down_is_waited_for(
    served: Installation, houses: list[Tenant], engine: MemoryVectorIndex,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def down(*_: object) -> None:
        raise EngineUnavailable("down")

    monkeypatch.setattr(engine, "entries", down)
    while grow_links(served, 5000):
        pass
    naming = Naming(served)
    assert not naming.some()
    monkeypatch.setattr(engine, "entries", lambda _: {})
    assert not naming.some()  # it waits a while before it asks again
