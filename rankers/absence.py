"""How many notes match; and proof that none does: what was looked through, and until when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import structs

from indexing.access import Access
from indexing.analysis import terms
from indexing.clauses import And, Clause, Or, Phrase, Word
from indexing.errors import EngineUnavailable
from indexing.hidden import SMALLEST_CELL
from indexing.ports import AssertionMode, Documents, Freshness, LexicalIndex, Ranking
from rankers.answer import Absence, Hit
from rankers.cues import Asked, cues
from rankers.plan import Plan
from rankers.query import scopes
from rankers.sift import MOST_READ
from rankers.wants import Want

# How a note speaks of what it does not assert, by the status that keeps it out.
_SAYING = {
    "negated": ("denies it", "deny it"),
    "family": ("says it of the family", "say it of the family"),
    "hypothetical": ("names it as possible only", "name it as possible only"),
    "not_assessed": ("did not assess it", "did not assess it"),
    "otherwise": ("has its words otherwise", "have its words otherwise"),
}

UNSAID: Final = "No note that comes near says this as it is asked."
"""The proof where the notes were read for a value, a time, a side or a person, and none says it."""
UNSAID_SO_FAR: Final = f"{UNSAID[:-1]}; the {MOST_READ} nearest were read."
"""The same where more matched than are read."""


class Prover:
    """What proves an absence: the full text, which knows what it looked through, and the notes."""

    def __init__(self, lexical: LexicalIndex, documents: Documents) -> None:
        self._lexical = lexical
        self._documents = documents

    def names_it(
        self, access: Access, plan: Plan, rankings: Mapping[str, Ranking], hits: Sequence[Hit]
    ) -> bool:
        """Say whether any note that is shown or may be names what a question of nothing but names
        asks about, by its concept or in one of its wordings: "total hip replacement" holds two of
        the words of a total knee replacement, and is none."""
        asked = plan.wants
        if asked.read or asked.covered < 1 or not plan.about.seeds or "graph" not in rankings:
            return True  # told by reading the notes, or by words alone
        names = frozenset(plan.about.seeds).union(*(want.concepts for want in asked.wants))
        if any(not hit.concepts.keys().isdisjoint(names) for hit in hits):
            return True
        worded = [terms(want.words) for want in asked.wants]
        worded += [terms(each.text) for each in plan.wordings if not each.offered]
        spelled = [Word(w[0]) if len(w) == 1 else Phrase(tuple(w)) for w in worded if w]
        either = Or((*spelled, *_allergies(asked.wants)))
        found = [hit.doc_id for hit in hits]
        try:
            return bool(self._lexical.matching(access, either, plan.filters, plan.assertion, found))
        except EngineUnavailable:
            return True

    def prove(
        self,
        access: Access,
        plan: Plan,
        fresh: Freshness | None,
        hidden: Mapping[str, int | None],
        *,
        named: bool,
        total: int,
    ) -> Absence | None:
        """Prove that nothing is there, or that what is `named` is not said as it is asked in what
        was read of the `total` that match; None while the full text, which would know, is down."""
        every = self._documents.total(access) if plan.filters.empty else None
        try:
            [searched] = self._lexical.counts(access, [None], plan.filters)
        except EngineUnavailable:
            return None
        looked = looked_for(plan.parsed.clause, plan.assertion)
        proved = proof(searched, every, fresh, ZoneInfo(access.time_zone), hidden, looked)
        said = UNSAID_SO_FAR if plan.wants.read and total > MOST_READ else UNSAID
        return structs.replace(proved, statement=_so_far(said, fresh)) if named else proved


def _allergies(wants: Iterable[Want]) -> Iterator[Clause]:
    """Yield for each allergy that is asked by its name the thing itself beside any allergy: charts
    list "ALLERGIES: sulfa, latex"."""
    for want in wants:
        for cue in cues(want.words):
            of = terms(want.words[cue.first : cue.last])
            if cue.asked is Asked.ALLERGY and of:
                yield And((Or((Word("allergy"), Word("allergic"))), *map(Word, of)))


def proof(
    searched: int, total: int | None, fresh: Freshness | None, zone: tzinfo,
    hidden: Mapping[str, int | None], looked_for: str = "No mention",
) -> Absence:  # fmt: skip
    """Say in how many notes nothing was found; `total` None where filters let only some through.
    `looked_for`: who asked for a denial, or in one section, is told of that alone."""
    complete = fresh.complete_to if fresh is not None else None
    # With its day: an index that stands since yesterday must not read as one of today.
    until = f", complete to {complete.astimezone(zone):%Y-%m-%d %H:%M}" if complete else ""
    if total is None and not searched:
        statement = (
            f"The filters let no note through{until}. Fields take words of their value, a patient "
            "the whole id; where names are hidden, all take it whole."
        )
        return Absence(_so_far(statement, fresh), 0, 0, complete.isoformat() if complete else None)
    scope = " that the filters let through" if total is None else ""
    of = f"{searched} of {searched if total is None else total} notes{scope}{until}"
    others = [
        f"{f'fewer than {SMALLEST_CELL}' if number is None else number} "
        f"{_SAYING[name][number != 1]}"
        for name, number in hidden.items()
        if number != 0 and name in _SAYING
    ]
    statement = f"{looked_for} in {of}."
    if others:
        statement = f"Not asserted in {of}: {', '.join(others)}."
    return Absence(
        _so_far(statement, fresh), searched, searched if total is None else total,
        complete.isoformat() if complete else None,
    )  # fmt: skip


def _so_far(statement: str, fresh: Freshness | None) -> str:
    """Say how many notes no index could be asked about yet: nothing is proved of them."""
    waiting = max(fresh.pending.values(), default=0) if fresh is not None else 0
    notes = "note is" if waiting == 1 else "notes are"
    return f"{statement[:-1]}; {waiting} {notes} still being indexed." if waiting else statement


def looked_for(clause: Clause, mode: AssertionMode) -> str:
    """Name what a question that found nothing had looked for, as far as it narrows the mention."""
    sections = sorted({scoped.section for scoped in scopes(clause)})
    within = f" under {' or '.join(sections).replace('_', ' ')}," if sections else ""
    return f"No {'denial' if mode == 'negated' else 'mention'}{within}"


def left_out(
    hidden: Mapping[str, int | None],
    rankings: Mapping[str, Ranking],
    hits: Sequence[Hit],
    depth: int,
) -> Mapping[str, int | None]:
    """Count the notes that speak of it without answering, by how. Where nothing is counted and
    reading the notes left none of those with the words to show, they say something else of it:
    another time, value, side or person, or that there is none."""
    words = rankings.get("lexical")
    if hits or words is None or any(hidden.values()):
        return hidden
    return {"otherwise": matches({"lexical": words}, depth)}


def says_it(rankings: Mapping[str, Ranking], hits: Sequence[Hit], seeds: Collection[str]) -> bool:
    """Say whether any note that is shown or may be has the words or the concept itself; near ones
    alone say nothing."""
    words = rankings.get("lexical")
    if words is None or not hits:
        return bool(hits)  # words that were not asked prove nothing
    return bool(words.hits) or any(not hit.concepts.keys().isdisjoint(seeds) for hit in hits)


def matches(rankings: Mapping[str, Ranking], depth: int) -> int:
    """Count every note that matches by words, and those that another leg alone found. Where more
    match by words than the engine names, nobody can tell which those are: they are not added."""
    others = {hit.doc_id for leg in rankings if leg != "lexical" for hit in rankings[leg].hits}
    words = rankings.get("lexical")
    if words is None:
        return len(others)
    named = {hit.doc_id for hit in words.hits} | words.beyond
    total = len(words.hits) if words.total is None else words.total
    every_named = total <= depth + len(words.beyond)
    return total + len(others - named) if every_named else total
