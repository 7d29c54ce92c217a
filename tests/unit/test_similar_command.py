"""`anamnesis similar` prints what the page says."""

from __future__ import annotations

from app.cli.similar import differs, shares
from rankers.neighbours import Differing, How, Shared, Side


def test_what_both_are_without_is_no_finding_of_theirs() -> None:
    assert shares(Shared("f", "fever", "absent", 1.0)) == "no fever"
    assert shares(Shared("f", "fever", "found", 1.0)) == "fever"
    assert shares(Shared("p", "chest pain", "found", 1.0, "pain")) == "chest pain (there: pain)"


def test_what_sets_two_apart_says_on_which_side_it_holds() -> None:
    def told(how: How, side: Side) -> str:
        return differs(Differing("g", "gout", how, side, 1.0))

    assert told("opposite", "found") == "gout (denied there)"
    assert told("opposite", "absent") == "gout (denied here, found there)"
    assert told("missing", "found") == "gout (not known there)"
    assert told("besides", "absent") == "gout (only there)"
