"""From what was asked to what every leg is told: the parsed tree, its other wordings, its
concepts."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from indexing.clauses import Clause, Phrase, Word
from indexing.filters import Filters
from indexing.language.assertion import NONE_KNOWN
from indexing.language.matcher import Matcher
from indexing.language.terminology import Terminology
from indexing.ports import AssertionMode
from indexing.views import IMPLIED
from rankers import graph, lexical, vector
from rankers.answer import LEGS, SearchRequest, ShownChip
from rankers.asked import with_asked
from rankers.chosen import both, chosen, every, periods
from rankers.cues import ELSEWHERE, Asked, cues
from rankers.expand import Expanded, Expander, Wording
from rankers.fusion import SHARES, Share
from rankers.latest import newest_words
from rankers.offers import Links, Offer, offered
from rankers.query import ParsedQuery, has_or, is_pasted, leaves, parse, scopes
from rankers.snippets import Wanted, wanted
from rankers.spelling import Held, respelled
from rankers.values import Known, Meant, meant
from rankers.wants import Reader, Wants

MOST_WORDINGS = 24  # shown and counted; more of them still rank
MOST_KEPT = 64  # plans: as many people as ask at once


@dataclass(frozen=True, slots=True)
class Plan:
    """A question ready to be asked: `clause` for the words, `constraint` for every other leg,
    `wants` for what was found."""

    request: SearchRequest
    parsed: ParsedQuery
    wordings: tuple[Wording, ...]
    clause: Clause
    constraint: Clause | None
    filters: Filters
    assertion: AssertionMode
    about: graph.Concepts
    legs: tuple[str, ...]
    depth: int
    wants: Wants
    walked: AssertionMode  # what the graph is asked for
    meant: str  # what the model is given
    zone: tzinfo  # the tenant's, by whose calendar dates are told
    kept: dict[str, Wanted] = field(default_factory=dict, compare=False, repr=False)

    def wanted(self) -> Wanted:
        """Say what a snippet should show; made once for the page and the one that follows."""
        found = self.kept.get("wanted")
        if found is None:
            names = [each.text for each in self.wordings if not each.offered]
            aside = [(c.start, c.end) for c in self.parsed.chips if c.kind in ("cue", "value")]
            aside += newest_words(self.request.q)
            found = wanted(self.parsed.clause, names, self.about.seeds, self.about.weights, aside)
            self.kept["wanted"] = found
        return found

    def chips(
        self, counts: Mapping[str, int], offers: Sequence[tuple[Offer, int]] = ()
    ) -> tuple[ShownChip, ...]:
        """Show the question's pieces, its other wordings, and what is offered; wordings and
        concepts that no note holds are left out."""
        shown = [
            ShownChip(chip.kind, chip.label, chip.start, chip.end, chip.removed)
            for chip in self.parsed.chips
        ]
        for each in self.wordings[:MOST_WORDINGS]:
            count = counts.get(each.id)
            if count != 0:
                label = f"{each.asked} → {each.text}"
                shown.append(
                    ShownChip(
                        each.kind, label, each.start, each.end, self.request.q, each.id, count,
                        each.offered,
                    )
                )  # fmt: skip
        for offer, count in offers:
            if count or offer.respelled:  # another wording of it may still be there
                label = f"{offer.asked} → {offer.text}"
                then = offer.respelled or self.request.q
                shown.append(ShownChip(offer.kind, label, offer.start, offer.end, then, offer.id,
                                       count or None, offered=True))  # fmt: skip
        return tuple(shown)


class Planner:
    """Plans by one terminology; safe to share between threads."""

    def __init__(
        self,
        terminology: Terminology,
        matcher: Matcher,
        links: Links | None = None,
        shares: Mapping[str, Share] = SHARES,
    ) -> None:
        self._terminology, self._matcher, self._links = terminology, matcher, links
        self._expander = Expander(terminology, matcher, shares)
        self._reader = Reader(terminology, matcher)
        self._kept: OrderedDict[str, Plan] = OrderedDict()
        self._lock = threading.Lock()

    def plan(
        self, request: SearchRequest, depth: int, zone: tzinfo, known: Known | None = None
    ) -> Plan:
        """Plan a question whose legs give `depth` hits each; dates in it are of `zone`. Fields
        mean the `known` values that hold their words, else what they say.

        A page is planned when it is asked and again when it is shown: the last plans are kept.

        Raises: InvalidQuery.
        """
        values: Meant = {}
        if known is not None and not (request.plain or is_pasted(request.q)):
            values = meant(request.q, known)
        key = repr((replace(request, k=0), zone, values))
        with self._lock:
            found = self._kept.get(key)
        if found is not None:
            return replace(found, request=request, depth=depth)
        found = self._planned(request, depth, zone, values)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def _planned(self, request: SearchRequest, depth: int, zone: tzinfo, values: Meant) -> Plan:
        parsed = parse(request.q, plain=request.plain, zone=zone, meant=values)
        filters = both(both(parsed.filters, request.filters), chosen(request.only))
        years = periods(request.only.get("period", ()), zone)
        expanded = Expanded(parsed.clause)
        if not parsed.exact:
            rejected, accepted = request.rejected, request.accepted
            expanded = self._expander.expand(request.q, parsed.clause, rejected, accepted)
        clause, constraint = every(expanded.clause, years), every(parsed.constraint, years)
        assert clause is not None  # the query is in it
        legs = tuple(leg for leg in LEGS if leg in request.rankers)
        if parsed.exact:
            legs = tuple(leg for leg in legs if leg != "vector") or legs
        about = graph.Concepts()
        if legs != ("lexical",) or not request.bare:
            taken_up = [each.concept_id for each in expanded.wordings if each.concept_id]
            about = graph.concepts(self._matcher, self._terminology, parsed.text, taken_up)
        said = request.assertion or parsed.assertion
        if said is None and any(map(_denies, leaves(parsed.clause))):
            said = "any"  # what is quoted with its denial is denied where it stands
        implied = any(scoped.section in IMPLIED for scoped in scopes(parsed.clause))
        wants = self._reader.read(
            parsed.text,
            Asked.ANY if implied else _ASKED.get(said or ""),
            either=has_or(parsed.clause),
        )
        mode = said or wants.mode or "present"
        parsed = replace(parsed, chips=with_asked(parsed, wants))
        return Plan(
            request, parsed, expanded.wordings, lexical.prepared(clause), constraint, filters, mode,
            about, legs, depth, wants, "any" if implied else mode,
            vector.meant(parsed.text, about, self._terminology, request.rejected), zone,
        )  # fmt: skip

    def offers(self, plan: Plan, held: Held) -> list[Offer]:
        """Return the concepts that words without a name most likely describe, or how they are
        most likely spelled; `held` counts the notes that hold words."""
        if plan.parsed.exact:
            return []
        request, clause = plan.request, plan.parsed.clause
        meant = respelled(request.q, clause, self._terminology, self._matcher, held)
        if meant is not None or self._links is None:
            return [meant] if meant else []
        settled = (*request.rejected, *request.accepted)
        return offered(request.q, clause, self._terminology, self._matcher, self._links, settled)


_ASKED = {"any": Asked.ANY, "negated": Asked.NEGATED, "present": None}


def _denies(leaf: Word | Phrase) -> bool:
    """Say whether a phrase holds the words that take it out of what a note asserts."""
    words = " ".join(leaf.words) if isinstance(leaf, Phrase) else ""
    told = any(NONE_KNOWN.fullmatch(word) for word in words.split())
    return told or any(cue.asked in ELSEWHERE for cue in cues(words))
