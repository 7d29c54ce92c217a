"""The sentence of a note that answers best, with what matched marked by offsets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from indexing.analysis import STOP_WORDS, fold, stem, stems, terms
from indexing.clauses import Clause, Phrase
from indexing.language.other_meanings import are_other_letters, is_title
from indexing.model import Mention, Section
from indexing.ports import AssertionMode, Derived
from indexing.views import hides
from rankers.answer import Mark, Snippet
from rankers.forms import Forms
from rankers.lead import lead
from rankers.query import leaves, scopes

LEAST_WORDS = 3  # of a sentence that is shown because it is near in meaning
MOST_SKIPPED = 20  # headings and numbers before it
LONGEST = 320  # code points of a snippet
MOST_MATCHES = 300  # looked at in one note: a word on every line does not need all of them
WITHIN = 80  # code points between the words of another wording: "passed" alone is no bloody urine
ASIDE_SHARE = 0.1  # of a word's weight that says how a thing is asked for: "mother had", "under 8"
HIDDEN_HERE = 0.5  # of what a sentence is worth in which something asked is denied alone
HIDDEN_SHARE = 0.1  # of a match's weight where default search leaves the mention out
PHRASE_WEIGHT, CONCEPT_WEIGHT, OTHER_WEIGHT, NEAR_WEIGHT = 4.0, 1.5, 0.8, 0.5

_MARKS = ".!?"  # that end a sentence, as the end of a line does
TITLES = ("Ms", "Mr", "Mrs", "Dr", "Prof")
_TITLE = re.compile(rf"\b(?:{'|'.join(TITLES)})\Z")
# "80 mg q.d. discontinued today" goes on.
_GOES_ON = re.compile(r"(?:\b[A-Za-z](?:\.[A-Za-z]){1,3}|\b(?:sq|vs|approx))\Z")
_FIRST = ("phrase", "literal", "synonym", "concept", "negated", "cue", "semantic")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a snippet should show. `words` maps stems to weights; `synonyms` each stem of another
    wording to those that must stand beside it, by wording; `phrases` and `forms` look at lowered
    text; `concepts` and `near` are what was asked for and its neighbourhood; `sections` those in
    which all of it must stand, none for anywhere."""

    words: Mapping[str, float]
    synonyms: Mapping[str, tuple[frozenset[str], ...]]
    phrases: tuple[re.Pattern[str], ...]
    forms: Forms
    concepts: frozenset[str]
    near: frozenset[str]
    sections: frozenset[str] = frozenset()


class _Found(NamedTuple):  # some hundred a page: a frozen dataclass takes four times as long
    """A match; those of one `key` count once within a sentence."""

    start: int
    end: int
    kind: str
    key: str
    weight: float


def wanted(
    clause: Clause,
    synonyms: Iterable[str] = (),
    concepts: Iterable[str] = (),
    near: Iterable[str] = (),
    aside: Sequence[tuple[int, int]] = (),
) -> Wanted:
    """Read a query tree for what to show. Longer words weigh more: they are mostly rarer; those
    within `aside` of the query hardly anything."""
    words: dict[str, float] = {}
    phrases: list[re.Pattern[str]] = []
    wildcards: list[str] = []
    for leaf in leaves(clause):
        if isinstance(leaf, Phrase) and not leaf.slop:
            spelled = r"[\W_]+".join(re.escape(lowered(word)) for word in leaf.words)
            phrases.append(re.compile(rf"(?<!\w){spelled}(?!\w)"))
        elif isinstance(leaf, Phrase):
            words.update({stem(word): 2.0 for word in leaf.words})
        elif leaf.pattern:
            wildcards.append(leaf.text)
        else:
            beside = any(start <= leaf.start < end for start, end in aside)
            share = ASIDE_SHARE if beside else 1.0
            for word in terms(leaf.text):
                weight = share * (1.0 + min(len(word), 12) / 12)
                words[stem(word)] = max(weight, words.get(stem(word), 0.0))
    content = {word: weight for word, weight in words.items() if word not in STOP_WORDS}
    words = content or words
    others: dict[str, tuple[frozenset[str], ...]] = {}
    for name in synonyms:
        whole = frozenset(stems(name)) - STOP_WORDS
        for word in whole:
            others[word] = (*others.get(word, ()), whole - {word})
    return Wanted(
        words, {t: w for t, w in others.items() if t not in words}, tuple(phrases),
        Forms.of({**words, **others}, wildcards), frozenset(concepts), frozenset(near),
        _sections(clause),
    )  # fmt: skip


def _sections(clause: Clause) -> frozenset[str]:
    parts = list(scopes(clause))
    inside = [leaf for part in parts for leaf in leaves(part)]
    everything = inside == list(leaves(clause))
    return frozenset(part.section for part in parts) if everything else frozenset()


def lowered(text: str) -> str:
    """Spell in lower case, code point by code point. Patterns that ignore case themselves take
    longer to compile than a page takes to search."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(c if len(c.lower()) > 1 else c.lower() for c in text)


def snippet(
    derived: Derived,
    want: Wanted,
    mode: AssertionMode,
    passage: int | None,
    told: Sequence[tuple[int, int]] = (),
) -> Snippet:
    """Choose the sentence and mark it; `passage` is where the vector leg found the note, `told`
    where it says what is asked as it is asked: of whom, when, how much, on which side."""
    text = derived.document.text
    if not text:
        return Snippet()
    found = list(_matches(derived, want, mode))
    if told and not any(a < f.end and f.start < b for f in found for a, b in told):
        # Said in words that the question does not have: "noncompliant with her medications".
        found += [_Found(a, b, "synonym", "told", CONCEPT_WEIGHT) for a, b in told]
    if not found:
        return _opening(derived, passage)
    start, end = _best(text, _answering(found, told) or _inside(found, derived, want) or found)
    shown = [f for f in found if f.start < end and f.end > start]
    marks = apart(Mark(max(f.start, start) - start, min(f.end, end) - start, f.kind) for f in shown)
    section = section_at(derived.sections, shown[0].start)
    above = lead(derived.mentions, [(f.start, f.end) for f in shown], start)
    return Snippet(text[start:end], marks, section, start, above)


def _answering(found: list[_Found], told: Sequence[tuple[int, int]]) -> list[_Found]:
    return [f for f in found if any(a < f.end and f.start < b for a, b in told)] if told else []


def _inside(found: list[_Found], derived: Derived, want: Wanted) -> list[_Found]:
    if not want.sections:
        return []
    return [f for f in found if section_at(derived.sections, f.start) in want.sections]


def marks(
    derived: Derived, want: Wanted, mode: AssertionMode, passage: int | None = None
) -> tuple[Mark, ...]:
    """Mark the whole note as its snippets are marked; offsets are the note's."""
    found = list(_matches(derived, want, mode))
    if not found:
        opening = _opening(derived, passage)
        at = opening.at
        return tuple(Mark(at + m.start, at + m.end, m.kind) for m in opening.marks)
    return apart(Mark(f.start, f.end, f.kind) for f in found if f.start < f.end)


def _matches(derived: Derived, want: Wanted, mode: AssertionMode) -> Iterator[_Found]:
    text = lowered(derived.document.text)
    hidden = [m for m in derived.mentions if hides(m, m.section)] if mode == "present" else []
    for number, phrase in enumerate(want.phrases):
        for match, _ in zip(phrase.finditer(text), range(MOST_MATCHES), strict=False):
            share = _share(hidden, match.start(), match.end())
            kind = "phrase" if share == 1 else "negated"
            weight = PHRASE_WEIGHT * share
            yield _Found(match.start(), match.end(), kind, f"phrase {number}", weight)
    yield from _words(derived, want, mode, text, hidden)
    if want.concepts or want.near:
        yield from _mentions(derived, want, mode)


def _words(
    derived: Derived, want: Wanted, mode: AssertionMode, text: str, hidden: list[Mention]
) -> Iterator[_Found]:
    places = [
        (stem(fold(text[start:end])), start, end)
        for start, end in want.forms.places(text, MOST_MATCHES)
    ]
    for word, start, end in places:
        literal = want.words.get(word)
        weight = literal or _worth(want, word, start, places)
        if not weight and want.words:  # where there are none, a wildcard found it
            continue
        if not literal and are_other_letters(derived.document.text, start, end):
            continue
        if mode == "present" and is_title(derived.document.text, start, end):
            continue
        share = _share(hidden, start, end)
        kind = "literal" if literal or not weight else "synonym"
        yield _Found(start, end, kind if share == 1 else "negated", word, (weight or 1.0) * share)


def _worth(want: Wanted, word: str, at: int, places: Sequence[tuple[str, int, int]]) -> float:
    """Return what a word of another wording weighs: nothing where the rest of it is not near."""
    wordings = want.synonyms.get(word, ())
    if not wordings or frozenset() in wordings:
        return OTHER_WEIGHT if wordings else 0.0
    near = {other for other, place, _ in places if abs(place - at) <= WITHIN}
    return OTHER_WEIGHT if any(rest <= near for rest in wordings) else 0.0


def _share(hidden: list[Mention], start: int, end: int) -> float:
    if hidden and any(m.start < end and start < m.end for m in hidden):
        return HIDDEN_SHARE
    return 1.0


def _mentions(derived: Derived, want: Wanted, mode: AssertionMode) -> Iterator[_Found]:
    for mention in derived.mentions:
        if mention.concept_id in want.concepts:
            kind, weight = "synonym", CONCEPT_WEIGHT
        elif mention.concept_id in want.near:
            kind, weight = "concept", NEAR_WEIGHT
        else:
            continue
        out = mode == "present" and hides(mention, mention.section)
        weight *= HIDDEN_SHARE if out else 1.0
        yield _Found(
            mention.start, mention.end, "negated" if out else kind, mention.concept_id, weight
        )
        cue = mention.cue
        if cue is None:
            continue
        above = derived.document.text.find("\n", cue.end, mention.start) >= 0
        if out or above or mode != "present":
            yield _Found(cue.start, cue.end, "cue", "cue", 0.0)


def _best(text: str, found: list[_Found]) -> tuple[int, int]:
    """Return the sentence with the most distinct matches, the first of equals, grown to fit."""
    ordered = sorted(found)
    best, best_score = (0, 0), -1.0
    done = -1
    for at, first in enumerate(ordered):
        if first.start < done:
            continue
        start, end = sentence_around(text, first.start)
        done = end
        weights: dict[str, float] = {}
        denied, said = set[str](), set[str]()
        for each in islice(ordered, at, None):
            if each.start >= end:
                break
            weights[each.key] = max(weights.get(each.key, 0.0), each.weight)
            (denied if each.kind == "negated" else said).add(each.key)
        score = sum(weights.values())
        score *= HIDDEN_HERE if denied - said else 1.0
        if score > best_score:
            best, best_score = (start, end), score
    return best


def sentence_around(text: str, position: int) -> tuple[int, int]:
    """Return the sentence around `position`, at most `LONGEST` long, cut at spaces."""
    low, high = max(0, position - LONGEST // 2), min(len(text), position + LONGEST)
    start = _begin(text, low, position)
    end = _end(text, position, high)
    if start == low and low > 0:
        start = text.find(" ", low, position) + 1 or low
    if end - start > LONGEST:
        cut = text.rfind(" ", position + 1, start + LONGEST)
        end = cut if cut > position else start + LONGEST
    while start < position and text[start].isspace():
        start += 1
    while end > position + 1 and text[end - 1].isspace():
        end -= 1
    return start, end


def _begin(text: str, low: int, position: int) -> int:
    """Return where the last sentence before `position` ends, `low` for none. Mark by mark: a page
    asks seventy times, and one pattern of all takes longer."""
    start = text.rfind("\n", low, position) + 1 or low
    for mark in _MARKS:
        at = text.rfind(mark, start, position)
        while at >= 0 and not _ends(text, at):
            at = text.rfind(mark, start, at)
        start = max(start, at + 1)
    return start


def _end(text: str, position: int, high: int) -> int:
    """Return where the sentence at `position` ends, `high` for nowhere before."""
    end = text.find("\n", position, high) + 1 or high
    for mark in _MARKS:
        at = text.find(mark, position, end)
        while at >= 0 and not _ends(text, at):
            at = text.find(mark, at + 1, end)
        end = at + 1 or end
    return end


def _ends(text: str, at: int) -> bool:
    """Say whether the mark at `at` ends a sentence: "Ms. Example, 49, was well" is one."""
    if not text[at + 1 : at + 2].isspace():
        return False
    if text[at] != ".":
        return True
    on = text[at + 2 : at + 3].islower() and _GOES_ON.search(text, max(0, at - 8), at)
    return not on and _TITLE.search(text, max(0, at - 5), at) is None


def _opening(derived: Derived, passage: int | None) -> Snippet:
    """Show where the meaning was found when no word was."""
    text = derived.document.text
    place = next((p for p in derived.passages if p.number == passage), None)
    first, last = (place.start, place.end) if place else (0, len(text))
    start, end = sentence_around(text, _past_space(text, first))
    for _ in range(MOST_SKIPPED):
        after = _past_space(text, end)
        if not _says_little(text[start:end]) or after >= last - 1:
            break
        start, end = sentence_around(text, after)
    marks = (Mark(0, end - start, "semantic"),) if place and end > start else ()
    return Snippet(text[start:end], marks, section_at(derived.sections, start), start)


def _past_space(text: str, at: int) -> int:
    while at < len(text) - 1 and text[at].isspace():
        at += 1
    return at


def _says_little(sentence: str) -> bool:
    """Say whether it is a number of a list or a heading: nothing that could have been found."""
    return sentence.rstrip().endswith(":") or len(terms(sentence)) < LEAST_WORDS


def section_at(sections: Iterable[Section], position: int) -> str:
    return next((s.name for s in sections if s.start <= position < s.end), "")


def apart(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Keep marks that do not overlap: the more literal one wins, then the longer."""
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda m: (_FIRST.index(m.kind), m.start - m.end, m.start)):
        if all(mark.end <= other.start or other.end <= mark.start for other in kept):
            kept.append(mark)
    return tuple(sorted(kept, key=lambda m: m.start))
