"""Words that named what they do not mean, over the shipped seed."""

from __future__ import annotations

import pytest

from indexing.language.matcher import Matcher
from indexing.language.spelling import spelled_short
from indexing.language.terminology import open_terminology
from indexing.language.terminology.forms import Forms

FALSE = {
    "colostomy", "laminectomy", "epidural anesthesia", "allergic rhinitis", "metabolic acidosis",
    "injury", "acute bronchitis", "eyeglasses", "congestive heart failure",
}  # fmt: skip


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(open_terminology(None))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patient with an ileostomy in place", {"ileostomy"}),
        ("Status post lumbar discectomy", {"discectomy"}),
        ("The procedure was done under spinal anesthesia", {"spinal anesthesia"}),
        ("CHF with an EF of 30%", {"heart failure"}),
        ("Seasonal rhinitis was noted", {"rhinitis"}),
        ("Acidosis was corrected", {"acidosis"}),
        ("The wound was closed in layers", {"wound"}),
        ("Recurrent bronchitis", {"bronchitis"}),
        ("A surgical wound infection", {"wound infection"}),
        ("Ionized calcium 1.2", {"ionized calcium"}),
        ("One glass of wine per day", set()),
    ],
)
def test_a_word_names_what_it_means(matcher: Matcher, text: str, expected: set[str]) -> None:
    names = {span.name for span in matcher.find(f"{text}. {'-' * 120}")}
    assert expected <= names
    assert not names & FALSE


def test_a_verb_is_not_the_one_of_which_there_are_many() -> None:
    forms = Forms.of(["met", "mets", "lesion", "lesions"])
    assert forms.canonical("mets") == "mets"  # MET is a gene
    assert forms.canonical("lesions") == "lesion"


def test_the_plural_of_a_word_is_no_abbreviation() -> None:
    assert not spelled_short("cons", capitals=False, lenient=False)
    assert spelled_short("CONs", capitals=False, lenient=False)


def test_blood_pressure_is_no_other_bp(matcher: Matcher) -> None:
    (span,) = matcher.find(f"BP 144/82. {'-' * 120}")
    assert (span.name, span.ambiguous) == ("blood pressure", False)
    assert matcher.find(f"NO known relatives. {'-' * 120}") == []
