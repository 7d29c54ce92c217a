"""A run: one ranker over a set of topics, through the search that the page uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from eval.archive import Answered, StoredHit
from eval.trec import DEPTH, falling
from indexing.access import Access
from indexing.errors import InvalidQuery
from rankers.answer import LEGS, Answer, Hit, SearchRequest

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


def ask(
    answer: Answering, access: Access, topics: Mapping[str, str], legs: tuple[str, ...]
) -> Iterator[Answered]:
    """Ask every topic; a query that does not parse is asked again as plain words.

    One leg alone keeps its own scores: what a fusion would start from.
    """
    for topic, text in topics.items():
        request = SearchRequest(q=text, k=DEPTH, rankers=legs, bare=True)
        unparsed = False
        try:
            found = answer(access, request)
        except InvalidQuery:
            unparsed = True
            found = _plain(answer, access, text, legs)
        scores = falling([(hit.doc_id, _score(hit, legs)) for hit in found.hits])
        hits = tuple(
            StoredHit(doc_id, score, hit.signals)
            for (doc_id, score), hit in zip(scores, found.hits, strict=True)
        )
        yield Answered(topic, hits, unparsed)


def gathered(ranker: str, answers: Sequence[Answered]) -> Run:
    """Return answers as a run."""
    ranked = {each.topic_id: [(hit.doc_id, hit.score) for hit in each.hits] for each in answers}
    return Run(ranker, ranked, sum(each.unparsed for each in answers))


def run(answer: Answering, access: Access, topics: Mapping[str, str], ranker: str) -> Run:
    """Ask every topic of a ranker."""
    return gathered(ranker, list(ask(answer, access, topics, RANKERS[ranker])))


def _score(hit: Hit, legs: tuple[str, ...]) -> float:
    signal = hit.signals.get(legs[0]) if len(legs) == 1 else None
    return hit.score if signal is None else signal.score


def _plain(answer: Answering, access: Access, text: str, legs: tuple[str, ...]) -> Answer:
    try:
        return answer(access, SearchRequest(q=text, k=DEPTH, rankers=legs, plain=True, bare=True))
    except InvalidQuery:  # no word in it at all: nothing is found, and that counts
        return Answer(chips=(), assertion="present", exact=False, total=0, hits=())
