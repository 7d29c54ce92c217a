"""Topics, judgements and files of the invented hospital."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from eval.hospital import PatientChart, generate, judgements, topics, write_bundles
from eval.hospital.__main__ import main
from eval.hospital.dice import Dice
from eval.hospital.people import Style, staff
from eval.hospital.prose import Writer, note_status
from eval.hospital.vocabulary import concepts
from indexing.model import Assertion

SEED = 7
STYLE = Style("colon", 0.5, 0.5, "prose", "line", "oxford")


@pytest.fixture(scope="module")
def charts() -> list[PatientChart]:
    return list(generate(60, SEED))


def test_judgements_follow_the_truth(charts: list[PatientChart]) -> None:
    asked = {t.topic_id: t for t in topics()}
    seen: dict[str, set[int]] = defaultdict(set)
    for one in charts:
        notes = {n.doc_id: n for n in one.notes}
        for topic_id, doc_id, found in judgements(one, asked.values()):
            topic, note = asked[topic_id], notes[doc_id]
            said = {note.status[k] for k in topic.concepts if k in note.status}
            assert said, "only what is named is judged"
            seen[topic.kind].add(found)
            if found >= 2 and not topic.allergy:
                assert Assertion.PRESENT in said
            if found and topic.year is not None:
                assert note.when.year == topic.year
            if said <= {Assertion.NEGATED, Assertion.FAMILY, Assertion.HYPOTHETICAL}:
                assert found == (3 if topic.allergy and found else 0)
    for kind in ("cohort", "negated", "temporal", "lay", "abbreviation", "graph"):
        assert {0, 2} <= seen[kind], kind
    assert seen["fact"] == {0, 3} or seen["fact"] == {3}


def test_graph_topics_need_the_graph(charts: list[PatientChart]) -> None:
    """The notes that answer mostly do not contain the words that were asked."""
    asked = {t.topic_id: t for t in topics() if t.kind == "graph"}
    named, answers = Counter[str](), Counter[str]()
    for one in charts:
        texts = {n.doc_id: n.text.lower() for n in one.notes}
        for topic_id, doc_id, found in judgements(one, asked.values()):
            if found >= 2:
                answers[topic_id] += 1
                words = rf"\b{re.escape(asked[topic_id].text.lower())}s?\b"
                named[topic_id] += re.search(words, texts[doc_id]) is not None
    assert len(answers) >= 15
    assert sum(named.values()) / sum(answers.values()) < 0.05


def test_little_is_named_without_being_accounted_for(charts: list[PatientChart]) -> None:
    wanted = {k for t in topics() for k in t.concepts | t.also}
    words = {n for k in wanted for n in (concepts()[k].name, *concepts()[k].terms)}
    pattern = re.compile(
        r"\b(?:" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + r")\b", re.I
    )
    missed = marked = 0
    for note in (n for c in charts[:40] for n in c.notes):
        marked += len(note.mentions)
        spans = [(m.start, m.end) for m in note.mentions]
        for hit in pattern.finditer(note.text):
            missed += not any(a < hit.end() and hit.start() < b for a, b in spans)
    assert missed / marked < 0.01


TEMPLATES = st.sampled_from(
    [
        "Has [fever].",
        "No [-cough] or [-rash]. ",
        "R/o [?pe]; ",
        "plain words in between ",
        "[^mi]\n",
    ]
)


@given(
    st.lists(TEMPLATES, min_size=1, max_size=6), st.lists(TEMPLATES, max_size=4), st.integers(0, 99)
)
def test_pasting_a_paragraph_moves_its_mentions(
    first: list[str], second: list[str], seed: int
) -> None:
    page = Writer(Dice(seed), STYLE, {}, lay=bool(seed % 2))
    for template in second:
        page.say(template)
    start = page.length
    for template in first:
        page.say(template)
    block = page.clip(start)
    other = Writer(Dice(seed + 1), STYLE, {}, lay=False)
    other.say("Before. ")
    other.paste(block)
    for written in (page, other):
        assert all(written.text[m.start : m.end] == m.text for m in written.mentions)
    assert other.text.endswith(block.text)
    assert all(m.copied for m in other.mentions)


def test_a_denial_ends_a_suspicion_and_a_copy_is_history() -> None:
    page = Writer(Dice(1), STYLE, {}, lay=False)
    page.say("Possible [?pe]. [pe] was ruled out.".replace("[pe]", "[-pe]"))
    start = page.length
    page.say("Has [fever].")
    other = Writer(Dice(2), STYLE, {}, lay=False)
    other.paste(page.clip(start))
    assert note_status(page.mentions)["pe"] is Assertion.NEGATED
    assert note_status(other.mentions)["fever"] is Assertion.HISTORICAL


def test_hands_differ() -> None:
    assert len({a.style for a in staff("hospitalist")}) > 4
    assert len({a.style.headings for a in staff("hospitalist")}) == 6


def test_the_command_writes_bundles_truth_and_a_benchmark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--patients", "12", "--seed", "3", "--out", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    with zstandard.open(tmp_path / "bundles.ndjson.zst", "rt", encoding="utf-8") as lines:
        bundles = [json.loads(line) for line in lines]
    assert [len(bundles), report["patients"]] == [13, 12]
    corpus = _rows(tmp_path / "benchmark" / "corpus.jsonl")
    assert len(corpus) == report["notes"] == len(_rows(tmp_path / "truth_notes.jsonl"))
    assert set(corpus[0]) == {"_id", "title", "text", "metadata"}
    assert set(dict(corpus[0]["metadata"])) == {"patient_id", "date", "note_type", "specialty"}
    queries = {q["_id"] for q in _rows(tmp_path / "benchmark" / "queries.jsonl")}
    lines = (tmp_path / "benchmark" / "qrels" / "test.tsv").read_text().splitlines()
    assert lines[0] == "query-id\tcorpus-id\tscore"
    judged = [line.split("\t") for line in lines[1:]]
    assert {j[0] for j in judged} == queries
    assert {j[1] for j in judged} <= {row["_id"] for row in corpus}
    assert {j[2] for j in judged} <= {"0", "1", "2", "3"}


def _rows(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_features_and_bundles_alone(tmp_path: Path) -> None:
    assert main(["--patients", "30", "--out", str(tmp_path), "--features-only"]) == 0
    assert len(_rows(tmp_path / "features.jsonl")) == 30
    path = write_bundles(2, SEED, tmp_path / "new")
    with zstandard.open(path, "rt", encoding="utf-8") as lines:
        assert len(list(lines)) == 3


def test_an_empty_hospital_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--patients", "0", "--out", str(tmp_path)])
    assert refused.value.code == 2
