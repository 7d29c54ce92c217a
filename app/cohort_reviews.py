"""What reviewers said of a cohort's evidence, and what of it still stands.

A verdict is about one wording of a criterion and about the evidence that was shown. Another wording
asks again. An acceptance stands while what was accepted still speaks for the criterion, a rejection
while nothing else comes before what was rejected; what does not stand is kept and told as such.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from indexing.cohorts import Bound, CohortHead, Event, Review, Verdict
from indexing.errors import Conflict, InvalidInput, NotFound
from indexing.pseudonyms import Pseudonyms
from rankers.cohort_language import Criterion
from rankers.cohorts import Cohort

Place = tuple[str, str]  # patient, criterion
Why = Literal["wording", "evidence"]
Told = TypeVar("Told")
_MARK = 16  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Earlier:
    """Verdicts that stand no more: what changed, and the cohort's version then (0: unknown)."""

    verdict: Verdict
    why: Why
    version: int
    reviewers: int


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of each cell, by real ids: what stands, what of it is the reader's own, and
    what was said before."""

    standing: Mapping[Place, Mapping[str, int]]
    mine: Mapping[Place, str]
    earlier: Mapping[Place, tuple[Earlier, ...]]


@dataclass(frozen=True, slots=True)
class Marks:
    """Short names of wordings and of evidence: without the installation's secret nobody can tell
    what they name. Pages carry them; evidence by pseudonyms that each list has of its own, as its
    rows have: else two lists could be compared by it."""

    secret: str
    pseudonyms: Pseudonyms

    def wordings(self, criteria: Iterable[Criterion]) -> dict[str, str]:
        """Name what each criterion asks for, whatever it is called and however it is spaced."""
        found: dict[str, str] = {}
        for each in criteria:
            within = each.within
            near = within and (within.days, within.where, found[within.other])
            period = str(each.date_from), str(each.date_to)
            told = (each.kind, " ".join(each.what.split()), each.operator, str(each.number),
                    each.unit, each.ages, each.top, *period, near)  # fmt: skip
            found[each.name] = self._of(repr(told))
        return found

    def evidence(self, event: Event) -> str:
        """Name what speaks for a criterion, as it stands now; likeness moves with everybody's
        data, and is one and the same evidence."""
        words = "" if event.ref == "similar" else event.words
        at = event.at.timestamp() if event.at else None
        return self._of(repr((event.ref, at, words, event.edition)))

    def shown(self, wording: str, event: Event, apart: str) -> str:
        """Return the mark of a cell in the list that is named `apart`."""
        return f"{wording}.{self.pseudonyms.of('evidence', self.evidence(event), apart)}"

    def read(self, mark: str) -> tuple[str, str]:
        """Return the wording and the evidence that a cell's mark names.

        Raises: InvalidInput: it is none.
        """
        wording, _, evidence = mark.partition(".")
        try:
            return wording, self.pseudonyms.real("evidence", evidence)
        except NotFound:
            raise InvalidInput("what was judged is not named",
                               hint="judge on the cohort's page") from None  # fmt: skip

    def _of(self, told: str) -> str:
        named = hmac.digest(self.secret.encode(), b"verdict:" + told.encode(), "sha256")
        return named.hex()[:_MARK]


def said_of(reviews: Sequence[Review], found: Cohort, marks: Marks, reader: str) -> Said:
    """Hold every verdict against what is found now."""
    wordings = marks.wordings(found.definition.criteria)
    standing: dict[Place, Counter[str]] = {}
    before: dict[Place, Counter[tuple[Verdict, Why, int]]] = {}
    mine: dict[Place, str] = {}
    for each in reviews:
        place = each.patient_id, each.criterion
        met = found.met.get(each.criterion)
        events = () if met is None else met.events.get(each.patient_id, ())
        if why := _fallen(each, wordings.get(each.criterion), events, marks):
            told = each.verdict, why, each.bound.version
            before.setdefault(place, Counter())[told] += 1
            continue
        standing.setdefault(place, Counter())[each.verdict] += 1
        if each.reviewer == reader:
            mine[place] = each.verdict
    earlier = {
        place: tuple(Earlier(*told, n) for told, n in counted.items())
        for place, counted in before.items()
    }
    return Said(standing, mine, earlier)


def _fallen(
    review: Review, wording: str | None, events: Sequence[Event], marks: Marks
) -> Why | None:
    """Say why a verdict does not stand any more, None where it does."""
    if review.bound.wording != wording:
        return "wording"
    speaking = events if review.verdict == "accept" else events[:1]
    same = any(marks.evidence(event) == review.bound.evidence for event in speaking)
    return None if same else "evidence"


def first_unjudged(
    found: Cohort, members: Sequence[str], untold: frozenset[str], said: Said, size: int
) -> int | None:
    """Return where the page begins that holds the first cell which this reader may judge and has
    not; None where there is none."""
    open_cells = {name: met.events for name, met in found.met.items() if name not in untold}
    for at, member in enumerate(members):
        if any(member in met and (member, name) not in said.mine
               for name, met in open_cells.items()):  # fmt: skip
            return at // size * size if size else at
    return None


def of_shown(
    told: Mapping[Place, Told], shown: Mapping[str, str], untold: frozenset[str]
) -> dict[Place, Told]:
    """Leave what is told of the rows shown, by the ids of the view."""
    return {
        (shown[patient], criterion): each
        for (patient, criterion), each in told.items()
        if patient in shown and criterion not in untold
    }


def bound_of(judged: tuple[str, str], head: CohortHead, wording: str) -> Bound:
    """Bind a verdict to what was judged, by the wording and the evidence of its mark.

    Raises: Conflict: the criterion was worded otherwise on the page that was judged.
    """
    if judged[0] != wording:
        raise Conflict("the criterion was changed since this page was opened",
                       hint="open the cohort again and look at its evidence")  # fmt: skip
    return Bound(*judged, head.version)
