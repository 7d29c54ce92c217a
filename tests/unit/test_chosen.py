"""What was chosen beside a question narrows what is opened, and never opens more."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from indexing.access import Access, Role
from indexing.model import TenantId
from rankers.chosen import within

EVERYBODY = Access(TenantId(uuid4()), "dr", frozenset({Role.CLINICIAN}))


def test_a_chosen_chart_opens_no_closed_one() -> None:
    two = replace(EVERYBODY, patients=frozenset({"a", "b"}))
    assert within(two, ("b", "c")).patients == {"b"}
    assert within(two, ("c",)).patients == frozenset()
    assert within(EVERYBODY, ("c",)).patients == {"c"}
    assert within(two, ()) == two


def test_notes_of_nobody_stay_open_where_they_are_chosen() -> None:
    assert within(EVERYBODY, ("", "a")) == EVERYBODY
