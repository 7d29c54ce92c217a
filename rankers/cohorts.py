"""Cohorts: criteria to sets of patients, with the event that speaks for each, and attrition."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta, tzinfo
from zoneinfo import ZoneInfo

from indexing.access import Access
from indexing.clauses import Clause, Phrase, Ranked, Word
from indexing.cohorts import Coded, CohortRecords, Event, Quote, Records
from indexing.errors import InvalidInput, InvalidQuery
from indexing.features import Profile
from indexing.filters import Filters
from indexing.hidden import tells_age
from indexing.model import TenantId
from indexing.ports import AssertionMode, GraphIndex
from rankers.answer import Answer, SearchRequest
from rankers.cohort_language import Criterion, Definition, Rule, Within, read_definition
from rankers.hierarchy import Hierarchy, bare
from rankers.measured import limits_in
from rankers.neighbours import Asked, Neighbours
from rankers.query import parse, render

SIDE_BY_SIDE = 3  # criteria; each takes a connection of the pool
MOST_NOTES = 100_000  # of one text criterion
# How times are written that this language does not read: "diabetes since 2020".
_TIMED = re.compile(
    r"\b(?:since|after|before|from|until|between|during|in)\b[^\d\n]{0,40}\d{4}", re.IGNORECASE
)
_BY_NAME: frozenset[Records] = frozenset({"medication", "observation"})
Step = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Met:
    """A criterion with who meets it: each patient's events, the one that speaks best first.
    `concepts` and `words` are what to quote of a note."""

    criterion: Criterion
    events: Mapping[str, Sequence[Event]]
    concepts: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who is kept, sorted. `attrition` tells, for each part that all must meet, how many are left
    after it; the first step is everyone."""

    definition: Definition
    members: tuple[str, ...]
    met: Mapping[str, Met]
    attrition: tuple[Step, ...]
    everyone: int


@dataclass(frozen=True, slots=True)
class Cell:
    """What speaks for one criterion of one patient; `event` None where it is not met, or where
    `withheld` by a view that must not tell it."""

    criterion: str
    event: Event | None
    quote: Quote | None = None
    events: int = 0
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One patient's evidence."""

    patient_id: str
    cells: tuple[Cell, ...]


class Cohorts:
    """Evaluates definitions; reads by access, and leaves the audit row to whoever shows it."""

    def __init__(
        self, records: CohortRecords, graph: GraphIndex, hierarchy: Callable[[TenantId], Hierarchy],
        search: Callable[[Access, SearchRequest], Answer], neighbours: Neighbours,
    ) -> None:  # fmt: skip
        self._records, self._graph, self._hierarchy = records, graph, hierarchy
        self._search, self._neighbours = search, neighbours

    def run(
        self, access: Access, source: str,
        screen: Callable[[Criterion], Criterion] = lambda each: each,
    ) -> Cohort:  # fmt: skip
        """Evaluate a definition; `screen` refuses or changes what a view may not ask.

        Raises:
            InvalidQuery: it cannot be read or names what is not known; at its character.
        """
        zone = ZoneInfo(access.time_zone)
        definition = read_definition(source, zone)
        everyone = self._records.everyone(access)
        met: dict[str, Met] = {}
        for found in self._all(access, [screen(each) for each in definition.criteria], zone):
            criterion = found.criterion
            if criterion.within is not None:
                found = _held_within(found, criterion.within, met[criterion.within.other])
            # An open record may be of a closed patient, who must not be counted either.
            open_to = {own: each for own, each in found.events.items() if own in everyone}
            met[criterion.name] = replace(found, events=open_to)
        sets = {name: frozenset(each.events) for name, each in met.items()}
        members = _kept(definition.keep, sets, everyone)
        steps = _attrition(definition, sets, everyone)
        return Cohort(definition, tuple(sorted(members)), met, steps, len(everyone))

    def rows(self, access: Access, cohort: Cohort, members: Sequence[str]) -> list[Row]:
        """Return the evidence of these members, notes quoted."""
        quotes = {
            name: self._quotes(access, met, members) for name, met in cohort.met.items()
        }  # fmt: skip
        return [
            Row(member, tuple(
                _cell(name, met, member, quotes[name]) for name, met in cohort.met.items()
            ))
            for member in members
        ]  # fmt: skip

    def _quotes(self, access: Access, met: Met, members: Iterable[str]) -> Mapping[str, Quote]:
        wanted = [
            events[0].ref.removeprefix("Document/")
            for events in (met.events.get(each, ()) for each in members)
            if events and events[0].ref.startswith("Document/")
        ]
        if not wanted:
            return {}
        return self._records.quotes(access, wanted, met.concepts, met.words)

    def _all(self, access: Access, criteria: Sequence[Criterion], zone: tzinfo) -> Iterator[Met]:
        """Yield each by itself, in order, asked side by side: they wait for the database."""
        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="criterion") as pool:
            yield from pool.map(lambda each: self._met(access, each, zone), criteria)

    def _met(self, access: Access, criterion: Criterion, zone: tzinfo) -> Met:
        match criterion.kind:
            case "condition" | "medication" | "procedure":
                met = self._coded(access, criterion, criterion.kind)
            case "value":
                met = self._valued(access, criterion)
            case "text":
                met = self._texts(access, criterion, zone)
            case "finding":
                met = self._finding(access, criterion)
            case "age" | "sex":
                if access.deidentified and tells_age(*criterion.ages):
                    raise InvalidQuery(
                        "This view tells no age above 89: write 90- for all of them.", criterion.at
                    )
                sex = criterion.what if criterion.kind == "sex" else ""
                found = self._records.people(access, sex, criterion.ages)
                met = _grouped(criterion, [Event(p, None, f"Patient/{p}", criterion.source)
                                           for p in found])  # fmt: skip
            case "similar":
                met = self._similar(access, criterion)
        return met

    def _coded(self, access: Access, criterion: Criterion, records: Records) -> Met:
        coded = self._codes(access, criterion, records)
        events = self._records.events(
            access, records, coded, criterion.date_from, criterion.date_to
        )
        return _grouped(criterion, events)

    def _valued(self, access: Access, criterion: Criterion) -> Met:
        coded = self._codes(access, criterion, "observation")
        limits = limits_in(criterion, self._records.units(access, coded))
        events = self._records.values(
            access, coded, criterion.operator, limits, criterion.date_from, criterion.date_to
        )
        return _grouped(criterion, events)

    def _codes(self, access: Access, criterion: Criterion, records: Records) -> list[Coded]:
        """Return the tenant's codes that mean what a criterion names, or something narrower.

        Raises: InvalidQuery where neither the terminology nor the records know it.
        """
        hierarchy = self._hierarchy(access.tenant_id)
        wanted = hierarchy.find(criterion.what)
        spelled = criterion.what.casefold()
        names = [spelled]
        if wanted is not None:
            names += [each.casefold() for each in hierarchy.names(wanted)]
        beside = re.compile("|".join(rf"(?<!\w){re.escape(n)}(?!\w)" for n in names if len(n) > 2))
        found = []
        for each in self._records.codes(access, records):
            feature = hierarchy.feature(each.system, each.code, each.display)
            means = wanted is not None and (
                feature == wanted or wanted in hierarchy.ancestors(feature)
            )
            shown = each.display.casefold()
            same = bare(shown) in names or f"{each.system}:{each.code}" == criterion.what
            named = records in _BY_NAME and beside.pattern and beside.search(shown)
            if means or same or named:
                found.append(each)
        # A name that closed records alone hold must read like one that nobody's do.
        if wanted is None and not (found and self._records.seen(access, records, found)):
            raise self._unknown(access, criterion)
        return found

    def _unknown(self, access: Access, criterion: Criterion) -> InvalidQuery:
        like = self._hierarchy(access.tenant_id).like(criterion.what)
        hint = f"Do you mean {', '.join(like)}?" if like else "Write a name or SYSTEM:code."
        if _TIMED.search(criterion.what):
            hint = "A time is written behind the name: in 2023, in 2020..2023 or in >=2020."
        return InvalidQuery(
            f"Neither the terminology nor the records know this {criterion.kind}.",
            criterion.at, hint=hint,
        )  # fmt: skip

    def _texts(self, access: Access, criterion: Criterion, zone: tzinfo) -> Met:
        try:
            parsed = parse(criterion.what, zone=zone)
        except InvalidQuery as exc:
            raise InvalidQuery(str(exc), criterion.at + exc.position, hint=exc.hint) from None
        plain = isinstance(parsed.clause, Word | Ranked) and parsed.filters.empty
        concept = self._hierarchy(access.tenant_id).find(render(parsed.clause)) if plain else None
        if concept is not None:
            return self._named(access, criterion, concept, parsed.assertion or "present")
        words = tuple(_words(parsed.clause))
        q = criterion.what
        if isinstance(parsed.clause, Ranked):  # in a criterion, every word must stand there
            q = " AND ".join(render(each) for each in parsed.clause.clauses)
        filters = Filters(date_from=criterion.date_from, date_to=criterion.date_to)
        request = SearchRequest(
            q, MOST_NOTES, ("lexical",), assertion=parsed.assertion, filters=filters, bare=True
        )
        hits = self._search(access, request).hits
        _all_found(criterion, len(hits))
        events = self._records.notes(access, [hit.doc_id for hit in hits])
        return _grouped(criterion, events, words=words)

    def _named(
        self, access: Access, criterion: Criterion, concept: str, mode: AssertionMode
    ) -> Met:
        """Ask the concept graph: which notes say it, as asked, of their patient."""
        concepts = self._hierarchy(access.tenant_id).below(concept)
        filters = Filters(date_from=criterion.date_from, date_to=criterion.date_to)
        ranking = self._graph.search(
            access, dict.fromkeys(concepts, 1.0), filters, MOST_NOTES, mode
        )
        _all_found(criterion, len(ranking.hits))
        events = self._records.notes(access, [hit.doc_id for hit in ranking.hits])
        return _grouped(criterion, events, concepts)

    def _finding(self, access: Access, criterion: Criterion) -> Met:
        """Take records and notes together."""
        concept = self._hierarchy(access.tenant_id).find(criterion.what)
        if concept is None:
            raise self._unknown(access, criterion)
        said = self._named(access, criterion, concept, "present")
        coded = self._codes(access, criterion, "condition")
        events = list(self._records.events(access, "condition", coded, None, None))
        for found in said.events.values():
            events += found
        return _grouped(criterion, events, said.concepts)

    def _similar(self, access: Access, criterion: Criterion) -> Met:
        asked = self._alike(access, criterion)
        found = self._neighbours.alike(access, asked, criterion.top)
        events = [
            Event(patient, None, "similar", f"likeness {score:.3f}") for patient, score in found
        ]
        return _grouped(criterion, events)

    def _alike(self, access: Access, criterion: Criterion) -> Asked:
        lead, _, own = criterion.what.partition(" ")
        if lead.lower() == "patient" and own.strip():
            return Asked(own.strip())
        try:
            profile: Profile = self._neighbours.of_findings(access.tenant_id, criterion.what)
        except InvalidQuery as exc:
            raise InvalidQuery(str(exc), criterion.at + exc.position, hint=exc.hint) from None
        except InvalidInput as exc:
            raise InvalidQuery(str(exc), criterion.at, hint=exc.hint) from None
        return Asked(None, profile)


def _all_found(criterion: Criterion, notes: int) -> None:
    """Refuse what more notes say than are read: who is counted must be all who meet it."""
    if notes >= MOST_NOTES:
        raise InvalidQuery(
            f"{MOST_NOTES:,} notes or more say this, which is more than are read.", criterion.at,
            hint="Say it more narrowly, or add a period: in 2024.",
        )  # fmt: skip


def _words(clause: Clause) -> Iterable[str]:
    """Yield the words and phrases of a query, to be quoted."""
    if isinstance(clause, Word):
        yield clause.text.rstrip("*")
    elif isinstance(clause, Phrase):
        yield " ".join(clause.words)
    for part in getattr(clause, "clauses", ()):
        yield from _words(part)


def _grouped(
    criterion: Criterion, events: Iterable[Event], concepts: frozenset[str] = frozenset(),
    words: tuple[str, ...] = (),
) -> Met:  # fmt: skip
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.patient_id, []).append(event)
    return Met(criterion, found, concepts, words)


def _held_within(met: Met, within: Within, other: Met) -> Met:
    """Keep the events that lie so near to one of the other criterion's."""
    span = timedelta(days=within.days)
    before = span if within.where in ("before", "of") else timedelta()
    after = span if within.where in ("after", "of") else timedelta()
    kept: dict[str, Sequence[Event]] = {}
    for patient, events in met.events.items():
        anchors = [each.at for each in other.events.get(patient, ()) if each.at is not None]
        near = [
            each for each in events
            if each.at is not None and any(a - before <= each.at <= a + after for a in anchors)
        ]  # fmt: skip
        if near:
            kept[patient] = near
    return Met(met.criterion, kept, met.concepts, met.words)


def _kept(
    rule: Rule, sets: Mapping[str, frozenset[str]], everyone: frozenset[str]
) -> frozenset[str]:
    parts = [_kept(each, sets, everyone) for each in rule.rules]
    match rule.operator:
        case "name":
            return sets[rule.name]
        case "and":
            return frozenset.intersection(*parts)
        case "or":
            return frozenset.union(*parts)
        case "not":
            return everyone - parts[0]


def _attrition(
    definition: Definition, sets: Mapping[str, frozenset[str]], everyone: frozenset[str]
) -> tuple[Step, ...]:
    left = everyone
    steps = [("everyone", len(left))]
    keep = definition.keep
    for part in keep.rules if keep.operator == "and" else (keep,):
        left &= _kept(part, sets, everyone)
        steps.append((spelled(part), len(left)))
    return tuple(steps)


def spelled(rule: Rule, *, inner: bool = False) -> str:
    """Write a rule as it is typed."""
    if rule.operator == "name":
        return rule.name
    if rule.operator == "not":
        return f"not {spelled(rule.rules[0], inner=True)}"
    text = f" {rule.operator} ".join(spelled(each, inner=True) for each in rule.rules)
    return f"({text})" if inner else text


def _cell(name: str, met: Met, member: str, quotes: Mapping[str, Quote]) -> Cell:
    events = met.events.get(member, ())
    if not events:
        return Cell(name, None)
    best = events[0]
    quote = quotes.get(best.ref.removeprefix("Document/"))
    return Cell(name, best, quote, len(events))
