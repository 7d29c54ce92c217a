"""What a question wants to be true: its concepts, with the standing, number, side and dose asked.

Read once a question from its words; `rankers.judge` holds the notes found against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from indexing.analysis import STOP_WORDS, TOKEN
from indexing.language.matcher import Matcher, Span
from indexing.language.terminology import NameKind, SemanticType, Terminology
from indexing.language.values import Bound, Side, parse_bounds, sides
from indexing.ports import AssertionMode
from rankers.cues import OF_DRUGS, Asked, QueryCue, cues
from rankers.graph import named
from rankers.lookalike import longer_names, look_alikes

MOST_WANTS = 6  # of one question; a pasted text is a subject, not a list of demands
MOST_NARROWER = 80
MOST_NAMES = 12
MOST_BETWEEN = 3  # words between a name and its number
LONGEST = 300  # code points; a longer text is not read as a question

_DRUGS: Final = frozenset({SemanticType.DRUG, SemanticType.DRUG_CLASS})
_MEASURED: Final = frozenset({SemanticType.LAB_TEST, SemanticType.VITAL})
_UNSIDED: Final = _DRUGS | _MEASURED | {SemanticType.ANATOMY, SemanticType.SPECIALTY}
# Standings that some concepts carry in their name: "former smoker", "penicillin allergy".
_NAMED: Final = (
    "former {}", "ex {}", "current {}", "never {}", "quit {}", "{} allergy", "allergy to {}",
    "allergic to {}", "{} intolerance", "history of {}", "family history of {}",
    "childhood {}", "acute {}", "chronic {}",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Want:
    """One thing asked about. `concepts` mean it or something narrower, `broader` are what it is
    a kind of, `alike` are drugs that only look like it. Without concepts, `words` are looked
    for as they stand. `start`/`end` are places of the question."""

    start: int
    end: int
    words: str
    concepts: frozenset[str] = frozenset()
    broader: frozenset[str] = frozenset()
    alike: frozenset[str] = frozenset()
    asked: Asked = Asked.PRESENT
    bound: Bound | None = None
    side: Side | None = None
    drug: bool = False
    exact: bool = False  # a drug by its own name: what does not name it is about another

    @property
    def particular(self) -> bool:
        """Say whether more is asked than that the patient has it."""
        standing = self.asked not in (Asked.PRESENT, Asked.ANY)
        return standing or self.bound is not None or self.side is not None


@dataclass(frozen=True, slots=True)
class Wants:
    """Everything asked, and the cues that said so. `mode` is what the full text and the graph are
    asked for, given that the question and the request name none."""

    wants: tuple[Want, ...] = ()
    cues: tuple[QueryCue, ...] = ()
    bounds: tuple[Bound, ...] = ()
    mode: AssertionMode | None = None

    @property
    def read(self) -> bool:
        """Say whether the notes themselves must be read to tell: more is asked than the graph
        knows, or nothing that it knows."""
        named = any(want.concepts for want in self.wants)
        if any(want.asked is Asked.ANY for want in self.wants) and not named:
            return False
        return bool(self.wants) and (not named or any(w.particular for w in self.wants))


class Reader:
    """Reads questions by one terminology; safe to share between threads."""

    def __init__(self, terminology: Terminology, matcher: Matcher) -> None:
        self._terminology, self._matcher = terminology, matcher
        self._group = lru_cache(maxsize=4096)(self._grouped)
        self._alike = lru_cache(maxsize=4096)(self._look_alikes)

    def read(self, text: str, implied: Asked | None = None) -> Wants:
        """Read a question; `implied` is what `assertion:` or its section asks for throughout."""
        if len(text) > LONGEST:
            return Wants()
        measured = tuple(parse_bounds(text))
        found = cues(text)
        spans = named(self._matcher, text)
        spans, held = self._decomposed(text, spans, found)
        kept = tuple(c for c in found if self._counts(c, spans, held))
        wants = [
            self._want(text, span, spans, kept, measured, implied)
            for span in spans
            if not _inside(span, kept)
        ]
        wants += self._unnamed(text, spans, kept, measured, implied)
        if len(wants) > MOST_WANTS:
            return Wants(cues=(), bounds=measured)
        return Wants(tuple(wants), kept, measured, None if implied else _mode(wants))

    def _decomposed(
        self, text: str, spans: Sequence[Span], found: Sequence[QueryCue]
    ) -> tuple[list[Span], dict[int, frozenset[str]]]:
        """Take "former smoker" apart into the cue and "smoker", where that names the same thing
        or a thing that can stand in several ways; return the spans and what each also means."""
        parts: list[Span] = []
        meant: dict[int, frozenset[str]] = {}
        for span in spans:
            cue = next((c for c in found if span.start <= c.start and c.end <= span.end), None)
            rest = self._rest(text, span, cue) if cue else None
            if cue is None or rest is None:
                parts.append(span)
                continue
            parts.append(rest)
            meant[cue.start] = frozenset({span.concept_id})
        return parts, meant

    def _rest(self, text: str, span: Span, cue: QueryCue) -> Span | None:
        first, last = (cue.end, span.end) if cue.start <= span.start else (span.start, cue.start)
        inner = [s for s in self._matcher.find(text[first:last]) if not s.ambiguous]
        if len(inner) != 1:
            return None
        rest = inner[0]
        same = rest.concept_id == span.concept_id
        kind = self._terminology.concept(rest.concept_id).semantic_type
        if cue.asked in OF_DRUGS and kind not in _DRUGS:
            return None
        if cue.plain and not same:
            return None
        return Span(first + rest.start, first + rest.end, rest.concept_id, rest.name)

    def _counts(
        self, cue: QueryCue, spans: Sequence[Span], held: Mapping[int, frozenset[str]]
    ) -> bool:
        """Say whether a cue holds for anything, and is no part of a name."""
        if cue.start in held:
            return True
        if any(s.start < cue.end and cue.start < s.end for s in spans):
            return False
        governed = [s for s in spans if s.start >= cue.first and s.end <= cue.last]
        if cue.asked in (Asked.TAKING, Asked.NOT_TAKING, Asked.ALLERGY, Asked.INTOLERANCE):
            return any(self._is_drug(span.concept_id) for span in governed)
        return bool(governed) or (not cue.plain and cue.last > cue.first)

    def _is_drug(self, concept: str) -> bool:
        return self._terminology.concept(concept).semantic_type in _DRUGS

    def _want(
        self,
        text: str,
        span: Span,
        spans: Sequence[Span],
        kept: Sequence[QueryCue],
        measured: Sequence[Bound],
        implied: Asked | None,
    ) -> Want:
        concept = span.concept_id
        kind = self._terminology.concept(concept).semantic_type
        asked = _asked(span, kept, kind in _DRUGS, implied)
        group = frozenset().union(
            *(self._group(c) for c in (span.candidates if span.ambiguous else (concept,)))
        )
        parents = self._terminology.parents(concept) if not span.ambiguous else ()
        return Want(
            span.start, span.end, text[span.start : span.end], group,
            frozenset(parents) - group,
            self._alike(concept) - group,
            asked, _bound(text, span, spans, measured),
            None if kind in _UNSIDED else _side(text, span), kind in _DRUGS,
            kind is SemanticType.DRUG and len(spans) == 1,
        )  # fmt: skip

    def _unnamed(
        self,
        text: str,
        spans: Sequence[Span],
        kept: Sequence[QueryCue],
        measured: Sequence[Bound],
        implied: Asked | None,
    ) -> list[Want]:
        """Return the stretches of words that name no concept, where a cue or a number asks about
        them, or where the question has nothing else."""
        wants = []
        for start, end in _stretches(text, spans, kept, measured):
            span = Span(start, end, "", "")
            bound = _bound(text, span, spans, measured)
            asked = _asked(span, kept, False, implied)
            if spans and bound is None and asked is Asked.PRESENT:
                continue
            alike = self._unknown_alike(text[start:end])
            wants.append(
                Want(start, end, text[start:end], alike=alike, asked=asked, bound=bound,
                     side=_side(text, span))
            )  # fmt: skip
        return wants

    def _grouped(self, concept: str) -> frozenset[str]:
        near = set(self._terminology.descendants(concept, MOST_NARROWER))
        names = [n.text for n in self._terminology.names(concept) if n.kind in _WORDED]
        for name in names[:MOST_NAMES]:
            for pattern in _NAMED:
                near.update(self._terminology.find(pattern.format(name))[:1])
        return frozenset({concept, *near})

    def _look_alikes(self, concept: str) -> frozenset[str]:
        found = self._terminology.concept(concept)
        if found.semantic_type in _MEASURED:
            return longer_names(self._terminology, concept)
        is_drug = found.semantic_type is SemanticType.DRUG
        return look_alikes(self._terminology, found.name) if is_drug else frozenset()

    def _unknown_alike(self, words: str) -> frozenset[str]:
        return look_alikes(self._terminology, words) if words.isalpha() else frozenset()


_WORDED: Final = (NameKind.PREFERRED, NameKind.SYNONYM)


def _inside(span: Span, kept: Iterable[QueryCue]) -> bool:
    return any(cue.start <= span.start and span.end <= cue.end for cue in kept)


def _asked(span: Span, kept: Sequence[QueryCue], drug: bool, implied: Asked | None) -> Asked:
    """Return what the cues say of a span: a leading one of its whole stretch, a trailing one of
    what stands last before it."""
    if implied is Asked.ANY:
        return implied
    for cue in kept:
        if cue.asked in (Asked.TAKING, Asked.NOT_TAKING) and not drug:
            continue
        if not (cue.first <= span.start and span.end <= cue.last):
            continue
        if cue.first >= cue.end or cue.start - span.end <= 2:
            return cue.asked
    return implied or Asked.PRESENT


def _bound(text: str, span: Span, spans: Iterable[Span], measured: Sequence[Bound]) -> Bound | None:
    """Return the condition on the number that follows a span before anything else is named."""
    bound = next((b for b in measured if span.end <= b.start), None)
    if bound is None or len(text[span.end : bound.start].split()) > MOST_BETWEEN:
        return None
    return None if any(span.end <= s.start < bound.start for s in spans) else bound


def _side(text: str, span: Span) -> Side | None:
    found = [side for side in sides(text) if not (span.start <= side.start < span.end)]
    near = [s for s in found if 0 <= span.start - s.end <= 12 or 0 <= s.start - span.end <= 12]
    return near[0].side if near else None


def _stretches(
    text: str, spans: Sequence[Span], kept: Sequence[QueryCue], measured: Sequence[Bound]
) -> list[tuple[int, int]]:
    """Return the runs of content words between names, cues and numbers."""
    taken = [(s.start, s.end) for s in spans] + [(c.start, c.end) for c in kept]
    taken += [(b.start, b.end) for b in measured] + [(s.start, s.end) for s in sides(text)]
    runs: list[tuple[int, int]] = []
    open_ = False
    for match in TOKEN.finditer(text):
        covered = any(a < match.end() and match.start() < b for a, b in taken)
        if covered or match.group().lower() in STOP_WORDS or match.group().isdigit():
            open_ = False
        elif open_:
            runs[-1] = (runs[-1][0], match.end())
        else:
            runs.append(match.span())
            open_ = True
    return runs


_DENIED: Final = frozenset({Asked.NEGATED, Asked.NOT_TAKING})
_ELSEWHERE: Final = frozenset({Asked.FAMILY, Asked.NO_FAMILY, *_DENIED})


def _mode(wants: Sequence[Want]) -> AssertionMode | None:
    """Return the view of the notes in which the words asked for stand; None for the usual one."""
    asked = {want.asked for want in wants}
    if asked and asked <= {Asked.NEGATED}:
        return "negated"
    return "any" if asked & _ELSEWHERE and asked - {Asked.PRESENT} == asked else None
