"""Names that join two things, where both are denied: "no nausea or vomiting"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from indexing.language.matcher import Matcher, Span
from rankers.cues import Asked, QueryCue

_JOINS: Final = re.compile(r"\s+(?:and|or)\s+|\s*/\s*", re.IGNORECASE)


def denied_apart(
    matcher: Matcher, text: str, spans: Iterable[Span], cues: Sequence[QueryCue]
) -> Iterator[Span]:
    """Yield the names of a question, those of two things as two where a cue denies them: a note
    denies each by itself."""
    for span in spans:
        inside = (c for c in cues if c.first <= span.start and span.end <= c.last)
        denied = any(cue.asked is Asked.NEGATED for cue in inside)
        yield from _parts(matcher, text, span) if denied else (span,)


def _parts(matcher: Matcher, text: str, span: Span) -> list[Span]:
    """Return the things that a name joins, each a name of its own; else the name."""
    joins = list(_JOINS.finditer(text, span.start, span.end))
    starts = [span.start, *(join.end() for join in joins)]
    ends = [*(join.start() for join in joins), span.end]
    found = []
    for start, end in zip(starts, ends, strict=True):
        part = text[start:end]
        named = [each for each in matcher.find(part) if (each.start, each.end) == (0, len(part))]
        if not joins or len(named) != 1:
            return [span]
        either = (named[0].concept_id, span.concept_id)  # a note may deny both by one name
        found.append(replace(named[0], start=start, end=end, candidates=either))
    return found
