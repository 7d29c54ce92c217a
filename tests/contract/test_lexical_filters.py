"""What every full-text index lets through by filters, fields and access, and how it is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.settings import LexicalBackend
from indexing.access import LABELS
from indexing.filters import Filters
from indexing.ports import LexicalIndex
from tests import engines
from tests.full_text import ACCESS, ALL, TENANT, clause, entry, ids


@pytest.fixture(params=engines.every(LexicalBackend))
def index(
    request: pytest.FixtureRequest, lexical_index: Callable[[str], LexicalIndex]
) -> LexicalIndex:
    return lexical_index(request.param)


@pytest.fixture
def shelved(index: LexicalIndex) -> LexicalIndex:
    """Eight notes with every field, some without."""
    day = datetime(2023, 5, 1, tzinfo=UTC)
    notes = [
        entry("1", "pain", type="Radiology", author="Dr Ångström", patient_id="P1", date_start=day),
        entry("2", "pain", type="radiology", author="lee", patient_id="P2"),
        entry("3", "pain", type="Progress note", patient_id="P1", specialty="Cardiology"),
        entry("4", "pain", labels=frozenset({"PSY"}), patient_id="P3", type="Progress note"),
        entry("5", "pain", labels=frozenset({"made-up"}), patient_id="P3"),
        entry(
            "6",
            "pain",
            date_start=datetime(2022, 1, 1, tzinfo=UTC),
            date_end=datetime(2023, 1, 1, tzinfo=UTC),
        ),
    ]
    index.upsert(TENANT, notes)
    return index


def at(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (ALL, {"1", "2", "3", "6"}),
        (Filters(only={"type": ("RADIOLOGY",)}), {"1", "2"}),
        (Filters(only={"type": ("radiology", "")}), {"1", "2", "6"}),
        (Filters(without={"type": ("radiology",)}), {"3", "6"}),
        (Filters(without={"type": ("",)}), {"1", "2", "3"}),
        (Filters(only={"author": ("DR ÅNGSTRÖM",)}), {"1"}),
        (Filters(only={"patient": ("P1",)}), {"1", "3"}),
        (Filters(only={"patient": ("p1",)}), set()),
        (Filters(only={"patient": ("", "p1", "P2")}), {"2", "6"}),
        (Filters(without={"patient": ("", "P1")}), {"2"}),
        (Filters(only={"patient": ("",)}), {"6"}),
        (Filters(only={"type": ()}), set()),
        (Filters(only={"patient": ("P1",)}, without={"specialty": ("cardiology",)}), {"1"}),
        (Filters(date_from=at(2022, 6)), {"1", "6"}),
        (Filters(date_from=at(2023)), {"1"}),
        (Filters(date_to=at(2023, 5, 1)), {"6"}),
        (Filters(date_from=at(2023, 5, 1), date_to=at(2023, 5, 2)), {"1"}),
        (Filters(date_from=at(2024)), set()),
    ],
)
def test_filters(shelved: LexicalIndex, filters: Filters, found: set[str]) -> None:
    assert ids(shelved, "pain", filters=filters) == found
    assert shelved.counts(ACCESS, [None, clause("pain")], filters) == (len(found), len(found))
    facets = shelved.facets(ACCESS, clause("pain"), filters, "present", 10)
    for counted in facets.values():
        assert sum(each.count for each in counted) == len(found)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("type:radiology", {"1", "2"}),
        ("pain -type:radiology", {"3", "6"}),
        ("type:radiology OR specialty:cardiology", {"1", "2", "3"}),
        ("NOT (type:radiology OR patient:P1)", {"6"}),
        ("date:2022", {"6"}),
        ("pain -date:2022", {"1", "2", "3"}),
        ('author:"Dr Ångström"', {"1"}),
        ('type:""', {"6"}),
    ],
)
def test_fields_in_the_tree(shelved: LexicalIndex, query: str, found: set[str]) -> None:
    assert ids(shelved, query) == found


def test_ids_that_differ_in_case_alone_are_two_patients(index: LexicalIndex) -> None:
    index.upsert(TENANT, [entry(each, "pain", patient_id=each) for each in ("AB1", "ab1")])
    index.upsert(TENANT, [entry("nobody's", "pain")])
    assert ids(index, "pain patient:ab1") == {"ab1"}
    assert ids(index, "pain -patient:ab1") == {"AB1", "nobody's"}
    assert ids(index, "pain", filters=Filters(only={"patient": ("", "AB1")})) == {"AB1", "nobody's"}
    facets = index.facets(ACCESS, clause("pain"), ALL, "present", 9)
    assert {(e.value, e.count) for e in facets["patient"]} == {("AB1", 1), ("ab1", 1), ("", 1)}


def test_facets_count_what_the_access_sees(shelved: LexicalIndex) -> None:
    facets = shelved.facets(ACCESS, clause("pain"), ALL, "present", 10)
    shown = {name: [(e.value, e.count) for e in values] for name, values in facets.items()}
    assert shown["type"][0] in (("Radiology", 2), ("radiology", 2))
    assert shown["type"][1:] == [("", 1), ("Progress note", 1)]
    assert shown["patient"] == [("P1", 2), ("", 1), ("P2", 1)]
    assert shown["period"] == [("", 2), ("2022", 1), ("2023", 1)]
    cut = shelved.facets(ACCESS, clause("pain"), ALL, "present", 1)
    assert [len(values) for values in cut.values()] == [1] * 5


def test_access_closes_labels_and_patients(shelved: LexicalIndex) -> None:
    cleared = replace(ACCESS, labels=frozenset({"PSY"}))
    assert ids(shelved, "pain", access=cleared) == {"1", "2", "3", "4", "6"}
    other = replace(ACCESS, labels=frozenset({"OTHER"}))
    assert ids(shelved, "pain", access=other) == {"1", "2", "3", "5", "6"}
    every = replace(ACCESS, labels=LABELS)
    assert ids(shelved, "pain", access=every) == {"1", "2", "3", "4", "5", "6"}
    one = replace(ACCESS, patients=frozenset({"P1", "P3"}))
    assert ids(shelved, "pain", access=one) == {"1", "3"}
    nobody = replace(ACCESS, patients=frozenset())
    assert ids(shelved, "pain", access=nobody) == set()
    assert shelved.counts(nobody, [None], ALL) == (0,)
    assert shelved.matching(one, clause("pain"), ALL, "any", ["1", "2", "4"]) == {"1"}
    facets = shelved.facets(one, clause("pain"), ALL, "present", 9)
    assert [(e.value, e.count) for e in facets["patient"]] == [("P1", 2)]
