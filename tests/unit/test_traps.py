"""The trap set: whole, labelled, and its built files true to its source."""

from __future__ import annotations

from pathlib import Path

from eval.traps import FOLDER, assertion_figures, build, judged_wrong, read, unmark
from indexing.model import Assertion


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
