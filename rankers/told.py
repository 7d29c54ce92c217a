"""Whether one note says all of a question: then it is likelier the note that is looked for than a
note that is about the same."""

from __future__ import annotations

from collections.abc import Mapping

from indexing.access import Access
from indexing.analysis import terms, without_stop_words
from indexing.clauses import And, Word
from indexing.errors import EngineUnavailable
from indexing.ports import LexicalIndex, Ranking
from rankers.kinds import KEYWORDS, QUESTION
from rankers.plan import Plan

FEW = 10  # best notes by words that are held against the question


def told_by(
    index: LexicalIndex, access: Access, plan: Plan, rankings: Mapping[str, Ranking]
) -> bool:
    """Say whether one of the best notes by words holds every word of a question.

    Many notes hold a few keywords, and none a pasted note: neither is asked. Where the full text
    does not answer, nothing is said.
    """
    words = without_stop_words(terms(plan.parsed.text))
    best = [hit.doc_id for hit in rankings["lexical"].hits[:FEW]] if "lexical" in rankings else []
    if not best or len(rankings) == 1 or not KEYWORDS < len(words) <= QUESTION:
        return False
    every = And(tuple(Word(word) for word in dict.fromkeys(words)))
    try:
        return bool(index.matching(access, every, plan.filters, plan.assertion, best))
    except EngineUnavailable:
        return False
