"""The gate and the report: what passes, what does not, and the reason in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.archive import Card
from eval.benchmark import load
from eval.gate import changes, judge
from eval.generated import write_generated
from eval.hospital import DEFAULT_SEED
from eval.references import REFERENCES
from eval.report import by_class, classes_markdown, lines, markdown
from eval.versions import code_files, data_version

CARD = Card("nfcorpus", "dev", "hybrid", {}, "data", "code", "m", "t", 3, finished="now")


def figures(*values: float) -> dict[str, dict[str, float]]:
    return {f"q{i}": {"nDCG@10": value} for i, value in enumerate(values)}


def test_a_small_loss_passes_and_a_larger_one_does_not() -> None:
    base = figures(0.5, 0.5, 0.5)
    assert judge(base, figures(0.5, 0.5, 0.47), "nDCG@10", 0.01).passed
    found = judge(base, figures(0.5, 0.5, 0.46), "nDCG@10", 0.01)
    assert not found.passed
    assert found.reasons[0].startswith("FAIL nDCG@10 0.5000 -> 0.4867")
    assert "0 won, 2 tied, 1 lost" in found.reasons[0]


def test_traps_fail_by_themselves() -> None:
    base = figures(0.5)
    assert judge(base, base, "nDCG@10", 0.0, 0.01, 0.01).passed
    found = judge(base, base, "nDCG@10", 0.0, 0.02, 0.01)
    assert not found.passed
    assert [reason[:4] for reason in found.reasons] == ["ok  ", "FAIL"]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_nothing_lost_always_passes(values: list[float]) -> None:
    assert judge(figures(*values), figures(*values), "nDCG@10", 0.0).passed


def card(ranker: str, value: float, **other: Any) -> Card:
    return replace(CARD, ranker=ranker, figures={"nDCG@10": value}, run_id=ranker, **other)


def test_what_else_changed_is_told_where_both_runs_have_it() -> None:
    assert changes(CARD, replace(CARD, model="m2", trained="nfcorpus train")) == [
        "model: m -> m2", "trained: zero-shot -> nfcorpus train",
    ]  # fmt: skip
    words = replace(CARD, model="", ranker="lexical")
    assert changes(CARD, words) == changes(words, CARD) == changes(words, words) == []
    elsewhere = replace(CARD, code_version="", model="", terminology="", trained="theirs")
    assert changes(CARD, elsewhere) == changes(elsewhere, CARD) == []


def test_the_report_takes_the_newest_of_each_set() -> None:
    cards = [
        card("hybrid", 0.34), card("hybrid", 0.30), card("vector", 0.35), card("lexical", 0.29),
        card("hybrid", 0.50, trained="nfcorpus train"), card("hybrid", 0.7, data_version="other"),
    ]  # fmt: skip
    found = lines(cards)
    assert len(found) == 2
    plain = next(each for each in found if len(each.runs) == 3)
    assert plain.runs["hybrid"].figures["nDCG@10"] == 0.34
    assert plain.under_best_leg == pytest.approx(0.01)
    assert plain.references["BM25"] == 0.284
    rows = list(markdown(found))
    assert "| nfcorpus dev, zero-shot (3) | .290 | .350 | – | .340 |" in rows[2]
    assert any("trained on nfcorpus train" in row for row in rows)


def test_a_set_that_nobody_else_was_measured_on_has_no_empty_cell() -> None:
    (row,) = list(markdown(lines([card("hybrid", 0.5, benchmark="halves", split="test")])))[2:]
    assert row.endswith("| – |")


def test_every_set_s_references_stand_where_they_were_measured(shared_data: Path) -> None:
    """A line of that page is of one or two sets, named in it or in "same two sets"."""
    page = (shared_data.parent / "design" / "measuring.md").read_text("utf-8")
    assert {("nfcorpus", "dev"), ("scifact", "train"), ("mtsamples-lay", "dev")} <= set(REFERENCES)
    for (name, split), figures in REFERENCES.items():
        of = [
            line for line in page.casefold().splitlines()
            if f"{name} {split}" in line or "same two sets" in line
        ]  # fmt: skip
        for system, value in figures.items():
            told = f"{value:.3f}".lstrip("0")
            assert any(told in line or told.rstrip("0") in line for line in of), (name, system)


def test_what_is_not_the_pages_search_is_no_leg_of_it() -> None:
    own = [card("hybrid", 0.34), card("lexical", 0.29)]
    other = [
        card("bge", 0.6, settings={"file": "bge.run"}, name="BGE"),
        card("hybrid", 0.1, settings={"file": "theirs.run"}, name="theirs"),
        card("hybrid", 0.2, settings={"vector_share": 0.9}), card("lexical+vector", 0.5),
    ]  # fmt: skip
    (line,) = lines([*other, *own])
    assert dict(line.runs) == {"hybrid": own[0], "lexical": own[1]}
    assert line.under_best_leg == -0.05
    assert (line.references["BGE"], line.references["theirs"]) == (0.6, 0.1)


def test_each_kind_of_question_is_held_against_its_best_leg() -> None:
    (line,) = lines([card("hybrid", 0.4), card("vector", 0.4)])
    topics = {"q0": "asthma", "q1": "gout", "q2": "does aspirin prevent colon cancer in men"}
    runs = {"hybrid": figures(0.6, 0.4, 0.2), "vector": figures(0.4, 0.4, 0.4)}
    keywords, question = by_class(line, topics, runs)
    assert (keywords.kind, keywords.n, keywords.under_best_leg) == ("keywords", 2, -0.1)
    assert (question.kind, question.n, question.under_best_leg) == ("question", 1, 0.2)
    assert list(classes_markdown([question]))[2] == (
        "| nfcorpus dev, question (1) | – | .400 | – | .200 | -0.2000 |"
    )


def test_a_trained_run_is_named_so_by_kind_of_question() -> None:
    (line,) = lines([card("hybrid", 0.4, trained="nfcorpus train")])
    found = list(by_class(line, {"q0": "asthma"}, {"hybrid": figures(0.4)}))
    (row,) = list(classes_markdown(found))[2:]
    assert row.startswith("| nfcorpus dev, trained on nfcorpus train, keywords (1) |")
    assert found[0].to_json()["trained"] == "nfcorpus train"


def test_broken_off_runs_are_not_reported() -> None:
    assert lines([replace(card("hybrid", 0.3), finished=None)]) == ()


def test_the_baseline_of_ci_is_of_the_hospital_that_the_generator_makes(tmp_path: Path) -> None:
    """Where this fails the generator has changed: `make gate-baseline` takes the figures anew."""
    write_generated(tmp_path / "set", 12, 60, DEFAULT_SEED)
    made = load(tmp_path / "set", "test")
    path = Path(__file__).parents[2] / "eval" / "baselines" / "hospital.json"
    saved = orjson.loads(path.read_bytes())
    assert saved["card"]["data_version"] == data_version(made)
    assert saved["topics"].keys() == made.topics.keys()
    assert saved["card"]["source"] == ""


def test_the_codes_version_holds_tables_of_any_kind() -> None:
    root = Path(__file__).parents[2]
    data = root / "indexing" / "language" / "data"
    found = set(code_files(root))
    assert {path for path in data.rglob("*") if path.is_file()} <= found
    assert root / "rankers" / "fusion.py" in found
