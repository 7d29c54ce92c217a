"""A run: one ranker over a set of topics, through the search that the page uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexing.access import Access
from indexing.errors import InvalidInput, InvalidQuery
from rankers.answer import LEGS, Answer, SearchRequest

DEPTH = 1000  # as TREC runs are pooled
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
        ranked[topic] = _falling([(hit.doc_id, hit.score) for hit in found.hits])
        each()
    return Run(ranker, ranked, unparsed)


def _plain(answer: Answering, access: Access, text: str, legs: tuple[str, ...]) -> Answer:
    try:
        return answer(access, SearchRequest(q=text, k=DEPTH, rankers=legs, plain=True, bare=True))
    except InvalidQuery:  # no word in it at all: nothing is found, and that counts
        return Answer(chips=(), assertion="present", exact=False, total=0, hits=())


def _falling(ranked: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Make scores fall strictly, because trec_eval breaks ties its own way and ours is the rank."""
    out: list[tuple[str, float]] = []
    below = float("inf")
    for doc_id, score in ranked:
        below = min(score, below - 1e-9)
        out.append((doc_id, below))
    return out


def write_trec(found: Run, path: Path) -> None:
    """Write six columns: topic, Q0, document, rank, score, ranker; the file appears whole."""
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("w", encoding="utf-8") as out:
        for topic, ranked in found.ranked.items():
            for rank, (doc_id, score) in enumerate(ranked, 1):
                if len(f"{topic} {doc_id}".split()) != 2:
                    raise InvalidInput(f"a TREC run cannot hold ids with spaces: {doc_id!r}")
                out.write(f"{topic} Q0 {doc_id} {rank} {score:.9f} anamnesis-{found.ranker}\n")
    draft.replace(path)
