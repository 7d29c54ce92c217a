"""What kind of question a text is: how much each ranker is worth depends on it."""

from __future__ import annotations

import re
from typing import Final

from indexing.analysis import terms, without_stop_words
from rankers.asking import is_request

KEYWORDS, QUESTION = 4, 40  # words: up to so many are keywords, a question; more are a note
LEAST_TOLD = 3  # words: fewer are a name, with a full stop behind it or not

_WHOLE: Final = re.compile(r"(?<!\.)(?<!\b[a-z]\.[a-z])[.][\"'”’)\]]*\s*$", re.IGNORECASE)


def is_whole(text: str) -> bool:
    """Say whether a text ends as a sentence does, full stop and all: it tells something, and one
    note that says so is looked for rather than all that are about the same. No request does, nor
    the full stop of "b.i.d."."""
    return bool(_WHOLE.search(text)) and not is_request(text)


def query_class(question: str | None) -> str:
    """Name what kind of question this is: "keywords", "question", "statement" (a question that is
    told, not asked), "note" (a pasted one); "any" where it is not known."""
    if question is None:
        return "any"
    n = len(without_stop_words(terms(question)))
    if n > QUESTION:
        return "note"
    if n >= LEAST_TOLD and is_whole(question):
        return "statement"
    return "keywords" if n <= KEYWORDS else "question"
