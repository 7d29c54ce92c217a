"""A tenant's books of judgements: questions asked of its notes, and what judges said of hits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from indexing.errors import InvalidInput

GRADES = range(4)  # 0 not relevant, 1 related, 2 relevant, 3 what was asked for
LONGEST_GUIDELINE = 20_000  # code points
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True)
class BookHead:
    """A book in a list; `judged` counts words on documents, `unjudged` pooled ones without any."""

    name: str
    guideline: str
    guideline_version: str
    topics: int = 0
    pooled: int = 0
    judged: int = 0
    unjudged: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """One judge's word on one document."""

    topic_id: str
    doc_id: str
    judge: str
    grade: int
    at: datetime
    guideline_version: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TenantBook:
    """A book with everything in it. `pooled` are the documents that were shown for a topic; one
    that found none stays."""

    head: BookHead
    topics: Mapping[str, str]
    pooled: Mapping[str, tuple[str, ...]]
    words: tuple[Word, ...]


def book_name(name: str) -> str:
    """Return a name that a book can have. Raises: InvalidInput."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "this cannot name a book", hint="letters, digits, dots and hyphens can, at most 80"
        )
    return name
