"""What a chart says beside a line that is not what anybody would take it for."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from app.charts import timeline
from app.pages import environment
from app.standing import came_about, holds, stands
from indexing.charts import Chart, Item, Person
from indexing.dated import dated

THEN = datetime(2020, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "status", "said", "now", "real"),
    [
        ("Condition", "active", "", True, True),
        ("Condition", "", "", True, True),
        ("Condition", "provisional", "provisional", True, True),
        ("Condition", "active · refuted", "refuted", False, True),
        ("Condition", "refuted", "refuted", False, True),
        ("Condition", "resolved", "resolved", False, True),
        ("AllergyIntolerance", "active", "", True, True),
        ("AllergyIntolerance", "", "", True, True),
        ("AllergyIntolerance", "inactive · unconfirmed", "inactive, unconfirmed", False, True),
        ("MedicationRequest", "on-hold", "on hold", True, True),
        ("MedicationRequest", "stopped", "stopped", False, True),
        ("MedicationRequest", "cancelled", "cancelled", False, False),
        ("MedicationStatement", "completed", "", False, True),
        ("MedicationStatement", "not-taken", "not taken", False, False),
        ("Procedure", "completed", "", False, True),
        ("Procedure", "not-done", "not done", False, False),
        ("Encounter", "finished", "", False, True),
        ("Encounter", "planned", "planned", False, False),
    ],
)
def test_a_line_says_what_its_record_says_against_it(
    kind: str, status: str, said: str, now: bool, real: bool
) -> None:
    item = Item(kind, "i", "something", status, start=THEN)
    assert (stands(item), holds(item), came_about(item)) == (said, now, real)


def test_what_ended_without_a_status_is_of_the_past() -> None:
    assert not holds(Item("Condition", "i", "measles", start=THEN, end=THEN))


def test_the_card_tells_what_was_refuted_from_what_was() -> None:
    pieces = (
        environment()
        .get_template("patient/_pieces.html")
        .make_module({"spanned": lambda *a, **k: ""})
    )
    items = [
        Item("AllergyIntolerance", "a", "penicillin", "active"),
        Item("AllergyIntolerance", "b", "latex", "refuted"),
        Item("AllergyIntolerance", "c", "eggs", "resolved"),
    ]
    card = str(pieces.card("Allergies", items, 3))  # type: ignore[attr-defined]
    now, _, past = card.partition("<details>")
    assert "penicillin" in now
    assert "latex" not in now
    assert "eggs" not in now
    assert "1 earlier, 1 refuted</summary>" in past
    assert '<span class="says">refuted</span>' in past


def test_the_timeline_says_that_a_procedure_was_not_done() -> None:
    skipped = Item("Procedure", "p", "colonoscopy", "not-done", start=THEN)
    chart = Chart(Person("p", "P"), [], [], [], [], [skipped], [], [], None)
    [(_, [entry])] = timeline(chart, UTC)
    assert (entry.text, entry.stands) == ("colonoscopy", "not done")


def test_who_died_is_not_given_the_age_of_today() -> None:
    context = {"dated": partial(dated, zone=UTC), "now": THEN}
    pieces = environment().get_template("search/_pieces.html").make_module(context)
    born: dict[str, Any] = {
        "birth_start": date(1950, 4, 1),
        "birth_end": date(1950, 5, 1),
        "sex": "female",
    }
    died = Person(
        "p", "Ann", deceased=True, deceased_start=THEN, deceased_end=THEN + timedelta(1), **born
    )
    told = [
        " ".join(re.sub("<[^>]+>", "", str(pieces.person(each, "p"))).split())  # type: ignore[attr-defined]
        for each in (Person("p", "Ann", **born), died, Person("p", "Ann", deceased=True, **born))
    ]
    assert told == ["Ann female, 70 y", "Ann female, died 2020-05-06", "Ann female, died"]
