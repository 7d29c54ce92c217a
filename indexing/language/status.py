"""What a note says of each concept in the end: later text wins over earlier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from indexing.language.assertion import Assessment
from indexing.model import Assertion, Section


class HasConcept(Protocol):
    """A place in the text and the concept found there."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def concept_id(self) -> str: ...


def statuses(
    text: str,
    sections: Sequence[Section],
    spans: Sequence[HasConcept],
    assessments: Sequence[Assessment],
) -> list[Assertion]:
    """Return the note-level status of each span's concept, in the order of the spans."""
    del text, sections
    latest: dict[str, Assertion] = {}
    for span, judged in zip(spans, assessments, strict=True):
        known = latest.get(span.concept_id)
        latest[span.concept_id] = judged.assertion if known is None else _later(known, judged)
    return [latest[span.concept_id] for span in spans]


_SETTLED: Final = frozenset({Assertion.PRESENT, Assertion.NEGATED, Assertion.HISTORICAL})


def _later(known: Assertion, judged: Assessment) -> Assertion:
    if judged.assertion in _SETTLED or known not in _SETTLED:
        return judged.assertion
    return known
