"""Treatments that were prescribed and are not taken; candidates for one, and who is none."""

from __future__ import annotations

import pytest

from indexing.language.pipeline import Language
from rankers.cues import Asked, cues
from rankers.judge import answers, fitting
from rankers.standing import AGAINST, FULLY, PARTLY, SILENT
from rankers.wants import Reader
from tests.notes import note

# How it is asked, of what.
ASKED = [
    ("not taking his blood pressure pills", Asked.UNTAKEN, "blood pressure pills"),
    ("not been taking her insulin", Asked.UNTAKEN, "insulin"),
    ("doesn't take his metoprolol", Asked.UNTAKEN, "metoprolol"),
    ("won't use her CPAP", Asked.UNTAKEN, "CPAP"),
    ("noncompliant with insulin", Asked.UNTAKEN, "insulin"),
    ("non-adherent to warfarin", Asked.UNTAKEN, "warfarin"),
    ("not compliant with dialysis", Asked.UNTAKEN, "dialysis"),
    ("poor compliance with statins", Asked.UNTAKEN, "statins"),
    ("insulin noncompliance", Asked.UNTAKEN, "insulin"),
    ("ran out of metoprolol", Asked.UNTAKEN, "metoprolol"),
    ("out of his warfarin", Asked.UNTAKEN, "warfarin"),
    ("skips her insulin", Asked.UNTAKEN, "insulin"),
    ("missed doses of warfarin", Asked.UNTAKEN, "warfarin"),
    ("misses dialysis", Asked.UNTAKEN, "dialysis"),
    ("forgets to take her levothyroxine", Asked.UNTAKEN, "levothyroxine"),
    ("cannot afford insulin", Asked.UNTAKEN, "insulin"),
    ("couldn't afford insulin", Asked.UNTAKEN, "insulin"),
    ("refuses to take lisinopril", Asked.REFUSED, "lisinopril"),
    ("not on insulin", Asked.NOT_TAKING, "insulin"),
    ("missed abortion", Asked.PRESENT, "missed abortion"),
    ("not a candidate for surgery", Asked.UNFIT, "surgery"),
    ("not felt to be a good candidate for chemotherapy", Asked.UNFIT, "chemotherapy"),
    ("not a surgical candidate", Asked.UNFIT, "surgical"),
    ("poor candidate for chemotherapy", Asked.UNFIT, "chemotherapy"),
    ("poor surgical candidate", Asked.UNFIT, "surgical"),
    ("ineligible for chemotherapy", Asked.UNFIT, "chemotherapy"),
    ("candidate for surgery", Asked.FIT, "surgery"),
    ("excellent surgical candidate", Asked.FIT, "surgical"),
    ("eligible for chemotherapy", Asked.FIT, "chemotherapy"),
    ("liver transplant candidate", Asked.FIT, "liver transplant"),
]


@pytest.mark.parametrize(("query", "asked", "words"), ASKED)
def test_how_it_is_asked(reader: Reader, query: str, asked: Asked, words: str) -> None:
    (want,) = reader.read(query).wants
    assert (want.asked, want.words) == (asked, words)


@pytest.mark.parametrize(
    "query",
    [
        "candidate genes for obesity", "noncompliant with diet", "unfit for human consumption",
        "not fit for duty", "eligible for Medicaid", "unsuitable for driving",
    ],
)  # fmt: skip
def test_what_is_asked_otherwise(reader: Reader, query: str) -> None:
    found = {want.asked for want in reader.read(query).wants}
    assert found.isdisjoint({Asked.FIT, Asked.UNFIT, Asked.UNTAKEN})


TAKES = "He takes lisinopril 10 mg daily."


def test_both_parts_of_no_candidate_say_so() -> None:
    for query in ("not a surgical candidate", "poor liver transplant candidate"):
        assert [cue.asked for cue in cues(query)] == [Asked.UNFIT, Asked.UNFIT]
    (cue,) = cues("surgical candidate")
    assert cue.asked is Asked.FIT


UNTAKEN = [
    "He is noncompliant with his lisinopril.",
    "He has not been compliant with lisinopril.",
    "Poor compliance with lisinopril.",
    "He ran out of his lisinopril two weeks ago.",
    "Has been out of lisinopril since May.",
    "He skips his lisinopril.",
    "Missed several doses of lisinopril.",
    "He often misses his lisinopril.",
    "Forgot to take lisinopril.",
    "Off of his lisinopril for a month.",
    "Lisinopril 10 mg b.i.d. but he often skips it.",
    "He has not been taking lisinopril.",
    "He didn't fill the lisinopril.",
    "Stopped taking lisinopril.",
    "He refuses to take lisinopril.",
    "Unable to afford lisinopril.",
    "Has not started lisinopril due to the cost.",
    "He self-discontinued lisinopril.",
    "Stopped lisinopril abruptly on his own.",
]


@pytest.mark.parametrize("told", UNTAKEN)
def test_a_note_that_says_so_comes_first(language: Language, reader: Reader, told: str) -> None:
    wants = reader.read("not taking his lisinopril")
    assert answers(note(language, told), wants) == FULLY
    assert answers(note(language, TAKES), wants) == AGAINST


def test_what_says_it_less_stands_behind(language: Language, reader: Reader) -> None:
    wants = reader.read("not taking his lisinopril")
    in_general = note(language, f"{TAKES} History of medication noncompliance.")
    assert answers(in_general, wants) == PARTLY
    (place,) = fitting(in_general, wants.wants[0])
    assert in_general.document.text[place.start : place.end] == "medication noncompliance"
    assert answers(note(language, "Noncompliant with medications."), wants) == PARTLY
    assert answers(note(language, "He is not on lisinopril."), wants) == PARTLY
    assert answers(note(language, "A cough since May."), wants) == SILENT


@pytest.mark.parametrize(
    "told",
    [
        "You should not take lisinopril before the scan. He takes lisinopril.",
        "His father is noncompliant with lisinopril. He takes lisinopril.",
        "He misses his wife. He takes lisinopril.",
        "He stopped taking it. Lisinopril goes on.",
        "He was out of breath, takes lisinopril.",
        "He cannot take beta blockers, takes lisinopril.",
        "No medication noncompliance. He takes lisinopril.",
    ],
)
def test_what_does_not_say_so(language: Language, reader: Reader, told: str) -> None:
    assert answers(note(language, told), reader.read("not taking his lisinopril")) == AGAINST


FIT = [
    "He is an excellent candidate for surgery.",
    "He is felt to be a surgical candidate.",
    "Eligible for surgery.",
]
UNFIT = [
    "He is not a candidate for surgery.",
    "She is not considered a surgical candidate.",
    "I do not think she is a good candidate for surgery.",
    "A poor surgical candidate.",
    "He was deemed unfit for surgery.",
    "Inoperable, surgery was not offered.",
]


@pytest.mark.parametrize(("told", "fit"), [*((t, True) for t in FIT), *((t, False) for t in UNFIT)])
@pytest.mark.parametrize(
    ("query", "asks_fit"),
    [
        ("candidate for surgery", True), ("surgical candidate", True),
        ("not a candidate for surgery", False), ("not a surgical candidate", False),
    ],
)  # fmt: skip
def test_a_candidate_is_none_who_is_told_to_be_none(
    language: Language, reader: Reader, told: str, query: str, fit: bool, asks_fit: bool
) -> None:
    told_so = answers(note(language, told), reader.read(query))
    assert told_so == FULLY if fit is asks_fit else told_so <= SILENT


def test_a_candidate_is_told_of(language: Language, reader: Reader) -> None:
    wants = reader.read("not a candidate for surgery")
    assert answers(note(language, "He had surgery in May."), wants) == SILENT
    asked = "Questions were whether or not she would be a candidate for surgery."
    assert answers(note(language, asked), wants) == AGAINST
    idle = "Since surgery she is unfit for work and not fit for duty."
    assert answers(note(language, idle), wants) == SILENT
    kin = "His mother is not a candidate for surgery."
    assert answers(note(language, kin), wants) <= SILENT
