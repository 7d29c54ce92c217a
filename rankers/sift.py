"""Hits of every leg held against what was asked: by the graph for all, by the notes where needed.

The graph index keeps what each note says of each concept, so that one question about all hits costs
less than a millisecond. Only a question that asks for more (a standing, a number, a dose, a side),
or that names no concept, has the best notes themselves read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from indexing.access import Access
from indexing.analysis import terms
from indexing.clauses import Clause, Or, Phrase, Word
from indexing.ports import Derived, Documents, GraphIndex, LexicalIndex, Ranking
from rankers import judge
from rankers.explain import Fused, ranked
from rankers.near import kept
from rankers.plan import Plan
from rankers.standing import AGAINST, FULLY, SILENT
from rankers.wants import Want, Wants

# How a paragraph says of itself that it was taken over (`indexing.language.status`).
_COPIED = Or(
    tuple(
        Phrase(tuple(words.split()))
        for words in (
            "copied forward", "copied from", "carried forward", "pulled forward", "pasted from",
            "imported from", "prior note", "previous note", "last note", "earlier note",
        )
    )
)  # fmt: skip
READ_AT_ONCE = 24  # notes; most questions are settled by the first lot
MOST_READ = 200  # notes of one question


class Sifter:
    """Reads from the engines of one search; safe to share between threads."""

    def __init__(self, lexical: LexicalIndex, graph: GraphIndex, documents: Documents) -> None:
        self._lexical, self._graph, self._documents = lexical, graph, documents

    def settled(
        self, access: Access, plan: Plan, rankings: Mapping[str, Ranking]
    ) -> tuple[dict[str, Ranking], Mapping[str, float]]:
        """Return every leg's hits without those that only deny what is asked, and what the
        standing of the rest takes from their scores. Raises: EngineUnavailable."""
        wants = plan.wants.wants
        settles = bool(wants) and judge.unsettled(plan.wants)
        named = wants if settles else [each for each in wants or plan.wants.beside if each.concepts]
        if not named:
            return dict(rankings), {}
        doc_ids = list({hit.doc_id for ranking in rankings.values() for hit in ranking.hits})
        if not doc_ids:
            return dict(rankings), {}
        standings = self._graph.standings(access, doc_ids, judge.concepts(named))
        if not settles:
            return dict(rankings), judge.lowered(named, standings)
        worded = {
            want.words: self._holding(access, plan, want, judge.doubtful(want, standings))
            for want in wants
            if want.meaning.alike or want.meaning.broader
        }
        settled, weights = judge.settled(rankings, plan.wants, standings, worded)
        copies = self._copies(access, plan, weights)
        if copies and any(
            hit.doc_id not in weights for ranking in settled.values() for hit in ranking.hits
        ):
            settled = {
                leg: kept(r, {h.doc_id for h in r.hits} - copies) for leg, r in settled.items()
            }
        return settled, weights

    def _copies(self, access: Access, plan: Plan, weights: Mapping[str, float]) -> AbstractSet[str]:
        """Return the notes that only repeat what an earlier note says. Few say so of themselves,
        and only those are read."""
        if len(plan.wants.wants) != 1 or plan.wants.read or not weights:
            return frozenset()
        told = self._lexical.matching(access, _COPIED, plan.filters, "any", list(weights))
        notes = self._documents.fetch(access, sorted(told)[:READ_AT_ONCE]) if told else {}
        return {
            doc_id for doc_id, note in notes.items() if judge.answers(note, plan.wants) <= SILENT
        }

    def _holding(
        self, access: Access, plan: Plan, want: Want, doc_ids: Sequence[str]
    ) -> AbstractSet[str]:
        """Return the notes that hold the words asked for, whatever they say of them."""
        words = tuple(terms(want.words))
        if not words or not doc_ids:
            return frozenset()
        clause: Clause = Word(want.words) if len(words) == 1 else Phrase(words)
        return self._lexical.matching(access, clause, plan.filters, "any", doc_ids)

    def sifted(
        self, access: Access, plan: Plan, fused: Sequence[Fused], k: int
    ) -> tuple[tuple[Fused, ...], bool]:
        """Return at most `k` hits that answer, by reading notes until there are as many as the
        request shows; and whether any does in full, or repeats one that did: a note that gives no
        dose is only near to who asks for one."""
        answering: list[Fused] = []
        silent: list[Fused] = []
        repeated = met = False
        at = 0
        # A page that shows as many as are ever read reads them in one lot: nine cost as many trips.
        lots = -(-MOST_READ // READ_AT_ONCE) if plan.request.k >= MOST_READ else 1
        lot = lots * READ_AT_ONCE
        while at < min(len(fused), MOST_READ) and len(answering) < plan.request.k:
            some = fused[at : at + lot]
            notes = self._documents.fetch(access, [hit.doc_id for hit in some])
            good, mute = judge.sifted(some, plan.wants, notes)
            answering += good
            silent += mute
            met = met or any(judge.met(notes.get(hit.doc_id), plan.wants) for hit in good)
            if not (answering or repeated):
                repeated = any(judge.repeats(notes[hit.doc_id], plan.wants) for hit in mute)
            at += len(some)
        # What says nothing of something particular is no answer, but better than an empty page.
        ordered = sorted(answering or silent, key=lambda hit: (-hit.score, hit.doc_id))
        every = ordered if answering else [*ordered, *fused[at:]]
        return ranked(every[: max(k, 0)]), (bool(answering) and met) or repeated


def weighed(fused: Sequence[Fused], weights: Mapping[str, float]) -> Sequence[Fused]:
    """Take from scores what the standing of a note takes, and order them anew."""
    if not weights:
        return fused
    scaled = [judge.scaled(hit, weights.get(hit.doc_id, FULLY)) for hit in fused]
    scaled.sort(key=lambda hit: (-hit.score, hit.doc_id))
    return ranked(scaled)


def against(note: Derived, wants: Wants) -> str:
    """Say why a note does not answer what is asked, "" where it may."""
    if not wants.wants or judge.answers(note, wants) > AGAINST:
        return ""
    if wants.read:
        return "What it says of this is not what is asked: another time, value, side or person."
    return "It mentions this only as denied, hypothetical or of somebody else."
