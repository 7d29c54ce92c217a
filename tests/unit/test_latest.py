"""Questions for the newest of what they name."""

from __future__ import annotations

from datetime import UTC

import pytest

from indexing.clauses import Ranked, Word
from rankers.latest import asks_for_latest
from rankers.lexical import prepared
from rankers.query import parse


@pytest.mark.parametrize(
    ("query", "latest"),
    [
        ("latest hemoglobin", True), ("most recent echo", True), ("Last seizure", True),
        ("chest pain last year", False), ("last 3 months cough", False), ("last name", False),
        ("translatest", False), ("at long last", False), ("latest", False), ("last", False),
        ("Last known well", False), ("when was her last colonoscopy", True),
        ("his last 2 admissions", False), ("fall last winter", False), ("last monday", False),
        ("last winter fall", False), ("last seen normal", False), ("last rites", False),
        ('"last dose"', False), ('"latest" mri', False), ("mri NOT latest", False),
        ("latest (mri OR ct)", True), ("section:plan (latest mri)", True), ("latest (mri", False),
        ("when was the last colonoscopy", True), ("date of last colonoscopy", True),
        ("when did he last have a seizure", True), ("when was insulin last given", True),
        ("when was warfarin last", True), ("mr smith's last echo", True), ("show last EF", True),
        ("date of the most recent INR", True), ("when most recently admitted", True),
        ("pain since last visit", False), ("pain over the last 3 weeks", False),
        ("seizures in the last year", False), ("when was she last seen normal", False),
        ("when to stop warfarin", False), ("results from last admission", False),
        ("the last resort", False), ("closing the last gap", False),
        ("and most recently pain", False), ("first and last dose", False),
        ("latest labs were reviewed " + "and the patient was seen again " * 4, False),
    ],
)  # fmt: skip
def test_who_asks_for_the_latest_is_told_the_newest_first(query: str, latest: bool) -> None:
    assert asks_for_latest(query) is latest


def test_words_that_only_order_are_asked_of_no_index() -> None:
    for query, words in (("latest chest rash", ["chest", "rash"]),
                         ("latest rash last year", ["rash", "last", "year"]),
                         ("when was her last rash", ["rash"]), ("his last rash", ["rash"]),
                         ("date of the last rash", ["rash"]), ("last time of rash", ["rash"]),
                         ("when did a rash last spread", ["rash", "spread"]),
                         ("time to rash at latest", ["time", "rash"])):  # fmt: skip
        clause = prepared(parse(query, zone=UTC).clause)
        parts = clause.clauses if isinstance(clause, Ranked) else (clause,)
        assert [each.text for each in parts if isinstance(each, Word)] == words
