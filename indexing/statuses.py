"""What a concept's status in a note counts for in the graph: the same in every engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from indexing.model import Assertion
from indexing.ports import AssertionMode, GraphEntry

# When mentions of one concept disagree, the note as a whole is taken to say the first of these.
BEST_FIRST: tuple[Assertion, ...] = (
    Assertion.PRESENT,
    Assertion.UNCERTAIN,
    Assertion.HISTORICAL,
    Assertion.NEGATED,
    Assertion.FAMILY,
    Assertion.HYPOTHETICAL,
    Assertion.NOT_ASSESSED,
)

# A doubtful or past finding is found too, below one that stands.
COUNTED: Mapping[AssertionMode, Mapping[Assertion, float]] = {
    "present": {Assertion.PRESENT: 1.0, Assertion.UNCERTAIN: 0.6, Assertion.HISTORICAL: 0.5},
    "negated": {Assertion.NEGATED: 1.0},
    "any": dict.fromkeys(Assertion, 1.0),
}

SATURATION = 1.0  # mentions at which half of a concept's weight is reached


@dataclass(frozen=True, slots=True)
class Standing:
    """A concept in a note: what the note says of it, and how often it says so."""

    concept_id: str
    status: Assertion
    mentions: int


def standings(entry: GraphEntry) -> list[Standing]:
    """Return each concept of a document once, by concept id."""
    counts: dict[str, Counter[Assertion]] = {}
    for mention in entry.mentions:
        counts.setdefault(mention.concept_id, Counter())[mention.status] += 1
    best = {concept: min(found, key=BEST_FIRST.index) for concept, found in counts.items()}
    return [Standing(c, status, counts[c][status]) for c, status in sorted(best.items())]
