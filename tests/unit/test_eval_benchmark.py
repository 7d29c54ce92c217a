"""Reading benchmarks: every shape that is allowed, and a clear word on every one that is not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from eval.benchmark import Benchmark, interval, load, oddities
from indexing.errors import InvalidInput

CORPUS = [
    {"_id": "d1", "title": "Asthma", "text": "Wheeze.", "metadata": {"date": "2020-05"}},
    {"_id": "d2", "text": "Cough."},
]
QUERIES = [{"_id": "q1", "text": "wheeze"}, {"_id": "q2", "text": "not judged in this split"}]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n"


def write(
    folder: Path,
    corpus: object = CORPUS,
    queries: object = QUERIES,
    qrels: str = QRELS,
    *,
    packed: bool = False,
) -> Path:
    files = {
        "corpus.jsonl": corpus if isinstance(corpus, str) else lines(corpus),
        "queries.jsonl": queries if isinstance(queries, str) else lines(queries),
        "qrels/dev.tsv": qrels,
    }
    (folder / "qrels").mkdir(parents=True)
    for name, text in files.items():
        data = text.encode()
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(data) if packed else data)
    return folder


def lines(objects: object) -> str:
    assert isinstance(objects, list)
    return "".join(json.dumps(each) + "\n" for each in objects)


@pytest.mark.parametrize("packed", [False, True])
def test_reads_plain_and_packed(tmp_path: Path, packed: bool) -> None:
    found = load(write(tmp_path / "set", packed=packed), "dev")
    assert [text.doc_id for text in found.corpus] == ["d1", "d2"]
    assert found.topics == {"q1": "wheeze"}
    assert found.qrels == {"q1": {"d1": 2, "d2": 0}}
    assert found.name == "set"


def test_reads_without_a_heading_and_with_other_line_ends(tmp_path: Path) -> None:
    found = load(write(tmp_path / "set", qrels="\ufeffq1\td1\t1\r\n\r\nq2\td2\t1\r\n"), "dev")
    assert found.qrels == {"q1": {"d1": 1}, "q2": {"d2": 1}}


def test_a_date_is_an_interval_or_none(tmp_path: Path) -> None:
    dated, undated = load(write(tmp_path / "set"), "dev").corpus
    start, end = interval(dated)
    assert start is not None
    assert end is not None
    assert (start.month, end.month) == (5, 6)
    assert interval(undated) == (None, None)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"qrels": "q1\td9\t1\n"}, "d9"),
        ({"qrels": "q9\td1\t1\n"}, "q9"),
        ({"qrels": "q1\td1\t1\nq1\td1\t1\n"}, "line 2"),
        ({"qrels": "q1\td1\t1\nq1\td2\tmany\n"}, "line 2"),
        ({"qrels": "q1\td1\t2.0\nq1\td2\t1\n"}, "line 1"),  # a grade lost to a heading
        ({"qrels": "q1\td1\tmany\nq1\td2\t1\n"}, "line 1"),
        ({"qrels": "q1\td1\t1_0\n"}, "line 1"),
        ({"qrels": "q1\td1\t99999999999999999999\n"}, "line 1"),
        ({"qrels": "q1 d1 1\n"}, "line 1"),
        ({"qrels": "q1\td1\t0\n"}, "nothing to measure"),
        ({"qrels": ""}, "nothing to measure"),
        ({"corpus": ""}, "corpus.jsonl is empty"),
        ({"queries": ""}, "queries.jsonl is empty"),
        ({"queries": [*QUERIES, QUERIES[0]]}, "line 3"),
        ({"corpus": [*CORPUS, CORPUS[1]]}, "line 3"),
        ({"corpus": [{"title": "x"}]}, "line 1: no _id"),
        ({"corpus": '{"_id": "d1"'}, "line 1: not JSON"),
        ({"corpus": [{"_id": "d1", "text": 3}]}, "text is not a string"),
        ({"queries": [{"_id": "q1", "text": " "}]}, "q1"),
    ],
)
def test_says_where_a_benchmark_is_wrong(
    tmp_path: Path, changed: dict[str, str], says: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(write(tmp_path / "set", **changed), "dev")  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_says_which_file_is_missing_or_torn(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", packed=True)
    with pytest.raises(InvalidInput, match="qrels/test"):
        load(folder, "test")
    torn = folder / "corpus.jsonl.gz"
    torn.write_bytes(torn.read_bytes()[:-9])
    with pytest.raises(InvalidInput, match="corpus"):
        load(folder, "dev")
    torn.write_bytes(gzip.compress(b'{"_id": "d1", "text": "caf\xe9"}\n'))
    with pytest.raises(InvalidInput, match="UTF-8"):
        load(folder, "dev")


def test_topics_without_anything_relevant_are_named() -> None:
    found = Benchmark("b", (), {"a": "x", "b": "y"}, {"a": {"d": 1}, "b": {"d": 0}})
    assert oddities(found) == ("nothing-relevant: 1 topics judge no document relevant and count 0",)
    assert oddities(Benchmark("b", (), {"a": "x"}, {"a": {"d": 1}})) == ()


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/dev.tsv"])
def test_a_file_that_stands_there_twice_is_nobodys_guess(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "set")
    (folder / f"{name}.gz").write_bytes(gzip.compress(b"older"))
    with pytest.raises(InvalidInput, match=f"both {name} and {name}.gz"):
        load(folder, "dev")
