"""Counts beside an answer as a de-identified view tells them: 1 to 10 not, others rounded.

They are of notes, and no more patients than notes can stand behind one. How many notes were found
is told: they are shown themselves, one by one, and the trail keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from msgspec import structs

from indexing.hidden import told
from rankers.answer import Answer


def coarse(answer: Answer) -> Answer:
    """Return the answer with its facets, left-out notes and wordings counted coarsely."""
    return replace(
        answer,
        facets={
            name: tuple({**each, "count": told(each["count"])} for each in values)
            for name, values in answer.facets.items()
        },
        hidden=few(answer.hidden),
        chips=tuple(
            structs.replace(each, count=None if each.count is None else told(each.count))
            for each in answer.chips
        ),
    )


def few(counts: Mapping[str, int | None]) -> dict[str, int | None]:
    """Return counts as they are told; None for 1 to 10."""
    return {name: None if number is None else told(number) for name, number in counts.items()}
