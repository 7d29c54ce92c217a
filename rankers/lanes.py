"""What each engine is asked for a question: its leg first, then what the page says beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from indexing.access import Access
from indexing.filters import Filters
from indexing.ports import Documents, Encoder, GraphIndex, LexicalIndex, VectorIndex
from rankers import graph, vector
from rankers.legs import Lane
from rankers.offers import Offer
from rankers.plan import MOST_WORDINGS, Plan, Planner
from rankers.times import times_offered

FACET_VALUES = 20


@dataclass(frozen=True, slots=True)
class Lanes:
    """The engines of one search."""

    lexical: LexicalIndex
    vector: VectorIndex
    graph: GraphIndex
    encoder: Encoder
    documents: Documents
    planner: Planner

    def of(self, access: Access, plan: Plan) -> list[Lane]:
        """One lane for each engine, the leg first, then what the page says beside it."""
        clause, filters, mode, depth = plan.clause, plan.filters, plan.assertion, plan.depth
        words: dict[str, Callable[[], Any]] = {
            "lexical": lambda: self.lexical.search(access, clause, filters, depth, mode),
            "facets": lambda: self.lexical.facets(access, clause, filters, mode, FACET_VALUES),
            "counts": lambda: self._counts(access, plan),
        }
        meaning: dict[str, Callable[[], Any]] = {
            "vector": lambda: vector.rank(
                self.vector, self.encoder, access, plan.meant, filters, depth
            ),
            "offers": lambda: self._offers(access, plan),
        }
        concepts: dict[str, Callable[[], Any]] = {
            "graph": lambda: graph.rank(
                self.graph, access, plan.about, filters, depth, plan.walked
            ),
            "hidden": lambda: self._hidden(access, plan),
            "freshness": lambda: self.documents.freshness(access),
        }
        asked = set(plan.legs)
        if not plan.request.bare:
            asked |= {"facets", "counts", "freshness", "offers"}
            if mode == "present" and plan.about.seeds:
                asked.add("hidden")
        lanes = (meaning, concepts, words)
        return [{name: task for name, task in lane.items() if name in asked} for lane in lanes]

    def _counts(self, access: Access, plan: Plan) -> dict[str, int]:
        """Count the notes that hold each other wording."""
        shown = plan.wordings[:MOST_WORDINGS]
        counts = self.lexical.counts(access, [each.clause for each in shown], plan.filters)
        return {each.id: count for each, count in zip(shown, counts, strict=True)}

    def _offers(self, access: Access, plan: Plan) -> list[tuple[Offer, int]]:
        """Return what to offer for words without a name, with the notes that name it."""
        found = self.planner.offers(
            plan, lambda words: self.lexical.counts(access, words, Filters())
        )
        counts = self.lexical.counts(access, [each.clause for each in found], plan.filters)
        times: list[Offer] = []
        if not (access.deidentified or plan.request.plain):  # dates moved; a date would be words
            today = datetime.now(plan.zone).date()
            times = times_offered(plan.request.q, plan.parsed.clause, today)
        return [*zip(found, counts, strict=True), *((each, 0) for each in times)]

    def _hidden(self, access: Access, plan: Plan) -> dict[str, int]:
        counts = self.graph.assertions(access, plan.about.seeds, plan.filters)
        kept = ("negated", "family", "hypothetical", "not_assessed")
        return {name: counts[name] for name in kept if counts.get(name)}
