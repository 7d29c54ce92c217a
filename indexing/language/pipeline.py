"""The whole language pipeline over one text: sections, passages, mentions, assertion, status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from indexing.language.assertion import assess
from indexing.language.limits import LONGEST, MOST_PASSAGES, MOST_SECTIONS
from indexing.language.matcher import Matcher
from indexing.language.passages import passages
from indexing.language.sections import section_at, sections
from indexing.language.status import statuses
from indexing.language.terminology import Terminology
from indexing.model import Annotation, Mention, Section

_SEAM: Final = 2_000  # the cut is made at a line's end, or between words, within so many

# Changes whenever the same text may be annotated otherwise; what is stored names it.
LANGUAGE_VERSION: Final = "2026.12.01.14"


class Language:
    """A terminology with the rules around it; safe to share between threads."""

    def __init__(self, terminology: Terminology) -> None:
        self.terminology = terminology
        self._matcher = Matcher(terminology)

    def annotate(self, text: str, copied: Sequence[tuple[int, int]] = ()) -> Annotation:
        """Return everything found in `text`, offsets in its code points. Any string will do:
        unpaired surrogates and control characters match nothing. `copied` are stretches known to
        come from an earlier note (`indexing.language.copyforward`): they count as history.

        Of a text longer than `LONGEST` the beginning is read; its last part goes on to the end.
        The time is linear in what is read, whatever it is."""
        whole, text = len(text), text[: _cut(text)]
        copied = [(start, end) for start, end in copied if end <= len(text)]
        parts = _few(sections(text))
        spans = self._matcher.find(text, parts)
        assessments = assess(text, parts, spans, named=True)
        status = statuses(text, spans, assessments, copied)
        mentions = []
        for span, judged, noted in zip(spans, assessments, status, strict=True):
            part = section_at(parts, span.start)
            mentions.append(
                Mention(
                    span.start,
                    span.end,
                    span.concept_id,
                    span.name,
                    judged.assertion,
                    noted,
                    part.name if part else "",
                    judged.cue,
                    span.ambiguous,
                )
            )
        pieces = passages(text, parts)[:MOST_PASSAGES]
        if whole > len(text):
            parts = (*parts[:-1], structs.replace(parts[-1], end=whole))
        return Annotation(LANGUAGE_VERSION, parts, pieces, tuple(mentions))


def _few(parts: tuple[Section, ...]) -> tuple[Section, ...]:
    if len(parts) <= MOST_SECTIONS:
        return parts
    return (
        *parts[: MOST_SECTIONS - 1],
        structs.replace(parts[MOST_SECTIONS - 1], end=parts[-1].end),
    )


def _cut(text: str) -> int:
    """Return how much of a text is read."""
    if len(text) <= LONGEST:
        return len(text)
    for gap in ("\n", " "):
        if (at := text.rfind(gap, LONGEST - _SEAM, LONGEST)) >= 0:
            return at + 1
    return LONGEST
