"""Stored runs: what was stored comes back, broken-off runs go on, tenants see their own."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import eval.archive
from eval.archive import Answered, Archive, Card, StoredHit
from eval.benchmark import Benchmark, Text
from indexing.errors import InvalidInput, NotFound
from rankers.explain import Signal

SET = Benchmark(
    "set",
    (Text("d1", "Asthma", "Wheeze.", {}), Text("d2", "", "Cough for\nweeks.", {})),
    {"q1": "wheeze", "q2": "cough"},
    {"q1": {"d1": 1}, "q2": {"d2": 2}},
)
CARD = Card("set", "dev", "hybrid", {"depth": 1000}, "data1", "code1", "model1", "terms1", 2)
HITS = (
    StoredHit("d1", 0.75, {"lexical": Signal(1, 7.5, 0.5), "vector": Signal(2, 0.5, 0.25)}),
    StoredHit("d2", 0.5, {"lexical": Signal(2, 5.0, 0.5)}),
)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "lab")


def stored(archive: Archive, card: Card = CARD) -> Card:
    made = archive.keep(card, SET, [Answered("q1", HITS), Answered("q2", (), unparsed=True)])
    return archive.finish(
        replace(made, figures={"nDCG@10": 0.5}, warnings=("odd: this",)),
        {"q1": {"nDCG@10": 1.0}, "q2": {"nDCG@10": 0.0}},
    )


def test_a_run_comes_back_as_it_was_stored(archive: Archive) -> None:
    card = stored(archive)
    assert archive.card(card.run_id) == card
    assert list(archive.topics(card.run_id)) == [
        Answered("q1", HITS, False, {"nDCG@10": 1.0}),
        Answered("q2", (), True, {"nDCG@10": 0.0}),
    ]
    assert archive.topic(card.run_id, "q1").hits == HITS
    assert archive.figures(card.run_id) == {"q1": {"nDCG@10": 1.0}, "q2": {"nDCG@10": 0.0}}
    assert archive.judged("data1") == (SET.topics, SET.qrels)
    assert archive.titles("data1", ["d1", "d2", "d9"]) == {"d1": "Asthma", "d2": "Cough for weeks."}


@given(st.lists(st.tuples(st.text(min_size=1), st.floats(0, 1e3)), max_size=150))
def test_hits_come_back(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, float]]
) -> None:
    found = tuple(StoredHit(d.encode("utf-8", "ignore").decode(), round(s, 9)) for d, s in pairs)
    assert eval.archive._unpacked(eval.archive._packed(found)) == found


def test_only_the_owner_may_read_the_file(archive: Archive, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "lab" / "lab.sqlite").stat().st_mode) == 0o600


def test_a_run_that_was_broken_off_goes_on(archive: Archive) -> None:
    first = archive.begin(CARD, SET)
    archive.add(first, [Answered("q1", HITS)], SET)
    again = archive.begin(CARD, SET)
    assert again.run_id == first.run_id
    assert archive.answered(again.run_id) == {"q1"}
    assert archive.begin(replace(CARD, code_version="code2"), SET).run_id != first.run_id


def test_a_run_that_another_process_works_on_is_left_alone(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.archive.os.getpid", lambda: 1)  # lives as long as this machine
    first = archive.begin(CARD, SET)
    monkeypatch.undo()
    assert archive.begin(CARD, SET).run_id != first.run_id


def test_a_finished_run_is_not_continued(archive: Archive) -> None:
    done = stored(archive, replace(CARD, split="test"))
    assert archive.begin(replace(CARD, split="test"), SET).run_id != done.run_id


def test_runs_are_found_by_id_beginning_name_and_latest(archive: Archive) -> None:
    old = stored(archive, replace(CARD, name="baseline"))
    new = stored(archive, replace(CARD, name="candidate"))
    assert archive.card("baseline") == old
    assert archive.card("latest").run_id in {old.run_id, new.run_id}
    assert archive.card(new.run_id[:-1]) == new
    with pytest.raises(InvalidInput, match="2 runs begin"):
        archive.card("20")
    with pytest.raises(NotFound):
        archive.card("nobody")


def test_a_tenant_sees_its_own_runs_and_those_of_nobody(archive: Archive) -> None:
    public = stored(archive)
    own = stored(archive, replace(CARD, tenant="east"))
    other = stored(archive, replace(CARD, tenant="west"))
    assert {c.run_id for c in archive.cards("east")} == {public.run_id, own.run_id}
    assert {c.run_id for c in archive.cards()} == {public.run_id, own.run_id, other.run_id}
    with pytest.raises(NotFound):
        archive.card(other.run_id, "east")


def test_a_dropped_run_takes_its_data_along(archive: Archive) -> None:
    one = stored(archive)
    two = stored(archive)
    archive.drop(one.run_id)
    assert archive.judged("data1")[0]
    archive.drop(two.run_id)
    with pytest.raises(NotFound):
        archive.judged("data1")
    assert archive.cards() == ()
