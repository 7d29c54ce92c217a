"""The words of a question that only ask: no note is about them."""

from __future__ import annotations

import re
from typing import Final

from indexing.clauses import Ranked, Word

# Words of asking: "which patients have", "what about".
ASKING: Final = frozenset(
    "patient patients pt pts anyone someone about any all show find list search give me please "
    "notes note chart charts who whom whose had having been were i we you can could sided w".split()
)
_ORDERS: Final = (
    r"show|list|find|display|identify|search|look (?:for|up)|pull up|(?:give|get|tell) (?:me|us)"
)
_THINGS: Final = r"(?:patients?|pts?|notes?|charts?)"
# "Find", "show me all patients with".
_HEAD: Final = re.compile(
    rf"(?:please )?(?:(?:{_ORDERS})(?: (?:me|us|all|any|the|of|for))*(?: {_THINGS})?|"
    rf"(?:which|what|any|all) {_THINGS})(?= )"
)
# "Was extubated." and "When given early, …" tell.
_REQUEST: Final = re.compile(
    rf"\W*(?:(?:please|can you|could you) )*(?:{_ORDERS}|which|what|who|whose|"
    rf"(?:all|any) {_THINGS}(?= (?:with|without|who|on|that|of)\b))\b",
    re.IGNORECASE,
)


def is_request(text: str) -> bool:
    """Say whether a text orders something to be found, or asks which: it tells nothing."""
    return _REQUEST.match(text) is not None


def asking_words(clause: Ranked) -> int:
    """Return how many words at the head of a question only order that something be found: "list
    all patients who"."""
    words = [each.text.lower() if isinstance(each, Word) else "" for each in clause.clauses]
    head = _HEAD.match(" ".join(words))
    return len(head[0].split()) if head else 0
