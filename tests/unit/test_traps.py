"""The trap set: whole, labelled, and its built files true to its source."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli.traps import measured
from app.settings import Settings
from app.wiring import Installation
from eval.traps import FOLDER, SETS, assertion_figures, build, judged_wrong, read, unmark
from indexing.model import Assertion
from rankers.fusion import SHARES


def test_the_set_is_large_enough_and_refers_only_to_itself() -> None:
    traps = read()
    ids = {note.note_id for note in traps.notes}
    assert len(ids) == len(traps.notes) >= 150
    assert len({query.query_id for query in traps.queries}) == len(traps.queries) >= 100
    assert sum(len(note.mentions) for note in traps.notes) >= 400
    assert all(set(query.grades) <= ids for query in traps.queries)


def test_built_files_are_those_of_the_source(tmp_path: Path) -> None:
    build(read(), tmp_path)
    for name in ("corpus.jsonl", "queries.jsonl", "labels.jsonl", "qrels/test.tsv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_marks_come_out_with_their_offsets() -> None:
    text, (mention,) = unmark("Denies {chest pain|negated}.")
    assert text == "Denies chest pain."
    assert text[mention.start : mention.end] == "chest pain"
    assert mention.assertion is Assertion.NEGATED


def test_assertion_reaches_its_figures() -> None:
    values = assertion_figures(read()).values
    assert values["accuracy"] >= 0.97
    assert values["macro-F1"] >= 0.94
    assert min(values["family precision"], values["family recall"]) >= 0.95


def test_judged_wrong_counts_only_what_was_judged() -> None:
    traps = read()
    query = traps.queries[0]
    wrong = [note for note, grade in query.grades.items() if grade == 0]
    right = [note for note, grade in query.grades.items() if grade]
    assert judged_wrong(traps, {query.query_id: right}) == 0
    assert judged_wrong(traps, {query.query_id: [*right, *wrong]}) == len(wrong) / len(query.grades)


# What was reached, with a little to spare; the issue asks for .01 on all legs, .02 on each alone.
REACHED = {
    "traps": {"hybrid": (0.97, 0.006), "lexical": (0.96, 0.010), "vector": (0.96, 0.006),
              "graph": (0.945, 0.008)},
    "held-out": {"hybrid": (0.97, 0.008), "lexical": (0.96, 0.012), "vector": (0.96, 0.008),
                 "graph": (0.95, 0.009)},
    "blind": {"hybrid": (0.98, 0.008), "lexical": (0.97, 0.008), "vector": (0.95, 0.008),
              "graph": (0.92, 0.002)},
}  # fmt: skip


def _hold(home: Path, name: str, rankers: tuple[str, ...]) -> None:
    found = measured(Installation(Settings(home=home)), read(SETS[name]), rankers)
    for ranker in rankers:
        least, most = REACHED[name][ranker]
        assert found[ranker].ndcg >= least, (ranker, found[ranker].weak)
        assert found[ranker].wrong <= most, (ranker, found[ranker].worst)


@pytest.mark.parametrize("name", SETS)
def test_words_and_concepts_show_hardly_a_trap(tmp_path: Path, name: str) -> None:
    _hold(tmp_path, name, ("lexical", "graph"))


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_every_leg_shows_hardly_a_trap(tmp_path: Path, name: str) -> None:
    _hold(tmp_path, name, ("hybrid", "vector"))


def test_traps_are_asked_of_the_ranking_that_a_site_has_tuned(tmp_path: Path) -> None:
    whole = read()
    few = replace(whole, queries=whole.queries[:40])
    graded = {note_id for query in few.queries for note_id in query.grades}
    few = replace(few, notes=[note for note in few.notes if note.note_id in graded])
    tuned = tmp_path / "shares.json"
    tuned.write_text(json.dumps({kind: {"vector": 1, "graph": 0, "alike": 0} for kind in SHARES}))
    default, own = (
        measured(Installation(Settings(home=tmp_path, shares=shares)), few, ("hybrid",))["hybrid"]
        for shares in (None, tuned)
    )
    assert own.ndcg != default.ndcg
