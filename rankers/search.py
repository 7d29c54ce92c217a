"""A question to an answer: the same for the page, the API, the command and the evaluation."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from msgspec import structs

from indexing.access import Access
from indexing.clauses import Clause
from indexing.errors import EngineUnavailable
from indexing.language.matcher import Matcher
from indexing.language.terminology import Terminology
from indexing.ports import (
    Derived,
    Documents,
    Encoder,
    GraphIndex,
    LexicalIndex,
    PassageVectors,
    Ranking,
    Reranker,
    Scored,
    VectorIndex,
)
from rankers import alike, lexical
from rankers.absence import Prover, left_out, matches, says_it
from rankers.alike import Alike, weights_of
from rankers.answer import (
    LEGS,
    Answer,
    Hit,
    Mark,
    SearchRequest,
    Sentence,
    facets_json,
)
from rankers.describe import described
from rankers.explain import Fused, Reasons, leg_reason, verdict
from rankers.extract import extracted
from rankers.fusion import SHARES, Share, fuse
from rankers.held import holding
from rankers.lanes import Lanes
from rankers.legs import Legs, Ran
from rankers.near import kept, least_cosine, near_enough
from rankers.offers import Links
from rankers.plan import Plan, Planner
from rankers.query import is_pasted
from rankers.removed import removed_by
from rankers.rerank import Reordering, Reranking
from rankers.sift import MOST_READ, Sifter, against, weighed
from rankers.small_cells import coarse, few
from rankers.snippets import marks
from rankers.told import told_by

__all__ = ["Answer", "Search", "SearchRequest"]

DEPTH = 200  # hits that each leg gives to a page
SPARE = 20  # hits beyond those asked for, in place of notes deleted since they were indexed


class Fusion(Protocol):
    """The legs' rankings into one, for a question that is about concepts so far, and of which one
    note holds every word or none does."""

    def __call__(
        self,
        rankings: Mapping[str, Ranking],
        k: int,
        question: str,
        /,
        *,
        covered: float,
        told: bool,
    ) -> Sequence[Fused]: ...


@dataclass(frozen=True, slots=True)
class Found:
    """A question answered as far as its ranking: `answer.hits` say where, not what is there."""

    plan: Plan
    answer: Answer

    def described(self, notes: Mapping[str, Derived]) -> Answer:
        """Say what is there. A hit that is not among `notes` is left out, and the ranks close up:
        it was deleted or closed since it was indexed."""
        hits = described(self.plan, self.answer.hits, notes)
        ranked = tuple(
            hit if hit.rank == rank else structs.replace(hit, rank=rank)
            for rank, hit in enumerate(hits, 1)
        )
        began = time.perf_counter()
        best = extracted(self.plan, ranked, notes)
        took_ms = {**self.answer.took_ms, "answers": _ms_since(began)}
        return replace(self.answer, hits=ranked, best=best, took_ms=took_ms)


class Search:
    """The three legs, their fusion, and what a page says beside the hits."""

    def __init__(
        self,
        *,
        lexical: LexicalIndex,
        vector: VectorIndex,
        graph: GraphIndex,
        encoder: Encoder,
        terminology: Terminology,
        matcher: Matcher,
        documents: Documents,
        timeout_s: float = 2.0,
        fusion: Fusion = fuse,
        links: Links | None = None,
        reranker: Reranker | None = None,
        passages: PassageVectors | None = None,
        learned: Reordering | None = None,
        shares: Mapping[str, Share] = SHARES,
        least: float | None = None,
    ) -> None:
        """`least`: the floor of cosines of an encoder that was measured elsewhere."""
        self._lexical, self._documents = lexical, documents
        self._planner = Planner(terminology, matcher, links, shares)
        self._lanes = Lanes(lexical, vector, graph, encoder, documents, self._planner)
        self._timeout_s, self._fusion = timeout_s, fusion
        self._least_cosine = least_cosine(encoder.model) if least is None else least
        self._prover = Prover(lexical, documents)
        self._sifter = Sifter(lexical, graph, documents)
        self._learned = learned
        self._alike = Alike(passages, weights_of(shares)) if passages is not None else None
        self._reranking = Reranking(reranker, documents) if reranker is not None else None
        self._legs = Legs()

    def answer(self, access: Access, request: SearchRequest) -> Answer:
        """Rank and describe the best k, for callers that keep no audit: evaluation and tests.

        Raises: as `rank`.
        """
        found = self.rank(access, request)
        if request.bare:
            return found.answer
        best = [hit.doc_id for hit in found.answer.hits]
        answer = found.described(self._documents.fetch(access, best))
        return replace(answer, hits=answer.hits[: request.k])

    def rank(self, access: Access, request: SearchRequest) -> Found:
        """Rank the notes that answer a question: the best k, and some to spare unless bare.

        Raises:
            InvalidQuery: it does not parse.
            EngineUnavailable: no leg answered.
        """
        began = time.perf_counter()
        plan = self._plan(access, request, max(request.k, DEPTH))
        planned = _ms_since(began)
        running = self._legs.start(self._lanes.of(access, plan), self._timeout_s)
        rankings, missing = self._rankings(access, plan, running.first())
        if not request.bare:
            rankings = near_enough(rankings, self._least_cosine)
        rankings, missing, weights = self._settled(access, plan, rankings, missing)
        wanted = request.k + (0 if request.bare else SPARE)
        fused, missing, said = self._fused(access, plan, rankings, weights, wanted, missing)
        total = len(fused) if request.bare else matches(rankings, plan.depth)
        hits, ran = _hits(fused, rankings), running.every()
        fresh = ran.results.get("freshness")
        hidden: Mapping[str, int | None] = ran.results.get("hidden") or {}
        others = left_out(hidden, rankings, hits, plan.depth)
        if access.deidentified:
            hidden, others = few(hidden), few(others)
        named = says_it(rankings, hits, plan.about.seeds)
        said = said and (request.bare or self._prover.names_it(access, plan, rankings, hits))
        proved = None
        if not request.bare and not (named and said):
            proved = self._prover.prove(access, plan, fresh, others, named=named, total=total)
        answer = Answer(
            chips=plan.chips(ran.results.get("counts") or {}, ran.results.get("offers") or ()),
            assertion=plan.assertion,
            exact=plan.parsed.exact,
            total=total,
            hits=hits,
            freshness=fresh,
            facets=facets_json(ran.results.get("facets") or {}),
            hidden=hidden,
            absence=proved,
            missing=missing,
            notices=_notices(plan),
            took_ms={"plan": planned, **ran.took_ms, "all": _ms_since(began)},
        )
        return Found(plan, coarse(answer) if access.deidentified else answer)

    def found(self, access: Access, request: SearchRequest, answer: Answer) -> Found:
        """Return an answer that was ranked earlier as `rank` returned it. Raises: InvalidQuery."""
        plan = self._plan(access, request, max(request.k, DEPTH))
        return Found(plan, answer)

    def describe(
        self, access: Access, request: SearchRequest, hits: Sequence[Hit],
        notes: Mapping[str, Derived],
    ) -> tuple[tuple[Hit, ...], tuple[Sentence, ...]]:  # fmt: skip
        """Say what is at hits that were ranked earlier, as their notes read now, and return the
        sentences of these notes that answer."""
        plan = self._plan(access, request, 1)
        found = described(plan, hits, notes)
        return found, extracted(plan, found, notes)

    def why_not(self, access: Access, request: SearchRequest, doc_id: str) -> Reasons:
        """Say where each leg has a note, or what removed it.

        Raises: InvalidQuery.
        """
        plan = self._plan(access, replace(request, bare=True), 10 * DEPTH)
        found = self._documents.fetch(access, [doc_id])
        if doc_id not in found:
            return Reasons(doc_id, "There is no such note, or it is not open to you.")
        ran = self._legs.run(self._lanes.of(access, plan), self._timeout_s)
        rankings, missing = self._rankings(access, plan, ran)
        rankings = near_enough(rankings, self._least_cosine)
        rankings, missing, weights = self._settled(access, plan, rankings, missing)
        fused, missing, _ = self._fused(access, plan, rankings, weights, plan.depth, missing)
        place = next((hit.rank for hit in fused if hit.doc_id == doc_id), None)
        removed = removed_by(self._lexical, access, plan, doc_id) or against(
            found[doc_id], plan.wants
        )
        reasons = tuple(
            leg_reason(
                leg,
                doc_id,
                rankings.get(leg),
                plan.depth,
                missing=leg in missing,
                exact=plan.parsed.exact,
            )
            for leg in LEGS
        )
        return Reasons(doc_id, verdict(place, request.k, removed), reasons)

    def marks(
        self, request: SearchRequest, derived: Derived, passage: int | None = None
    ) -> tuple[Mark, ...]:
        """Mark what answers the question in the whole of a note that the caller may read;
        `passage` is where the vector leg found it, shown when nothing else is there.

        Raises: InvalidQuery.
        """
        plan = self._planner.plan(replace(request, bare=False), 1, UTC)
        return marks(derived, plan.wanted(), plan.assertion, passage)

    def close(self) -> None:
        """Let the threads end."""
        self._legs.close()

    def _plan(self, access: Access, request: SearchRequest, depth: int) -> Plan:
        # Word by word, a view that hides names would tell those that stand in a value.
        known = None if access.deidentified else partial(self._documents.values, access)
        return self._planner.plan(request, depth, ZoneInfo(access.time_zone), known)

    def _rankings(
        self, access: Access, plan: Plan, ran: Ran
    ) -> tuple[dict[str, Ranking], tuple[str, ...]]:
        rankings: dict[str, Ranking] = {
            leg: ran.results[leg] for leg in plan.legs if leg in ran.results
        }
        missing = [leg for leg in plan.legs if leg in ran.failed]
        if plan.legs and not rankings:
            raise EngineUnavailable("no ranker answered", hint="Try again in a moment.")
        if plan.constraint is not None:
            if "lexical" in missing:
                raise EngineUnavailable("the full text does not answer", hint="Try again soon.")
            try:
                rankings = self._constrained(access, plan, plan.constraint, rankings)
            except EngineUnavailable:
                # Without the full text nothing can be checked, and an unchecked hit would lie.
                if "lexical" not in rankings:
                    raise
                missing += [leg for leg in rankings if leg != "lexical"]
                rankings = {"lexical": rankings["lexical"]}
        return rankings, tuple(missing)

    def _settled(
        self,
        access: Access,
        plan: Plan,
        rankings: dict[str, Ranking],
        missing: tuple[str, ...],
    ) -> tuple[dict[str, Ranking], tuple[str, ...], Mapping[str, float]]:
        """Leave out what only denies what is asked; without the graph nobody can tell, and who
        asked it in vain does not wait for it again."""
        if "graph" in missing:
            return rankings, missing, {}
        try:
            settled, weights = self._sifter.settled(access, plan, rankings)
        except EngineUnavailable:
            return rankings, tuple(dict.fromkeys((*missing, "graph"))), {}
        return settled, missing, weights

    def _fused(
        self,
        access: Access,
        plan: Plan,
        rankings: Mapping[str, Ranking],
        weights: Mapping[str, float],
        k: int,
        missing: tuple[str, ...],
    ) -> tuple[Sequence[Fused], tuple[str, ...], bool]:
        """Fuse the legs, and read the best notes where the question asks for more than a name;
        say whether any of those answers."""
        said = True
        reading, question = plan.wants.read, plan.parsed.text
        covered = plan.about.covered
        # Whoever moves hits beyond the first hundred says so; the others stay below them.
        moved = reading or weights or self._learned is not None
        depth = max(k, MOST_READ if moved else alike.DEPTH)
        told = told_by(self._lexical, access, plan, rankings)
        fused = self._fusion(rankings, depth, question, covered=covered, told=told)
        if len(plan.legs) > 1 and "lexical" in rankings:
            try:
                fused = holding(self._lexical, access, plan, fused)
            except EngineUnavailable:
                missing = tuple(dict.fromkeys((*missing, "lexical")))
        if self._alike is not None and "vector" in rankings and len(plan.legs) > 1:
            try:
                fused = self._alike.joined(access, question, fused, covered, told=told)
            except EngineUnavailable:
                missing = tuple(dict.fromkeys((*missing, "vector")))
        if self._learned is not None and len(plan.legs) > 1:
            fused = self._learned.reordered(question, fused)
        fused = weighed(fused, weights)
        if reading:
            fused, said = self._sifter.sifted(access, plan, fused, k)
        else:
            fused = fused[:k]
        if self._reranking is not None:
            nearest = {hit.doc_id: hit.passage for hit in _of(rankings, "vector")}
            fused = self._reranking.reordered(access, question, fused, nearest)
        return fused, missing, said

    def _constrained(
        self, access: Access, plan: Plan, constraint: Clause, rankings: Mapping[str, Ranking]
    ) -> dict[str, Ranking]:
        """Hold every leg's hits against what the query demands."""
        asked = {h.doc_id for leg, r in rankings.items() if leg != "lexical" for h in r.hits}
        if not asked:
            return dict(rankings)
        clause, words = lexical.prepared(constraint), rankings.get("lexical")
        told = words is not None and words.total == len(words.hits) + len(words.beyond)
        if words is not None and told and clause == plan.clause:  # it found every note already
            allowed = words.beyond.union(hit.doc_id for hit in words.hits)
        else:
            allowed = self._lexical.matching(access, clause, plan.filters, plan.assertion, asked)
        return {
            leg: ranking if leg == "lexical" else kept(ranking, allowed)
            for leg, ranking in rankings.items()
        }


def _ms_since(began: float) -> float:
    return round(1000 * (time.perf_counter() - began), 3)


def _hits(fused: Sequence[Fused], rankings: Mapping[str, Ranking]) -> tuple[Hit, ...]:
    passages = {h.doc_id: h.passage for h in _of(rankings, "vector")}
    shares = {h.doc_id: h.concepts for h in _of(rankings, "graph")}
    return tuple(
        Hit(
            f.rank, f.doc_id, f.score, f.signals, passage=passages.get(f.doc_id),
            concepts=shares.get(f.doc_id, {}),
        )
        for f in fused
    )  # fmt: skip


def _of(rankings: Mapping[str, Ranking], leg: str) -> tuple[Scored, ...]:
    ranking = rankings.get(leg)
    return ranking.hits if ranking else ()


def _notices(plan: Plan) -> tuple[str, ...]:
    if plan.parsed.exact and "vector" in plan.request.rankers:
        return ("An exact operator is in use: nothing is found by meaning alone.",)
    if not plan.request.plain and is_pasted(plan.request.q):
        return ("Read as a piece of a note: its marks and capitals are no operators.",)
    if plan.wants.unheld:
        return (
            ("A limit of age or time, or beside no name that is known here, is read as words: no "
             "note is held against it. Cohorts take ages."),
        )  # fmt: skip
    return ()
