"""A run: one ranker over a set of topics, through the search that the page uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eval.trec import DEPTH, falling
from indexing.access import Access
from indexing.errors import InvalidQuery
from rankers.answer import LEGS, Answer, SearchRequest

RANKERS: Mapping[str, tuple[str, ...]] = {"hybrid": LEGS, **{leg: (leg,) for leg in LEGS}}

Answering = Callable[[Access, SearchRequest], Answer]


@dataclass(frozen=True, slots=True)
class Run:
    """What a ranker answered: topic id -> (document id, score), best first."""

    ranker: str
    ranked: Mapping[str, Sequence[tuple[str, float]]]
    unparsed: int

    def documents(self) -> dict[str, list[str]]:
        """Return the documents of each topic in order, as measures want them."""
        return {topic: [doc_id for doc_id, _ in ranked] for topic, ranked in self.ranked.items()}


def run(
    answer: Answering,
    access: Access,
    topics: Mapping[str, str],
    ranker: str,
    each: Callable[[], None] = lambda: None,
) -> Run:
    """Ask every topic; a query that does not parse is asked again as plain words."""
    legs = RANKERS[ranker]
    ranked: dict[str, list[tuple[str, float]]] = {}
    unparsed = 0
    for topic, text in topics.items():
        request = SearchRequest(q=text, k=DEPTH, rankers=legs, bare=True)
        try:
            found = answer(access, request)
        except InvalidQuery:
            unparsed += 1
            found = _plain(answer, access, text, legs)
        ranked[topic] = falling([(hit.doc_id, hit.score) for hit in found.hits])
        each()
    return Run(ranker, ranked, unparsed)


def _plain(answer: Answering, access: Access, text: str, legs: tuple[str, ...]) -> Answer:
    try:
        return answer(access, SearchRequest(q=text, k=DEPTH, rankers=legs, plain=True, bare=True))
    except InvalidQuery:  # no word in it at all: nothing is found, and that counts
        return Answer(chips=(), assertion="present", exact=False, total=0, hits=())
