"""The pipeline end to end, its command, and input that no clinician wrote."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable

import pytest

from app.cli.annotate import annotate_command
from indexing.language import pipeline
from indexing.language.pipeline import LANGUAGE_VERSION, Language
from indexing.model import Assertion


def run(*lines: object) -> tuple[int, list[dict[str, object]]]:
    """Send each line (as JSON, or as it is when a string) to the command."""
    sent = "".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines)
    out = io.StringIO()
    code = annotate_command(None, True, io.StringIO(sent), out)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def test_offsets_slice_back_and_labels_come_with_their_cue(language: Language) -> None:
    text = "HPI: Denies chest pain but has cough.\nFAMILY HISTORY: Mother had asthma."
    found = language.annotate(text)
    assert found.language_version == LANGUAGE_VERSION
    said = {text[m.start : m.end]: m for m in found.mentions}
    assert said["chest pain"].assertion.value == "negated"
    assert said["cough"].assertion.value == "present"
    assert said["asthma"].assertion.value == "family"
    assert said["asthma"].section == "family_history"
    cue = said["chest pain"].cue
    assert cue is not None
    assert text[cue.start : cue.end] == cue.text == "Denies"
    assert [p.start for p in found.passages] == [0]


def test_the_command_answers_spans_wherever_they_point() -> None:
    text = "No history of zorblax. Dad had zorblax."
    spans = [[14, 21], [31, 38]]
    code, (answer,) = run({"text": text, "spans": spans})
    assert code == 0
    assert [s["assertion"] for s in answer["spans"]] == ["negated", "family"]  # type: ignore[attr-defined]
    assert [s["historical"] for s in answer["spans"]] == [True, True]  # type: ignore[attr-defined]
    assert [s["family"] for s in answer["spans"]] == [False, True]  # type: ignore[attr-defined]
    assert set(answer) == {"sections", "mentions", "spans"}


@pytest.mark.parametrize(
    "bad",
    [
        "{not json",
        "[]",
        {"text": 3},
        {"text": "a", "spans": [[0, 9]]},
        {"text": "a", "spans": [[1, 0]]},
        {"text": "a", "spans": "x"},
        "[" * 20_000,
        '{"text": "a", "spans": [[true, 1]]}',
    ],
)
def test_a_bad_line_is_answered_and_the_others_work(bad: object) -> None:
    code, answers = run({"text": "No fever."}, bad, {"text": "Fever."})
    assert code == 1
    assert "error" in answers[1]
    assert answers[1]["line"] == 2
    assert [m["assertion"] for m in answers[0]["mentions"]] == ["negated"]  # type: ignore[attr-defined]
    assert [m["assertion"] for m in answers[2]["mentions"]] == ["present"]  # type: ignore[attr-defined]


def test_a_wrong_encoding_is_answered() -> None:
    raw = io.BytesIO(b'{"text": "caf\xe9"}\n{"text": "Fever."}\n')
    out = io.StringIO()
    assert annotate_command(None, False, io.TextIOWrapper(raw, "utf-8"), out) == 1
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert "byte" in first["error"]
    assert second["mentions"]


def test_no_word_of_a_note_reaches_a_log_or_an_error(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    planted = "xqzplantedtoken"
    _, answers = run(
        f'{{"text": "{planted}',
        {"text": planted, "spans": [[0, 99]]},
        {"text": f"Denies {planted}.", "spans": [[7, 9]]},
        {planted: planted},
    )
    streams = capsys.readouterr()
    errors = json.dumps([a for a in answers if "error" in a])
    assert len([a for a in answers if "error" in a]) == 3
    assert planted not in caplog.text + streams.out + streams.err + errors


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00\x01\xff" * 200,
        "no \ud800 fever \udfff denies \ud83d",
        "İİİ denies fever. ıŞ",
        "[ ] " * 300 + "fever",
        "? " * 500,
        "(-" * 500,
        "no " * 1000 + "fever",
        "\n" * 2000,
        "A: " * 500,
    ],
)
def test_junk_has_a_clear_outcome(language: Language, text: str) -> None:
    found = language.annotate(text)
    assert "".join(text[p.start : p.end] for p in found.sections) == text
    assert "".join(text[p.start : p.end] for p in found.passages) == text


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "PLAN: rest.\n",
        "denies fever, cough; ",
        "no fever ",
        "a",
        "\x00\xff",
        "[ ] cough ",
        "History of stroke in 2010 and then fever. ",
        "Mother had asthma (father) ",
        "A. ",
    ],
)
def test_a_huge_note_takes_linear_work(language: Language, piece: str) -> None:
    text = piece * (10_000_000 // len(piece) // 20)
    found = language.annotate(text)
    assert found.passages[-1].end == len(text)


HOSTILE = {
    "denials": "no chest pain, ",
    "abbreviations": "MS CP RA ",
    "headings": "PLAN:\nold MS here\n",
    "unlisted headings": "Zorb Blax:\nx\n",
    "half surrogates": "\ud800 chest pain \udfff\n",
    "controls": "\x00\x01\x7f\x85\xa0 fever ",
    "one word": "a",
    "blanks": " \t",
    "breaks": "\r\n",
    "commas": ", and ",
    "semicolons": "denies: fever; ",
    "brackets": "[ ] (-) ? ",
    "years": "stroke in 2012 (",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_junk_is_read_in_time_and_its_offsets_hold(language: Language, name: str) -> None:
    """Four times as much takes four times as long, in steps of the interpreter and not by the
    clock."""
    unit = HOSTILE[name]
    short, long = (unit * (size // len(unit)) for size in (4_000, 16_000))
    language.annotate(long)  # what is looked up once is looked up now
    steps = [_steps(lambda text=text: language.annotate(text)) for text in (short, long)]
    assert steps[1] < 4.5 * steps[0] + 5_000
    found = language.annotate(long)
    assert all(0 <= m.start < m.end <= len(long) for m in found.mentions)
    assert [p.start for p in found.sections[1:]] == [p.end for p in found.sections[:-1]]
    assert found.sections[-1].end == len(long)


def _steps(call: Callable[[], object]) -> int:
    """Count the function calls and lines that a call takes."""
    taken = 0

    def trace(frame: object, event: str, arg: object) -> object:
        nonlocal taken
        taken += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        call()
    finally:
        sys.settrace(before)
    return taken


def test_a_note_too_long_is_read_at_its_beginning(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "LONGEST", 3_000)
    line = "PLAN:\nWatch the chest pain.\n"
    text = line * 200
    found = language.annotate(text, [(0, 10), (4_000, 5_000)])
    assert found.sections[-1].end == len(text)
    assert 2_900 < found.passages[-1].end <= 3_000
    assert text[found.passages[-1].end - 1] == "\n"
    assert 2_900 < found.mentions[-1].end <= 3_000
    whole = language.annotate(text[: found.passages[-1].end])
    assert found.mentions == whole.mentions
    assert language.annotate("x" * 10_000).passages[-1].end == 3_000


def test_a_note_of_headings_alone_keeps_so_many(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "MOST_SECTIONS", 50)
    text = "PLAN:\nWatch the chest pain.\n" * 200
    found = language.annotate(text)
    assert len(found.sections) == 50
    assert found.sections[-1].end == len(text)
    assert len(found.mentions) == 200


def test_a_note_of_more_passages_than_the_model_can_read_keeps_so_many(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "MOST_PASSAGES", 3)
    text = "Watch the chest pain. " * 200
    found = language.annotate(text)
    assert [p.number for p in found.passages] == [0, 1, 2]
    assert len(found.mentions) == 200


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("She has no appetite.", "loss of appetite", Assertion.PRESENT),
        ("No urine output overnight.", "anuria", Assertion.PRESENT),
        ("Patient denies no energy.", "fatigue", Assertion.NEGATED),
        ("No fever.", "fever", Assertion.NEGATED),
        ("No fever or chills.", "chills", Assertion.NEGATED),
    ],
)
def test_a_no_that_belongs_to_a_name_denies_nothing(
    language: Language, text: str, name: str, label: Assertion
) -> None:
    found = {mention.name: mention.assertion for mention in language.annotate(text).mentions}
    assert found[name] is label
