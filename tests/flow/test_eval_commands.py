"""The lab's commands end to end, on a small generated hospital."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from indexing.errors import AnamnesisError

Told = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home, and a hospital's benchmark of twelve topics."""
    return tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("set")


@pytest.fixture
def tell(lab: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Told:
    """Run `anamnesis eval …` and return its JSON."""
    monkeypatch.setenv("ANAMNESIS_HOME", str(lab[0]))

    def run(*words: str | Path, code: int = 0, warned: str = "") -> dict[str, Any]:
        found = CliRunner().invoke(app, ["eval", *map(str, words), "--json"])
        if isinstance(found.exception, AnamnesisError):
            raise found.exception
        assert found.exit_code == code, found.output
        assert warned in found.stderr
        return json.loads(found.stdout.strip().splitlines()[-1])

    return run


def figures(told: dict[str, Any]) -> Sequence[str]:
    return sorted(told)


def test_the_whole_way(lab: tuple[Path, Path], tell: Told, tmp_path: Path) -> None:
    folder = lab[1] / "hospital"
    made = tell("hospital", "--out", folder, "--patients", 3, "--topics", 12)
    assert made["topics"] == 12
    of = ("--benchmark", folder, "--split", "test")

    first = tell("run", *of, "--ranker", "lexical", "--name", "words", "--run-out", tmp_path / "r")
    told = ["R@100", "RR@10", "n", "nDCG@10", "run_id", "unparsed", "warnings"]
    assert figures(first) == told
    second = tell("run", *of, "--legs", "lexical,graph", "--name", "both")
    assert second["n"] == 12
    again = tell("import-run", tmp_path / "r", *of, "--name", "from-file")
    assert again["nDCG@10"] == pytest.approx(first["nDCG@10"], abs=1e-4)

    assert [run["name"] for run in tell("runs")["runs"]] == ["from-file", "both", "words"]
    line = tell("report")["lines"][0]
    assert line["runs"]["lexical"]["nDCG@10"] == first["nDCG@10"]
    compared = tell("compare", "words", "both", "--topics")
    assert {d["metric"] for d in compared["differences"]} == {"nDCG@10", "R@100", "RR@10"}
    assert len(next(iter(compared["topics"].values()))) == 12
    assert tell("compare", "words", "from-file")["differences"][0]["ties"] == 12

    tell("save", "words", "--out", tmp_path / "baseline.json")
    at = ("--benchmark", folder)
    passed = tell("gate", "--baseline", tmp_path / "baseline.json", "--max-drop", 0, *at)
    assert passed["passed"]
    assert passed["reasons"][0].startswith("ok")
    losing = json.loads((tmp_path / "baseline.json").read_text())
    for values in losing["topics"].values():
        values["nDCG@10"] += 0.5
    (tmp_path / "better.json").write_text(json.dumps(losing))
    failed = tell("gate", "--baseline", tmp_path / "better.json", "--run", "words", code=1)
    assert failed["reasons"][0].startswith("FAIL")


def test_books_go_out_and_in(lab: tuple[Path, Path], tell: Told, tmp_path: Path) -> None:
    pooled = tell("pool", "words", "both", "--book", "first", "--depth", 5)
    assert pooled["topics"] == 12
    assert pooled["judged"] == 0
    tell("judge-export", "--book", "first", "--out", tmp_path / "book.jsonl.gz")
    qrels = tmp_path / "qrels.txt"
    folder = lab[1] / "hospital"
    tell("convert", "--benchmark", folder, "--split", "test", "--to", "trec", "--out", tmp_path)
    (tmp_path / "qrels.test.txt").rename(qrels)
    high = qrels.read_text().replace(" 3\n", " 4\n")
    qrels.write_text(high)
    judged = tell(
        "judge-import", qrels, "--book", "first", "--judge", "truth", warned="high-grades"
    )
    assert judged["judged"] > 0
    tell("judge-export", "--book", "first", "--out", tmp_path / "again.jsonl")
    other = tell("judge-import", tmp_path / "again.jsonl", "--book", "second")
    assert {**other, "book": "first"} == judged
    lost = "unjudged-documents"
    as_beir = ("--format", "beir", "--out", tmp_path / "beir.tsv")
    tell("judge-export", "--book", "second", *as_beir, warned=lost)
    assert (tmp_path / "beir.tsv").read_text().startswith("query-id\tcorpus-id\tscore\n")


def test_a_guideline_keeps_its_version_when_a_pool_grows(tell: Told, tmp_path: Path) -> None:
    (tmp_path / "g.txt").write_text("3 is what was asked for.")
    told = ("--guideline", tmp_path / "g.txt", "--guideline-version", "7")
    tell("pool", "words", "--book", "guided", "--depth", 2, *told)
    tell("pool", "both", "--book", "guided", "--depth", 2)
    as_trec = ("--format", "trec", "--out", tmp_path / "q")
    tell("judge-export", "--book", "guided", *as_trec, warned="topics-without-grades: 12")
    tell("judge-export", "--book", "guided", "--out", tmp_path / "b.jsonl")
    head = json.loads((tmp_path / "b.jsonl").read_text().splitlines()[0])
    assert (head["guideline"], head["guideline_version"]) == ("3 is what was asked for.", "7")


def test_a_gate_asks_with_the_baselines_shares(
    lab: tuple[Path, Path], tell: Told, tmp_path: Path
) -> None:
    of = ("--benchmark", lab[1] / "hospital", "--split", "test")
    shared = (*of, "--share", "graph=.5", "--legs", "lexical,graph")
    tell("run", *shared, "--name", "half", "--terminology", "seed")
    again = tell("gate", "--baseline", "half", "--max-drop", 0)
    (card,) = [run for run in tell("runs")["runs"] if run["run_id"] == again["run"]]
    assert card["settings"]["graph_share"] == 0.5
    assert again["difference"]["ties"] == 12
    tell("save", "half", "--out", tmp_path / "b.json")
    other = json.loads((tmp_path / "b.json").read_text())
    other["card"]["terminology"] = "older"
    (tmp_path / "b.json").write_text(json.dumps(other))
    gate = ("gate", "--baseline", tmp_path / "b.json", "--benchmark", lab[1] / "hospital")
    assert tell(*gate, warned="other-terminology")["changed"]


def test_what_cannot_be_compared_is_told(tell: Told) -> None:
    with pytest.raises(AnamnesisError, match="no run"):
        tell("compare", "words", "nobody")
    with pytest.raises(AnamnesisError, match=r"knows no measure|not among"):
        tell("compare", "words", "both", "--metric", "Nonsense@10")


@pytest.mark.slow
def test_without_the_graph_the_hospital_is_searched_worse(tell: Told, tmp_path: Path) -> None:
    tell("hospital", "--out", tmp_path / "set", "--patients", 20, "--topics", 120)
    of = ("--benchmark", tmp_path / "set", "--split", "test")
    whole = tell("run", *of, "--legs", "lexical,graph", "--name", "whole")
    without = tell("run", *of, "--legs", "lexical", "--name", "without")
    assert whole["nDCG@10"] > without["nDCG@10"] + 0.02
