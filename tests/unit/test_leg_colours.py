"""Every part of a score has its colour: in the light, in the dark, and as the system has it."""

from __future__ import annotations

import re

import pytest

from app.answers import SIGNAL_NAMES
from app.pages import folder
from rankers import alike, held, learned
from rankers.answer import LEGS

STYLE = (folder("static") / "style.css").read_text()
RULES = re.findall(r"([^{};]+)\{([^{}]*)\}", STYLE)


def _colour(element: str, leg: str, says: str) -> str:
    """Return the one variable that `says` is set to for an element of a leg."""
    found = {
        value
        for selector, body in RULES
        if element in selector and re.search(rf"\.leg-{leg}\b", selector)
        for value in re.findall(rf"\b{says}: var\((--[\w-]+)\)", body)
    }
    (only,) = found
    return only


@pytest.mark.parametrize("leg", SIGNAL_NAMES)
def test_a_part_of_a_score_is_seen(leg: str) -> None:
    bar, dot = _colour("rect", leg, "fill"), _colour(".dot", leg, "background")
    assert bar == dot
    assert STYLE.count(f"{bar}:") == 3, "defined in each palette"


def test_a_part_of_a_score_is_named() -> None:
    parts = {*LEGS, held.NAME, alike.NAME, learned.PRECEDENT, learned.BASE}
    assert parts <= SIGNAL_NAMES.keys()
