"""Counts as a de-identified view tells them beside an answer."""

from __future__ import annotations

from datetime import UTC, datetime

from indexing.ports import Freshness
from rankers.absence import proof
from rankers.answer import Answer, ShownChip
from rankers.small_cells import coarse, few


def test_counts_below_eleven_are_not_told_and_others_are_rounded() -> None:
    assert few({"negated": 10, "family": 11, "none": 0, "kept": None}) == {
        "negated": None, "family": 10, "none": 0, "kept": None,
    }  # fmt: skip
    answer = Answer(
        chips=(ShownChip("synonym", "a", count=3), ShownChip("synonym", "b", count=47)),
        facets={"type": ({"value": "Letter", "count": 4}, {"value": "Note", "count": 36})},
        hidden={"negated": 2}, total=48, assertion=None, exact=False, hits=(),
    )  # fmt: skip
    told = coarse(answer)
    assert [chip.count for chip in told.chips] == [None, 50]
    assert [each["count"] for each in told.facets["type"]] == [None, 40]
    assert told.hidden == {"negated": None}
    assert told.total == 48


def test_a_proof_of_absence_tells_no_small_count() -> None:
    fresh = Freshness(datetime(2026, 1, 1, 9, tzinfo=UTC), {})
    found = proof(90, 90, fresh, UTC, {"negated": None, "family": 0})
    assert "fewer than 11 deny it" in found.statement
    assert "family" not in found.statement
