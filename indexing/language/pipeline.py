"""The whole language pipeline over one text: sections, passages, mentions, assertion, status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from indexing.language.assertion import assess
from indexing.language.matcher import Matcher
from indexing.language.passages import passages
from indexing.language.sections import section_at, sections
from indexing.language.status import statuses
from indexing.language.terminology import Terminology
from indexing.model import Annotation, Mention

# Changes whenever the same text may be annotated otherwise; what is stored names it.
LANGUAGE_VERSION: Final = "2026.11.2"


class Language:
    """A terminology with the rules around it; safe to share between threads."""

    def __init__(self, terminology: Terminology) -> None:
        self.terminology = terminology
        self._matcher = Matcher(terminology)

    def annotate(self, text: str, copied: Sequence[tuple[int, int]] = ()) -> Annotation:
        """Return everything found in `text`, offsets in its code points. Any string will do:
        unpaired surrogates and control characters match nothing. `copied` are stretches known to
        come from an earlier note (`indexing.language.copyforward`): they count as history."""
        parts = sections(text)
        spans = self._matcher.find(text, parts)
        assessments = assess(text, parts, spans)
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
        return Annotation(LANGUAGE_VERSION, parts, passages(text, parts), tuple(mentions))
