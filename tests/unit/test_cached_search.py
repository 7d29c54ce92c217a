"""The same question of the same view is ranked once, and nobody is answered out of another's."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from indexing.access import Access, Role
from indexing.errors import EngineUnavailable, InvalidQuery
from indexing.model import TenantId
from rankers.answer import Answer
from rankers.cached import CachedSearch
from rankers.search import Found, SearchRequest
from tests.searching import ACCESS, built


class Kept:
    """A cache in a dict; `broken` forgets at once."""

    def __init__(self) -> None:
        self.held: dict[tuple[TenantId, bytes], bytes] = {}
        self.broken = False

    def get(self, tenant_id: TenantId, key: bytes) -> bytes | None:
        return None if self.broken else self.held.get((tenant_id, key))

    def put(self, tenant_id: TenantId, key: bytes, value: bytes) -> None:
        self.held[tenant_id, key] = value

    def forget(self, tenant_id: TenantId) -> None:
        self.held.clear()

    def shut(self, tenant_id: TenantId) -> None:
        self.forget(tenant_id)


class Desk:
    """A search that counts how often it ranks."""

    def __init__(self) -> None:
        self.inner, self.shelf = built()
        self.cache, self.ranked, self.epoch_now = Kept(), 0, b"1"
        ranks = self.inner.rank

        def rank(access: Access, request: SearchRequest) -> Found:
            self.ranked += 1
            return ranks(access, request)

        self.inner.rank = rank  # type: ignore[method-assign]
        self.search = CachedSearch(self.inner, self.cache, self.shelf, self.epoch, "v1")

    def epoch(self, _tenant: TenantId) -> bytes:
        if self.epoch_now == b"":
            raise EngineUnavailable("down")
        return self.epoch_now


@pytest.fixture(scope="module")
def made() -> Desk:
    return Desk()


@pytest.fixture
def desk(made: Desk) -> Desk:
    made.cache.held.clear()
    made.cache.broken, made.ranked, made.epoch_now = False, 0, b"1"
    return made


ASKED = SearchRequest("chest pain")


def untimed(answer: Answer) -> Answer:
    return replace(answer, took_ms={})


def test_what_comes_out_of_the_cache_is_what_went_in(desk: Desk) -> None:
    first, again = desk.search.rank(ACCESS, ASKED), desk.search.rank(ACCESS, ASKED)
    assert desk.ranked == 1
    assert first.answer.hits
    assert untimed(again.answer) == untimed(first.answer)
    notes = desk.shelf.fetch(ACCESS, [hit.doc_id for hit in again.answer.hits])
    assert untimed(again.described(notes)) == untimed(first.described(notes))


@pytest.mark.parametrize(
    "other",
    [
        replace(ACCESS, tenant_id=TenantId(uuid4())),
        replace(ACCESS, labels=frozenset({"PSY"})),
        replace(ACCESS, patients=frozenset({"P1"})),
        replace(ACCESS, roles=frozenset({Role.RESEARCHER})),
        replace(ACCESS, purpose="HRESCH"),
        replace(ACCESS, time_zone="Europe/Vienna"),
    ],
)
def test_another_view_is_ranked_for_itself(desk: Desk, other: Access) -> None:
    desk.search.rank(ACCESS, ASKED)
    desk.search.rank(other, ASKED)
    assert desk.ranked == 2


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, q="chest  pain"), replace(ASKED, k=11), replace(ASKED, assertion="any"),
        replace(ASKED, only={"patient": ("P1",)}), replace(ASKED, rejected=("x",)),
        replace(ASKED, rankers=("lexical",)), replace(ASKED, bare=True),
    ],
)  # fmt: skip
def test_another_question_is_ranked_for_itself(desk: Desk, other: SearchRequest) -> None:
    desk.search.rank(ACCESS, ASKED)
    desk.search.rank(ACCESS, other)
    assert desk.ranked == 2


def test_a_change_event_ends_every_answer(desk: Desk) -> None:
    desk.search.rank(ACCESS, ASKED)
    desk.epoch_now = b"2"
    desk.search.rank(ACCESS, ASKED)
    assert desk.ranked == 2


@pytest.mark.parametrize("fault", ["broken", "epoch", "garbage", "surrogate"])
def test_a_failure_is_a_miss(desk: Desk, fault: str) -> None:
    asked = replace(ASKED, q="chest pain \ud800", plain=True) if fault == "surrogate" else ASKED
    if fault == "epoch":
        desk.epoch_now = b""
    desk.search.rank(ACCESS, asked)
    desk.cache.broken = fault == "broken"
    if fault == "garbage":
        desk.cache.held = dict.fromkeys(desk.cache.held, b'{"query": 1}')
    assert desk.search.rank(ACCESS, asked).answer.hits
    assert desk.ranked == 2


def test_proofs_of_absence_and_half_answers_are_not_kept(desk: Desk) -> None:
    assert desk.search.rank(ACCESS, SearchRequest("zzyzx")).answer.absence is not None
    assert not desk.cache.held
    with pytest.raises(InvalidQuery):
        desk.search.rank(ACCESS, SearchRequest('"open'))
