"""What kind of question a text is: how much each ranker is worth depends on it."""

from __future__ import annotations

import re
from typing import Final

from indexing.analysis import terms, without_stop_words

KEYWORDS, QUESTION = 4, 40  # words: up to so many are keywords, a question; more are a note
LEAST_TOLD = 3  # words: fewer are a name, with a full stop behind it or not

_WHOLE: Final = re.compile(r"(?<!\.)(?<!\b[a-z]\.[a-z])[.][\"'”’)\]]*\s*$", re.IGNORECASE)
# Who orders something to be found asks, full stop or not. "Was extubated." and "When given early,
# …" tell.
_REQUEST: Final = re.compile(
    r"\W*(?:(?:please|can you|could you) )*(?:show|list|find|give (?:me|us)|get (?:me|us)|"
    r"search|look (?:for|up)|display|tell me|identify|pull up|which|what|who|whose|"
    r"(?:all|any) (?:patients?|pts?|notes?|charts?)(?= (?:with|without|who|on|that|of)\b))\b",
    re.IGNORECASE,
)


def is_whole(text: str) -> bool:
    """Say whether a text ends as a sentence does, full stop and all: it tells something, and one
    note that says so is looked for rather than all that are about the same. No request does, nor
    the full stop of "b.i.d."."""
    return bool(_WHOLE.search(text)) and not _REQUEST.match(text)


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
