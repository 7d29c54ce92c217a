"""TREC's files in and out, and a clear word on every one that is broken."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import trec
from eval.benchmark import Benchmark, Text, load, write
from eval.trec import (
    falling,
    read_qrels,
    read_run,
    read_topics,
    write_qrels,
    write_run,
    write_topics,
)
from indexing.errors import InvalidInput

CLASSIC = """
<top>
<num> Number: 301
<title> International Organized Crime
<desc> Description:
Identify organizations that participate.
</top>

<top>

<num> Number: 302
<title> Poliomyelitis &amp; Post-Polio
</top>
"""
MARKED = """<topics task="2016">
<topic number="1" type="diagnosis">
  <note>78 M w/ pmh of CABG</note>
  <summary>A 78 year old male
  presents with bleeding.</summary>
</topic>
<topic number="2">bare words</topic>
</topics>
"""
IDS = st.text("abcdefgXYZ0189-_.", min_size=1, max_size=8)
WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=40)


def put(path: Path, text: str) -> Path:
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_reads_the_classic_topics(tmp_path: Path) -> None:
    path = put(tmp_path / "topics.gz", CLASSIC)
    found = read_topics(path)
    assert found == {"301": "International Organized Crime", "302": "Poliomyelitis & Post-Polio"}
    assert read_topics(put(tmp_path / "one", CLASSIC.split("</top>")[0]), "desc") == {
        "301": "Identify organizations that participate."
    }


def test_reads_the_marked_up_topics(tmp_path: Path) -> None:
    path = put(tmp_path / "topics.xml", MARKED)
    assert read_topics(path) == {
        "1": "A 78 year old male presents with bleeding.", "2": "bare words"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no topic"),
        ("1\tone\n1\tagain\n", "line 2: the topic '1' stands there twice"),
        ("1\t \n", "has no text"),
        ("no tab\n", "wants an id"),
        ("<top>\n<title> words\n</top>\n", "line 1: the topic has no number"),
        (CLASSIC + CLASSIC, "twice"),
    ],
)
def test_broken_topics_are_told_by_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_topics(put(tmp_path / "topics", text))


@given(st.dictionaries(IDS, WORDS.filter(str.strip), min_size=1, max_size=5))
def test_topics_come_back(tmp_path_factory: pytest.TempPathFactory, topics: dict[str, str]) -> None:
    path = tmp_path_factory.mktemp("t") / "topics.gz"
    write_topics(topics, path)
    assert read_topics(path) == {topic: " ".join(text.split()) for topic, text in topics.items()}


@given(
    st.dictionaries(
        IDS, st.dictionaries(IDS, st.integers(-1, 3), min_size=1), min_size=1, max_size=5
    ).filter(lambda q: any(g > 0 for j in q.values() for g in j.values()))
)
def test_qrels_come_back(
    tmp_path_factory: pytest.TempPathFactory, qrels: dict[str, dict[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("q") / "qrels.txt"
    write_qrels(qrels, path)
    assert read_qrels(path) == qrels
    assert {q.query_id for q in ir_measures.read_trec_qrels(str(path))} == set(qrels)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 0 d1\n", "line 1: wants topic"),
        ("1 0 d1 x\n", "line 1: the grade"),
        ("1 0 d1 1\n1 0 d1 2\n", "line 2: '1' and 'd1' are judged twice"),
        ("1 0 d1 0\n", "nothing is judged relevant"),
    ],
)
def test_broken_qrels_are_told_by_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_qrels(put(tmp_path / "qrels", text))


@given(st.dictionaries(IDS, st.lists(IDS, min_size=1, max_size=9, unique=True), min_size=1))
def test_runs_come_back(
    tmp_path_factory: pytest.TempPathFactory, ranked: dict[str, list[str]]
) -> None:
    path = tmp_path_factory.mktemp("r") / "run.txt.gz"
    scored = {topic: falling([(d, 1.0) for d in docs]) for topic, docs in ranked.items()}
    write_run(scored, "tag", path)
    found = read_run(path, ranked.keys())
    assert {topic: [d for d, _ in hits] for topic, hits in found.ranked.items()} == ranked
    assert found.warnings == ()


def test_the_score_ranks_and_oddities_are_named(tmp_path: Path) -> None:
    text = "1 Q0 b 1 0.5 t\n1 Q0 a 2 0.5 t\n1 Q0 c 3 9 t\n7 Q0 a 1 1 t\n"
    found = read_run(put(tmp_path / "run", text), {"1", "2"}, depth=2)
    assert [d for d, _ in found.ranked["1"]] == ["c", "b"]
    assert [w.split(":")[0] for w in found.warnings] == [
        "unanswered-topics", "unjudged-topics", "cut-topics", "other-ranks"
    ]  # fmt: skip
    tied = read_run(tmp_path / "run", {"1", "7"})
    assert [d for d, _ in tied.ranked["1"]] == ["c", "b", "a"]
    assert [w.split(":")[0] for w in tied.warnings] == ["tied-scores", "other-ranks"]
    two = read_run(put(tmp_path / "two", "1 Q0 a 1 2 s\n7 Q0 a 1 1 t\n"), {"1", "7"})
    assert [w.split(":")[0] for w in two.warnings] == ["other-tags"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no row in it"),
        ("9 Q0 d 1 1 t\n", "no row is of a judged topic"),
        ("1 Q0 d 1 nan t\n", "line 1: the score is not finite"),
        ("1 Q0 d 1 inf t\n", "not finite"),
        ("1 Q0 d one 1 t\n", "is no number"),
        ("1 Q0 d 1 2_0 t\n", "is no number"),
        ("1 Q0 d 1 1\n", "line 1: wants topic, Q0"),
        ("1 Q0 d 1 1 t\n1 Q0 d 2 .5 t\n", "line 2: 'd' stands twice"),
        ("1 Q0 d 1 1 t\n2 Q0 d 2 .5 t\n1 Q0 e 2 .5 t\n", "line 3: the topic '1' stood there"),
        ("1 Q0 " + "d" * 5000 + " 1 1 t\n", "line 1: longer than"),
    ],
)
def test_broken_runs_are_told_by_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_run(put(tmp_path / "run", text), {"1", "2"})


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=50).map(
        lambda s: sorted(s, reverse=True)
    )
)
def test_falling_scores_fall_in_32_bits(scores: list[float]) -> None:
    import numpy as np

    narrow = np.array([s for _, s in falling([("d", s) for s in scores])], dtype=np.float32)
    assert (np.diff(narrow) < 0).all()


@pytest.mark.parametrize("packed", [False, True])
def test_a_benchmark_comes_back(tmp_path: Path, packed: bool) -> None:
    corpus = (Text("d1", "Title", "Text.\nMore", {"date": "2020"}), Text("d2", "", "x", {}))
    made = Benchmark("set", corpus, {"q": "wheeze"}, {"q": {"d1": 2, "d2": 0}})
    write(made, tmp_path / "set", "dev", packed=packed)
    assert load(tmp_path / "set", "dev") == made


def test_a_file_that_fails_halfway_leaves_what_was_there(tmp_path: Path) -> None:
    path = put(tmp_path / "run", "before")
    with pytest.raises(InvalidInput):
        write_run({"q": [("d", 1.0), ("with space", 0.5)]}, "tag", path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_large_run_is_read_in_the_memory_of_its_longest_topic(tmp_path: Path) -> None:
    path = tmp_path / "large.run"
    peaks = []
    for others in (20, 200):  # topics that nobody judged, beside the one that is
        with path.open("w") as out:
            for topic in ["t", *(f"other{i}" for i in range(others))]:
                out.writelines(f"{topic} Q0 d{i} {i} {-i} x\n" for i in range(1, 200))
        tracemalloc.start()
        found = read_run(path, {"t"})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(found.ranked["t"]) == 199
        assert any(f"unjudged-topics: {others}" in each for each in found.warnings)
    assert peaks[1] < peaks[0] + 100_000  # ten times the file


def test_too_many_topics_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trec, "MOST_TOPICS", 2)
    path = tmp_path / "wide.run"
    path.write_text("".join(f"t{i} Q0 d 1 1 x\n" for i in range(3)))
    with pytest.raises(InvalidInput, match="line 3: more than 2 topics"):
        read_run(path, {"t0"})
