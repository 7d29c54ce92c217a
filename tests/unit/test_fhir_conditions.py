"""Searches that stand in a Bundle: what is taken, and what is refused rather than half heard."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.fhir.conditions import Criterion, criterion_of, read_criterion
from indexing.fhir.faults import Unusable


@pytest.mark.parametrize(
    ("search", "criterion"),
    [
        ("identifier=urn:mrn|4711", Criterion("Patient", "4711", "urn:mrn")),
        ("identifier=urn%3Amrn%7C4711", Criterion("Patient", "4711", "urn:mrn")),
        ("identifier=4711", Criterion("Patient", "4711", any_system=True)),
        ("identifier=|4711", Criterion("Patient", "4711")),
        (r"identifier=urn:mrn|a\|b\,c", Criterion("Patient", "a|b,c", "urn:mrn")),
        ("_id=p1", Criterion("Patient", "p1", by_id=True)),
    ],
)
def test_what_identifies_one_resource_is_taken(search: str, criterion: Criterion) -> None:
    assert read_criterion("Patient", search) == criterion
    assert criterion_of(f"Patient?{search}") == criterion


@pytest.mark.parametrize(
    "search",
    ["", "identifier", "identifier=", "identifier=urn:mrn|", "identifier=a|b|c", "name=smith",
     "identifier=a|b&name=smith", "identifier=a|b,c|d", "identifier:exact=a|b", "_id=a b",
     "identifier=a|" + "x" * 201],
)  # fmt: skip
def test_what_would_match_too_much_is_refused(search: str) -> None:
    with pytest.raises(Unusable) as caught:
        read_criterion("Patient", search)
    assert "smith" not in str(caught.value)


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_any_identifier_survives_its_escaping(system: str, value: str) -> None:
    def escaped(text: str) -> str:
        for mark in "\\,$|":
            text = text.replace(mark, "\\" + mark)
        return quote(text)

    read = read_criterion("Patient", f"identifier={escaped(system)}|{escaped(value)}")
    assert (read.system, read.value) == (system, value)
