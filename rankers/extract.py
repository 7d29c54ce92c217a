"""The sentences that answer a question, taken from the notes that a page has read anyway.

Nothing is written anew: each sentence stands in its note, says what is asked as it was asked, and
tells how the note speaks of it (in the past, denied, of the family). What is only near in meaning
is no answer, and neither is a sentence that holds less than half of what is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from indexing.analysis import STOP_WORDS, Token, stem, stems, tokens
from indexing.language.assertion import Offsets, assess
from indexing.model import Assertion, Section
from indexing.ports import Derived
from indexing.views import HIDDEN, hides
from rankers.answer import Hit, Mark, Sentence
from rankers.cues import DENIED, Asked
from rankers.evidence import Said, copied, label
from rankers.judge import fitting
from rankers.latest import ordering
from rankers.lead import lead
from rankers.plan import Plan
from rankers.query import scopes
from rankers.snippets import apart, section_at, sentence_around
from rankers.standing import allergic
from rankers.times import times_told
from rankers.wants import LONGEST, Want

MOST = 5  # sentences
READ = 10  # of the best notes
PLACES = 8  # of one want in one note
NAME_WEIGHT, WORD_WEIGHT = 2.0, 1.0
LEAST = 0.5  # of what is asked, by weight

# Words that say how the things asked for belong together: a note says that in other words.
_BETWEEN = frozenset("patient treat given give taken receiv due caus complic".split())

# What stands now answers before what may be, that before what was, and that before a denial.
_ORDER = (
    Assertion.PRESENT, Assertion.UNCERTAIN, Assertion.HISTORICAL, Assertion.NEGATED,
    Assertion.FAMILY, Assertion.HYPOTHETICAL, Assertion.NOT_ASSESSED,
)  # fmt: skip


# Before all that, who asks for something in particular.
_FIRST = {
    Asked.SUSPECTED: Assertion.UNCERTAIN, Asked.HISTORY: Assertion.HISTORICAL,
    Asked.PAST: Assertion.HISTORICAL,
}  # fmt: skip

_OF_ALLERGY = frozenset({Asked.ALLERGY, Asked.INTOLERANCE, Asked.ANY})
_Fits = Sequence[tuple[Want, Sequence[Said]]]
_Stretches = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Need:
    """What a question is made of: its wants, the stems of the words beside them, and the sections
    that it names. `either`: one want is enough; `order`: what a sentence may say, the best answer
    first."""

    wants: tuple[Want, ...]
    words: frozenset[str]
    sections: frozenset[str]
    either: bool
    mode: str
    order: tuple[Assertion, ...]
    beside: tuple[Want, ...] = ()
    linked: bool = False

    @property
    def weight(self) -> float:
        names = NAME_WEIGHT * (min(len(self.wants), 1) if self.either else len(self.wants))
        return names + WORD_WEIGHT * len(self.words)


def extracted(
    plan: Plan, hits: Sequence[Hit], notes: Mapping[str, Derived]
) -> tuple[Sentence, ...]:
    """Return at most five sentences, the best first; none where no note says it. Copies of an
    earlier note are passed over, and what one patient's notes repeat is given once."""
    need = _need(plan)
    if not need.weight or len(plan.parsed.text) > LONGEST:
        return ()
    found = []
    for hit in hits[:READ]:
        note = notes.get(hit.doc_id)
        if note is not None and not hit.copy_of and (best := _best(need, hit, note)) is not None:
            found.append(best)
    if plan.parsed.exact:  # another wording is no answer to what was asked for literally
        found = [each for each in found if any(mark.kind == "literal" for mark in each.marks)]
    order = need.order
    # As the page has them, where they say as much: by rank, or the newest first.
    found.sort(key=lambda e: (-e.covers, order.index(Assertion(e.says))))
    return tuple(_once(found))[:MOST]


def _need(plan: Plan) -> _Need:
    asked = plan.wants
    wants = tuple(want for want in asked.wants if want.concepts or want.particular)
    taken = [(want.start, want.end) for want in wants]
    taken += [(cue.start, cue.end) for cue in asked.cues]
    taken += [(bound.start, bound.end) for bound in asked.bounds]
    taken += times_told(plan.parsed.text)
    said = list(tokens(plan.parsed.text))
    newest = ordering([token.term for token in said])
    beside = (
        token.term
        for at, token in enumerate(said)
        if at not in newest and not any(start <= token.start < end for start, end in taken)
    )
    words = frozenset(stem(word) for word in beside if word not in STOP_WORDS)
    if wants:
        words -= _BETWEEN
    sections = frozenset(scoped.section for scoped in scopes(plan.parsed.clause))
    first = {_FIRST.get(want.asked) for want in wants}
    order = tuple(sorted(_ORDER, key=lambda status: first != {status}))
    return _Need(
        wants, words, sections, asked.either, plan.assertion, order, asked.beside, asked.linked
    )


def _best(need: _Need, hit: Hit, note: Derived) -> Sentence | None:
    """Return the note's best sentence that answers, None where it has none."""
    fits = [(want, _fits(need, note, want)[:PLACES]) for want in need.wants]
    if not need.either and any(want.particular and not places for want, places in fits):
        return None
    missing = sum(not places for _, places in fits)
    at = [said.start for _, places in fits for said in places]
    if need.wants and (not at or (not need.either and missing > len(fits) // 3)):
        return None
    if need.beside and all(_speaks_against(note, want) for want in need.beside):
        return None
    text, old = note.document.text, copied(note)
    spans = dict.fromkeys(sentence_around(text, place) for place in at or [hit.snippet.at])
    made = [_weighed(need, note, fits, old, span) for span in spans if span[1] > span[0]]
    good = [each for each in made if each.covers >= LEAST and _stands_in(need, each)]
    if need.linked:
        good = [each for each in good if all(places for _, places in each.here)]
    best = max(good, key=lambda e: (e.covers, -need.order.index(e.says)), default=None)
    return None if best is None else _sentence(hit, note, best)


def _speaks_against(note: Derived, want: Want) -> bool:
    """Say whether a note names what the question does among other words, and not of this patient
    now, or not as it is asked of a past or a relative: no sentence of it answers by those words."""
    if want.asked is Asked.PRESENT:
        want = replace(want, asked=Asked.CURRENT)
    named = any(m.concept_id in want.concepts for m in note.mentions)
    return named and not fitting(note, want)


def _fits(need: _Need, note: Derived, want: Want) -> list[Said]:
    """Return the places that answer a want. Who reacts to a drug does not take it: a question that
    names drugs alone asks for their use."""
    found = _below_headings(want, fitting(note, want))
    if want.asked in DENIED:
        found = [said for said in found if not said.narrower]
    if need.words or need.linked or not want.drug or want.asked in _OF_ALLERGY:
        return found
    return [said for said in found if not allergic(note.document.text, said)]


def _below_headings(want: Want, found: list[Said]) -> list[Said]:
    """Leave out the headings of parts where the text below says it too, and where they are all that
    letters with several meanings are found in: "PE" is answered by no "PHYSICAL EXAMINATION"."""
    below = [said for said in found if said.section is None or said.start >= said.section.body]
    several = len(want.concepts) > 1 and not want.meaning.own
    return below if below or several else found


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A sentence of a note as far as it takes to choose among them: where it stands, the places
    and words in it that answer, what it hides, the share it covers, what its least place says."""

    start: int
    end: int
    here: _Fits
    words: Sequence[Token]
    hidden: Sequence[Offsets]
    section: str
    covers: float
    says: Assertion


def _stands_in(need: _Need, found: _Weighed) -> bool:
    return not need.sections or found.section in need.sections


def _weighed(
    need: _Need, note: Derived, fits: _Fits, old: _Stretches, span: tuple[int, int]
) -> _Weighed:
    start, end = span
    here = [(want, [s for s in places if start <= s.start < end]) for want, places in fits]
    said = [each for _, places in here for each in places]
    hidden = _hidden(need, note, start, end)
    told = {
        token: says
        for token, says in _worded(need, note, start, end).items()
        if not any(m.start < token.end and token.start < m.end for m in hidden)
    }
    words = list(told)
    names = sum(bool(places) for _, places in here)
    weight = NAME_WEIGHT * (min(names, 1) if need.either else names)
    weight += WORD_WEIGHT * len({stem(token.term) for token in words})
    return _Weighed(
        start, end, here, words, hidden,
        section_at(note.sections, said[0].start if said else start),
        round(weight / need.weight, 3),
        max((label(s, old) for s in said), key=need.order.index, default=_mostly(told.values())),
    )  # fmt: skip


def _mostly(told: Iterable[Assertion]) -> Assertion:
    """Return what most words of a sentence are said to be: "used to drink a pint of vodka" is over,
    whether its words name anything or not."""
    counts = Counter(told)
    return max(counts, key=lambda each: counts[each], default=Assertion.PRESENT)


def _sentence(hit: Hit, note: Derived, found: _Weighed) -> Sentence:
    start, end = found.start, found.end
    shown = [Mark(token.start - start, token.end - start, "literal") for token in found.words]
    shown += [
        Mark(s.start - start, min(s.end, end) - start, _kind(note, s, want))
        for want, places in found.here
        for s in places
    ]
    shown += [Mark(m.start - start, m.end - start, "negated") for m in found.hidden]
    said = [(s.start, s.end) for _, places in found.here for s in places]
    return Sentence(
        rank=hit.rank, doc_id=hit.doc_id, patient_id=hit.patient_id, title=hit.title,
        date=hit.date, section=found.section, text=note.document.text[start:end],
        marks=apart(shown), at=start, says=found.says.value, covers=found.covers,
        lead=lead(note.mentions, said, start),
    )  # fmt: skip


def _hidden(need: _Need, note: Derived, start: int, end: int) -> list[Offsets]:
    """Return what default search leaves out of a sentence: a word of it answers nothing."""
    if need.mode != "present":
        return []
    return [
        Offsets(max(m.start, start), min(m.end, end))
        for m in note.mentions
        if m.start < end and start < m.end and hides(m, m.section)
    ]


def _worded(need: _Need, note: Derived, start: int, end: int) -> dict[Token, Assertion]:
    """Return the words of a sentence that are asked for, and what they are said to be; where no
    concept is asked, those that the sentence asserts."""
    if not need.words:
        return {}
    text = note.document.text[start:end]
    found = [
        Token(start + token.start, start + token.end, token.term)
        for token in tokens(text)
        if stem(token.term) in need.words
    ]
    if need.wants or need.mode != "present" or not found:
        return dict.fromkeys(found, Assertion.PRESENT)
    places = [Offsets(token.start - start, token.end - start) for token in found]
    name = section_at(note.sections, start)
    inside = (Section(0, 0, len(text), name),) if name else ()
    told = zip(found, assess(text, inside, places), strict=True)
    return {t: judged.assertion for t, judged in told if judged.assertion not in HIDDEN}


def _kind(note: Derived, said: Said, want: Want) -> str:
    spelled = set(stems(note.document.text[said.start : said.end]))
    return "literal" if spelled & set(stems(want.words)) else "synonym"


def _once(found: Iterable[Sentence]) -> Iterator[Sentence]:
    seen: set[tuple[str, str]] = set()
    for each in found:
        above = each.lead.text if each.lead else ""
        key = (each.patient_id or each.doc_id, " ".join(f"{above} {each.text}".lower().split()))
        if key not in seen:
            seen.add(key)
            yield each
