"""Cohorts as somebody may see them: in ids of the view, small counts masked, every look audited."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from app.cohort_reviews import (
    Earlier,
    Marks,
    Place,
    Said,
    bound_of,
    first_unjudged,
    of_shown,
    said_of,
)
from app.services import Services
from app.views import View, view_of
from indexing.access import Access
from indexing.cohorts import CohortHead, CohortRunRow, Event, Verdict
from indexing.dated import shifted
from indexing.errors import InvalidInput, InvalidQuery, NotFound
from indexing.hidden import Identity, told
from indexing.pseudonyms import Pseudonyms
from rankers.cohort_language import Criterion, line_of, read_definition
from rankers.cohorts import Cell, Cohort, Row
from rankers.query import parse, render
from rankers.screen import units

PAGE = 25  # rows of evidence at a time
LONGEST_NAME = 80
_WORDED = frozenset({"text", "condition", "medication", "procedure", "value", "finding"})
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Count:
    """One step of attrition; `patients` None where there are too few to be told."""

    step: str
    patients: int | None


@dataclass(frozen=True, slots=True)
class Table:
    """One slice of a cohort's evidence in ids of the view. `counts` are the steps of attrition,
    `met` of each criterion by itself; `total` None where there are too few to be told, and then no
    row is: who counts rows has the count. `reviews`, `mine` (of this reader), `earlier` (what does
    not stand any more) and `marks` (what a verdict would be about) are of the cells shown."""

    head: CohortHead | None
    criteria: tuple[Criterion, ...]
    counts: tuple[Count, ...]
    met: tuple[Count, ...]
    total: int | None
    start: int
    rows: tuple[Row, ...]
    names: Mapping[str, str]
    reviews: Mapping[Place, Mapping[str, int]]
    mine: Mapping[Place, str]
    earlier: Mapping[Place, Sequence[Earlier]]
    marks: Mapping[Place, str]
    more: bool
    resume: int | None  # the start of the page with the first cell that this reader has not judged


@dataclass(frozen=True, slots=True)
class Moved:
    """Who came and who left between two runs, by cause; None for too few to be told."""

    base: CohortRunRow
    run: CohortRunRow
    entered: int | None
    left: int | None
    causes: Mapping[str, int | None]
    entered_ids: tuple[str, ...]
    left_ids: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what the command and the API answer."""
        return {
            "base": _run_json(self.base), "run": _run_json(self.run), "entered": self.entered,
            "left": self.left, "causes": self.causes, "entered_ids": self.entered_ids,
            "left_ids": self.left_ids,
        }  # fmt: skip


class CohortDesk:
    """One person's work with cohorts."""

    def __init__(self, own: Services, access: Access) -> None:
        self.own, self.access = own, access
        self.view: View = view_of(own, access)

    def evaluate(self, definition: str) -> Cohort:
        """Run a definition. Raises: InvalidQuery, at its character; the hint tells the line."""
        try:
            return self.own.cohorts.run(self.access, definition, self._screened)
        except InvalidQuery as exc:
            line, column = line_of(definition, exc.position)
            place = f"line {line}, character {column}"
            hint = f"{place}. {exc.hint}" if exc.hint else place
            raise InvalidQuery(str(exc), exc.position, hint=hint) from None

    def _screened(self, criterion: Criterion) -> Criterion:
        """Refuse what this view hides; turn its ids into real ones."""
        if criterion.kind == "similar" and criterion.what.lower().startswith("patient "):
            shown = criterion.what[8:].strip()
            try:
                real = self.own.charts.standing(self.access, self.view.patient_id(shown))
            except NotFound:
                raise InvalidQuery("No such patient is open to you.", criterion.at) from None
            return replace(criterion, what=f"patient {real}")
        if not self.access.deidentified:
            return criterion
        if criterion.date_from or criterion.date_to:
            raise InvalidQuery("Dates are shifted in this view and cannot be asked for.",
                               criterion.at)  # fmt: skip
        if criterion.kind in _WORDED and not self._all_shown(criterion):
            raise InvalidQuery("Words that no note of this view shows cannot be asked for.",
                               criterion.at + self._first_hidden(criterion),
                               hint="Leave them out, or ask by a concept's name.")  # fmt: skip
        return criterion

    def _first_hidden(self, criterion: Criterion) -> int:
        """Return where the first word or phrase stands that this view does not show, in what is
        asked for. Raises: InvalidQuery, where that does not read."""
        if criterion.kind != "text":
            return 0
        try:
            clause = parse(criterion.what, zone=ZoneInfo(self.access.time_zone)).clause
        except InvalidQuery as exc:
            raise InvalidQuery(str(exc), criterion.at + exc.position, hint=exc.hint) from None
        every = (unit for unit in units(clause) if not self.view.question(render(unit)))
        return next((unit.start for unit in every), 0)

    def _all_shown(self, criterion: Criterion) -> bool:
        """Say whether what is asked for holds no word that this view hides: in notes, or in what a
        record says in words of its own."""
        text = criterion.what
        if criterion.kind != "text":
            text = " ".join(_WORD.findall(text))
        kept = self.view.question(text)
        return kept != "" and len(kept.split()) >= len(text.split())

    def save(self, name: str, definition: str) -> CohortHead:
        """Keep a definition that can be run. Raises: InvalidInput, InvalidQuery."""
        name = " ".join(name.split())
        kept = {head.name for head in self.own.cohort_store.heads(self.access)}
        if not name or len(name) > LONGEST_NAME or not (name.isprintable() or name in kept):
            raise InvalidInput(f"a cohort's name has 1 to {LONGEST_NAME} printable characters")
        self.evaluate(definition)
        return self.own.cohort_store.save(self.access, name, definition)

    def run(self, head: CohortHead) -> tuple[Cohort, CohortRunRow]:
        """Run a saved cohort and keep what it found."""
        found = self.evaluate(head.definition)
        run = CohortRunRow(
            str(uuid4()), head.cohort_id, head.version, datetime.now().astimezone(),
            self.access.user_id, *self.own.versions(self.access.tenant_id), found.members,
            {"attrition": [list(step) for step in found.attrition]},
        )  # fmt: skip
        self.own.cohort_store.keep(self.access, run)
        return found, run

    def table(
        self, found: Cohort, head: CohortHead | None = None, start: int = 0, size: int = PAGE
    ) -> Table:
        """Return a slice of the evidence, with its audit row written first."""
        apart = self._apart(found, head)
        every = () if self.told(len(found.members)) is None else self.ordered(found, head)
        start = max(0, min(start, max(len(every) - 1, 0)))
        members = every[start : start + size]
        cells = self.own.cohorts.rows(self.access, found, members)
        key = head.cohort_id if head else ""
        detail = {"members": len(found.members), "shown": len(members)}
        self.own.cohort_store.shown(self.access, "cohort-evidence", members, key, detail)
        said, untold = self._said(found, head), self.untold(found)
        shown = {each: self.view.shown_patient(each, apart) for each in members}
        rows = tuple(self._shown_rows(cells, untold, shown, apart))
        people = {} if self.access.deidentified else self.own.charts.people(
            self.access, members, members)  # fmt: skip
        return Table(
            head, found.definition.criteria,
            tuple(Count(step, self.told(n)) for step, n in found.attrition),
            tuple(Count(name, self.told(len(met.events))) for name, met in found.met.items()),
            self.told(len(found.members)), start, rows,
            {each: people[each].name for each in members if each in people},
            of_shown(said.standing, shown, untold), of_shown(said.mine, shown, untold),
            of_shown(said.earlier, shown, untold), self._marks(found, shown, apart),
            start + size < len(every), first_unjudged(found, every, untold, said, size),
        )  # fmt: skip

    def _apart(self, found: Cohort, head: CohortHead | None) -> str:
        """Name the list whose rows go by names of their own: a version of a cohort, whose exports
        can be told apart from no other list's; or a question of this reader's."""
        if head is not None:
            return f"cohort:{head.cohort_id}:{head.version}"
        return f"question:{self.access.user_id}:{found.definition.source}"

    def ordered(self, found: Cohort, head: CohortHead | None) -> tuple[str, ...]:
        """Return the members in the order of the ids of this view, which tells nothing else."""
        if not self.access.deidentified:
            return found.members
        apart = self._apart(found, head)
        return tuple(sorted(found.members, key=lambda each: self.view.shown_patient(each, apart)))

    def shown_members(self, found: Cohort, head: CohortHead | None) -> Mapping[str, str]:
        """Return the id of each member in this list, by the real one."""
        apart = self._apart(found, head)
        return {each: self.view.shown_patient(each, apart) for each in found.members}

    def shown_member(self, patient_id: str, found: Cohort, head: CohortHead) -> str:
        """Return the id of a member in this cohort's lists."""
        return self.view.shown_patient(patient_id, self._apart(found, head))

    def _said(self, found: Cohort, head: CohortHead | None) -> Said:
        reviews = self.own.cohort_store.reviews(self.access, head.cohort_id) if head else ()
        return said_of(reviews, found, self._naming, self.access.user_id)

    @property
    def _naming(self) -> Marks:
        tenant_id, pepper = self.access.tenant_id, self.own.pepper
        return Marks(f"{pepper}:{tenant_id}", Pseudonyms(pepper, tenant_id))

    def _marks(self, found: Cohort, shown: Mapping[str, str], apart: str) -> dict[Place, str]:
        naming = self._naming
        wordings = naming.wordings(found.definition.criteria)
        return {
            (shown[each], name): naming.shown(wordings[name], met.events[each][0], apart)
            for name, met in found.met.items()
            for each in shown if met.events.get(each)
        }  # fmt: skip

    def told(self, count: int) -> int | None:
        """Return a count as this view tells it."""
        if not self.access.deidentified:
            return count
        return told(count)

    def untold(self, found: Cohort) -> frozenset[str]:
        """Name the criteria that so few of the members meet, or do not meet, that their cells
        would tell how many."""
        if not self.access.deidentified:
            return frozenset()
        members = frozenset(found.members)
        met = {name: len(members & each.events.keys()) for name, each in found.met.items()}
        few = (name for name, n in met.items() if None in (told(n), told(len(members) - n)))
        return frozenset(few)

    def _shown_rows(
        self, rows: Sequence[Row], untold: frozenset[str], shown: Mapping[str, str], apart: str
    ) -> Sequence[Row]:
        if not self.access.deidentified or not rows:
            return rows
        hider = self.own.hider(self.access)
        known = self.own.identities.of(self.access, [row.patient_id for row in rows])

        def cell(each: Cell, row: Row) -> Cell:
            identity = known.get(row.patient_id, Identity())
            if each.criterion in untold:
                return Cell(each.criterion, None, withheld=True)
            shift = hider.pseudonyms.shift(row.patient_id, apart)
            event, quote = each.event, each.quote
            if event is not None:
                event = replace(
                    event, ref=_kind(event), words=hider.words(event.words, identity, shift),
                    at=event.at and shifted(event.at, shift, hider.zone, event.width),
                    patient_id=shown[row.patient_id],
                )  # fmt: skip
            if quote is not None:
                quote = replace(quote, text=hider.words(quote.text, identity, shift))
            return replace(each, event=event, quote=quote)

        return [Row(shown[row.patient_id], tuple(cell(c, row) for c in row.cells)) for row in rows]

    def review(self, head: CohortHead, shown: str, criterion: str, verdict: str, mark: str) -> None:
        """Keep this reader's word on a cell that bears that mark; "" takes it back.

        Raises: InvalidInput, NotFound; Conflict where the criterion was worded otherwise.
        """
        words: Mapping[str, Verdict | None] = {"accept": "accept", "reject": "reject", "": None}
        if verdict not in words:
            raise InvalidInput("no such verdict", hint="accept or reject")
        zone = ZoneInfo(self.access.time_zone)
        naming = self._naming
        wordings = naming.wordings(read_definition(head.definition, zone).criteria)
        if criterion not in wordings:  # it is kept, and in the audit: no words of the reader's
            raise InvalidInput("no such criterion", hint=f"there are {', '.join(wordings)}")
        bound = bound_of(naming.read(mark), head, wordings[criterion])
        real = self.own.charts.standing(self.access, self.view.patient_id(shown))
        self.own.cohort_store.review(
            self.access, head.cohort_id, real, criterion, words[verdict], bound
        )

    def verdicts(self, head: CohortHead, found: Cohort) -> dict[str, dict[str, Mapping[str, int]]]:
        """Count the verdicts that stand on each patient, by real id and criterion."""
        told: dict[str, dict[str, Mapping[str, int]]] = {}
        untold = self.untold(found)
        for (patient_id, criterion), votes in self._said(found, head).standing.items():
            if criterion not in untold:
                told.setdefault(patient_id, {})[criterion] = votes
        return told

    def votes(self, head: CohortHead, shown: str, criterion: str, mark: str) -> Counter[str]:
        """Count the verdicts on one cell as it was judged, without finding the cohort again."""
        real = self.own.charts.standing(self.access, self.view.patient_id(shown))
        judged = self._naming.read(mark)
        return Counter(
            each.verdict for each in self.own.cohort_store.reviews(self.access, head.cohort_id)
            if (each.patient_id, each.criterion) == (real, criterion)
            and (each.bound.wording, each.bound.evidence) == judged
        )  # fmt: skip

    def diff(self, head: CohortHead, base: str = "", run: str = "") -> Moved:
        """Compare two kept runs, the last two by default, and say why patients came and left.

        Raises:
            NotFound: there are no two such runs.
        """
        runs = self.own.cohort_store.runs(self.access, head.cohort_id)
        by_id = {each.run_id: each for each in runs}
        newest = by_id.get(run) if run else next(iter(runs), None)
        oldest = by_id.get(base) if base else next(iter(runs[1:2]), None)
        if newest is None or oldest is None:
            raise NotFound("there are no two such runs to compare",
                           hint="run the cohort again: each run is kept")  # fmt: skip
        before, after = frozenset(oldest.members), frozenset(newest.members)
        entered, left = sorted(after - before), sorted(before - after)
        causes = self._causes(oldest, newest, [*entered, *left])
        named = not self.access.deidentified
        self.own.cohort_store.shown(
            self.access, "cohort-diff", [*entered, *left], head.cohort_id, {"named": int(named)}
        )
        return Moved(
            oldest, newest, self.told(len(entered)), self.told(len(left)),
            {cause: self.told(n) for cause, n in causes.items()},
            tuple(entered) if named else (), tuple(left) if named else (),
        )  # fmt: skip

    def _causes(
        self, base: CohortRunRow, run: CohortRunRow, moved: Sequence[str]
    ) -> Mapping[str, int]:
        """Count why patients moved: another definition moves all it moves; else what was written
        of the patient since; else what else had changed."""
        if not moved:
            return {}
        if base.version != run.version:
            return {"definition": len(moved)}
        written = self.own.cohort_store.changed_since(self.access, moved, base.at)
        causes = Counter({"data": len(written)})
        rest = len(moved) - len(written)
        if base.terminology != run.terminology:
            causes["terminology"] = rest
        elif base.model != run.model:
            causes["model"] = rest
        else:  # likeness and ages move with other patients' data and with time
            causes["data of others or time"] = rest
        return {cause: n for cause, n in causes.items() if n}


def _kind(event: Event) -> str:
    return event.ref.partition("/")[0]


def _run_json(run: CohortRunRow) -> dict[str, Any]:
    return {
        "run_id": run.run_id, "version": run.version, "at": run.at,
        "terminology": run.terminology, "model": run.model,
    }  # fmt: skip
