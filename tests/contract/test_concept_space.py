"""Concepts by meaning from a vector engine: filled beside, whole or not asked, the same answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.settings import SpaceBackend
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.backends.opensearch import connect
from indexing.errors import EngineUnavailable
from indexing.language.concept_space import (
    EVERYBODY,
    ConceptFollower,
    ConceptSpace,
    Partition,
    Partitions,
)
from indexing.language.linking import PIECE, Linker
from indexing.language.own_links import OwnLinks, own_names
from indexing.language.placing import LinkerNames, follower_of
from indexing.language.terminology import Addition, Terminology
from indexing.language.terminology.store import seed_terminology
from indexing.model import ChangeEvent, Kind, Position, TenantId
from indexing.ports import VectorIndex
from indexing.spaces import MEDICAL_CONCEPTS, Space
from rankers.knowledge import KnowledgeRequest, search
from tests import engines
from tests.unit.test_linking import Counted

FEW = 150  # concepts whose names are linked: enough for two batches' worth of names
ASKED = ("hypertensions", "swelling of the ankle", "heart failing", "sugar in blood", "zzz")
MODEL, DIMENSION = Counted().model, Counted.dimension
Build = Callable[[str, str, int, Space], VectorIndex]


@pytest.fixture(scope="module")
def terminology() -> Terminology:
    return seed_terminology()


@pytest.fixture(params=engines.every(SpaceBackend))
def index(
    request: pytest.FixtureRequest, space_index: Build, monkeypatch: pytest.MonkeyPatch
) -> VectorIndex:
    # These are the first to ask a server that was just started: on a busy machine that took 3 s.
    monkeypatch.setattr(connect, "ASKED_S", engines.PATIENT_S)
    return space_index(request.param, MODEL, DIMENSION, MEDICAL_CONCEPTS)


def partition(owner: str = EVERYBODY, version: str = "one") -> Partition:
    return Partition("opensearch", MODEL, DIMENSION, owner, version)


def rows(terminology: Terminology, few: int = FEW) -> list[int]:
    return list(range(int(terminology.compiled.name_ptr[few])))


def made(
    terminology: Terminology, folder: Path | None, index: VectorIndex | None, where: Path,
    own: Partition | None = None, only: list[int] | None = None,
) -> Linker:  # fmt: skip
    space = index and ConceptSpace(index, Partitions(where), own or partition())
    return Linker(terminology, Counted(), folder, space, only or rows(terminology))


def filled(linker: Linker, terminology: Terminology) -> ConceptFollower:
    while linker.grow(2000):
        pass
    follower = follower_of(linker, terminology)
    assert follower is not None
    while follower.grow():
        pass
    return follower


def test_a_whole_space_answers_as_the_table_and_goes_on_where_it_was_broken_off(
    index: VectorIndex, terminology: Terminology, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    table = made(terminology, tmp_path / "table", None, tmp_path / "none")
    where, folder = tmp_path / "spaces.json", tmp_path / "pieces"
    linker = made(terminology, folder, index, where)
    while table.grow(2000):
        pass
    assert linker.nearest("hypertensions") == []  # nothing is made yet
    while linker.grow(2000):
        pass
    first = follower_of(linker, terminology)
    assert first is not None
    first.batch = 40
    assert first.grow() == 40
    assert linker.space is not None
    assert not linker.space.whole
    assert linker.nearest("hypertensions", 5) == table.nearest("hypertensions", 5)
    held = first.entries()
    again = made(terminology, folder, index, where)  # another process goes on
    follower = filled(again, terminology)
    assert held.items() <= follower.entries().items()
    assert follower.entries() == follower.expected()
    assert again.space is not None
    assert again.space.whole
    for text in ASKED:
        found, known = again.nearest(text, 8), table.nearest(text, 8)
        exact = request.node.callspec.params["index"] in ("memory", "neo4j")
        assert [each.cosine for each in found] == pytest.approx(
            [each.cosine for each in known], abs=1e-6 if exact else 2e-3
        )
        assert found[0].name == known[0].name


def test_a_space_is_whole_when_its_engine_has_laid_it_out(
    terminology: Terminology, tmp_path: Path
) -> None:
    class Slow(MemoryVectorIndex):
        looks = iter((False, False, True))

        def settle(self, _tenant_id: TenantId) -> bool:
            return next(self.looks)

    linker = made(
        terminology,
        None,
        Slow(MEDICAL_CONCEPTS),
        tmp_path / "spaces.json",
        only=rows(terminology, 10),
    )
    while linker.grow(2000):
        pass
    follower = follower_of(linker, terminology)
    assert follower is not None
    assert linker.space is not None
    told = []
    while follower.grow():
        told.append(linker.space.whole)
    assert told == [False, False, False]  # one of them brought the names in
    assert linker.space.whole
    Slow.looks = iter((False, True))
    with follower.fresh(partition().tenant_id):
        assert linker.space.whole
    assert linker.space.whole
    assert next(Slow.looks, None) is None


def test_what_an_engine_lost_is_brought_in_again_and_what_is_not_its_own_goes(
    index: VectorIndex, terminology: Terminology, tmp_path: Path
) -> None:
    where, folder = tmp_path / "spaces.json", tmp_path / "pieces"
    only = rows(terminology, 30)
    linker = made(terminology, folder, index, where, only=only)
    follower = filled(linker, terminology)
    own = partition().tenant_id
    index.drop(own)
    other = made(terminology, None, index, where, only=rows(terminology, 31)[len(only) :])
    while other.grow(2000):
        pass
    stray = LinkerNames(other, terminology)
    assert linker.space is not None
    linker.space.put(stray.named(stray.concepts()))
    for piece in (folder / f"{MODEL}-{terminology.version}").iterdir():
        piece.unlink()  # the cache too was lost: the vectors are made again
    again = filled(made(terminology, folder, index, where, only=only), terminology)
    assert again.entries() == follower.expected()
    key = next(iter(follower.expected()))
    again.apply(own, [ChangeEvent(Position(0, 0), own, Kind.VECTORS, key, 1, deleted=True)])
    assert key not in again.entries()


def test_another_version_is_filled_beside_and_takes_over_when_it_is_whole(
    index: VectorIndex, terminology: Terminology, tmp_path: Path
) -> None:
    where, only = tmp_path / "spaces.json", rows(terminology, 20)
    old = made(terminology, tmp_path / "a", index, where, only=only)
    filled(old, terminology)
    newer = partition(version="two")
    new = made(terminology, tmp_path / "b", index, where, newer, rows(terminology, 25))
    while new.grow(2000):
        pass
    assert old.space is not None
    assert old.space.whole
    assert old.space.entries()
    filled(new, terminology)
    assert old.space.entries() == {}  # dropped
    record = Partitions(where).all()
    assert [(each.version, each.whole) for each in record] == [("two", True)]


def test_what_was_not_dropped_when_another_took_over_is_dropped_later(
    index: VectorIndex, terminology: Terminology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, only = tmp_path / "spaces.json", rows(terminology, 20)
    old = made(terminology, tmp_path / "a", index, where, only=only)
    filled(old, terminology)
    new = made(terminology, tmp_path / "b", index, where, partition(version="two"), only)

    def down(_: TenantId) -> None:
        raise EngineUnavailable("down")

    with monkeypatch.context() as away:
        away.setattr(index, "drop", down)
        with pytest.raises(EngineUnavailable):
            filled(new, terminology)
    assert new.space is not None
    assert new.space.whole
    again = made(terminology, tmp_path / "b", index, where, partition(version="two"), only)
    filled(again, terminology)
    assert old.space is not None
    assert old.space.entries() == {}
    assert [each.version for each in Partitions(where).all()] == ["two"]


def test_what_a_tenant_added_is_found_by_it_alone(
    index: VectorIndex, terminology: Terminology, tmp_path: Path
) -> None:
    where = tmp_path / "spaces.json"
    everybody = made(terminology, tmp_path / "all", index, where)
    filled(everybody, terminology)
    tenants = [TenantId(partition(str(number)).tenant_id) for number in range(2)]
    found = {}
    for tenant in tenants:
        name = f"quiet knee of ward {'ab'[tenants.index(tenant)]}"
        additions = [Addition("site:knee", name)]
        added = terminology.with_additions(additions)
        own = made(
            added, tmp_path / str(tenant), index, where, partition(str(tenant)),
            own_names(added, additions),
        )  # fmt: skip
        filled(own, added)
        both = OwnLinks(added, everybody, own)
        found[tenant] = [link.name for link in both.nearest("quiet knee of ward", 20)]
        assert found[tenant][0] == name
    assert not any("quiet knee" in link.name for link in everybody.nearest("quiet knee of ward"))
    assert not {"quiet knee of ward a"} & set(found[tenants[1]])


def test_an_engine_that_is_down_leaves_the_names(terminology: Terminology, tmp_path: Path) -> None:
    class Down:
        def search(self, *_: object) -> object:
            raise EngineUnavailable("down")

        def entries(self, _: TenantId) -> dict[str, int]:
            return {}

    record = Partitions(tmp_path / "spaces.json")
    space = ConceptSpace(Down(), record, partition())  # type: ignore[arg-type]
    space.declare(whole=True)
    linker = Linker(terminology, Counted(), None, space)
    answer = search(terminology, linker, KnowledgeRequest("atrial fibrillation"))
    assert answer.missing == ("meaning",)
    assert answer.concepts[0].name.casefold() == "atrial fibrillation"


def test_a_process_reads_only_what_may_be_offered_where_an_engine_holds_the_rest(
    terminology: Terminology, tmp_path: Path
) -> None:
    linker = made(terminology, tmp_path, None, tmp_path, only=rows(terminology, 800))
    while linker.grow(4000):
        pass
    record = Partitions(tmp_path / "spaces.json")
    space = ConceptSpace(None, record, partition())  # type: ignore[arg-type]
    space.declare(whole=True)
    placed = Linker(terminology, Counted(), tmp_path, space, rows(terminology, 800))
    placed.linked.__dict__["common"] = PIECE  # as where most names are no seed's
    assert placed.made == len(placed.names)
    assert len(placed._pieces) == 1 < len(linker._pieces)
    assert placed.ready
