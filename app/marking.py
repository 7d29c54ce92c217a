"""Text with offsets to HTML: escaped first, then marked, so that no note can bring markup along.

Spans may overlap, nest and touch; each stretch of text carries the classes of all that cover it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` is of these CSS classes; `label` is read beside it, `anchor` is its id.

    `strong` makes it a <mark>: something that was asked for.
    """

    start: int
    end: int
    classes: str
    label: str = ""
    anchor: str = ""
    strong: bool = False


def marked(text: str, spans: Iterable[Span], start: int = 0, end: int | None = None) -> Markup:
    """Return `text[start:end]` as HTML with its spans; offsets are those of the whole text."""
    end = len(text) if end is None else end
    kept = [s for s in spans if max(s.start, start) < min(s.end, end)]
    cuts = sorted(
        {start, end} | {min(max(at, start), end) for s in kept for at in (s.start, s.end)}
    )
    opening: dict[int, list[Span]] = {}
    for span in kept:
        opening.setdefault(max(span.start, start), []).append(span)
    pieces: list[Markup] = []
    active: list[Span] = []
    for low, high in pairwise(cuts):
        active = [s for s in active if s.end > low] + opening.get(low, [])
        pieces.append(_stretch(text[low:high], active, low))
    return Markup("").join(pieces)


def _stretch(text: str, active: list[Span], at: int) -> Markup:
    if not active:
        return escape(text)
    tag = "mark" if any(s.strong for s in active) else "span"
    classes = " ".join(dict.fromkeys(" ".join(s.classes for s in active).split()))
    # A span cut in several stretches is announced and anchored once, where it begins.
    label = " · ".join(dict.fromkeys(s.label for s in active if s.label))
    anchor = next((s.anchor for s in active if s.anchor and s.start >= at), "")
    first = any(s.label and s.start == at for s in active)
    opening = Markup('<{} class="{}"').format(tag, classes)
    if anchor:
        opening += Markup(' id="{}" tabindex="-1"').format(anchor)
    if label:
        opening += Markup(' title="{}"').format(label)
    if first:
        spoken = " · ".join(s.label for s in active if s.label and s.start == at)
        opening += Markup(' data-label="{}"').format(spoken)
    return opening + Markup(">{}</{}>").format(text, tag)
