"""Hold the notes that the legs found against what the question wants of them.

Two looks. `settled` asks the graph index what each note says of the concepts, and leaves out the
notes that only deny them: one statement for every hit of every leg. `sifted` reads the notes
themselves, best first, when the question asks for more: a standing ("former", "family history
of"), a number, a dose, a side.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from indexing.language.assertion import Offsets
from indexing.language.values import HasOffsets, Side, side
from indexing.model import Assertion
from indexing.ports import Derived, Ranking
from indexing.views import HIDDEN
from rankers.bounds import meets, of_blood
from rankers.cues import Asked
from rankers.evidence import Said, copied, heads_apart, places_of, told
from rankers.explain import Fused, Signal
from rankers.lookalike import holds_alike
from rankers.near import kept
from rankers.qualified import qualified
from rankers.sentence import sentence_of
from rankers.standing import AGAINST, BY_LABEL, COPIED, FULLY, LEAST, PARTLY, SILENT, standing
from rankers.wants import Want, Wants

BOTH_SIDES = 0.9  # of one that is asked: who names that one alone says more
MIXED = 0.5  # it goes against one thing asked and answers another

_ONE_SENTENCE: Final = 240  # code points on both sides
_PLAIN_DENIAL: Final = frozenset({Assertion.NEGATED, Assertion.FAMILY})

Standings = Mapping[str, Mapping[str, Assertion]]


def concepts(wants: Iterable[Want]) -> list[str]:
    """Return every concept whose standing in a note decides anything."""
    found: set[str] = set()
    for want in wants:
        found |= want.concepts | want.meaning.broader | want.meaning.alike
    return sorted(found)


def settled(
    rankings: Mapping[str, Ranking],
    asked: Wants,
    standings: Standings,
    worded: Mapping[str, AbstractSet[str]],
) -> tuple[dict[str, Ranking], dict[str, float]]:
    """Leave out the notes that only deny what is asked, or that speak of a drug which merely looks
    like it; return the rest, and by how much the standing of some weighs less than full.

    `worded` maps words to those of the doubtful notes that hold them.
    """
    wants = asked.wants
    if not unsettled(asked):
        return dict(rankings), {}
    weights: dict[str, float] = {}
    out: set[str] = set()
    known: dict[object, float | None] = {}  # hundreds of notes say the same few things
    holding = [(want.words, worded[want.words]) for want in wants if worded.get(want.words)]
    for doc_id, said in standings.items():  # what is not there weighs in full
        holds = [words for words, notes in holding if doc_id in notes]
        key = (*said.items(), *holds)
        weight = known[key] if key in known else known.setdefault(key, _left(wants, said, holds))
        if weight is None:
            out.add(doc_id)
        elif weight < FULLY:
            weights[doc_id] = weight
    if not out:
        return dict(rankings), weights
    every = {hit.doc_id for ranking in rankings.values() for hit in ranking.hits}
    return {leg: kept(ranking, every - out) for leg, ranking in rankings.items()}, weights


def _left(
    wants: Sequence[Want], said: Mapping[str, Assertion], holds: Sequence[str]
) -> float | None:
    """Return what a note's standing leaves of its score, None where it is left out. Of several
    things asked, none alone takes anything."""
    each = [_weighed(want, said, want.words in holds) for want in wants]
    if _left_out(wants, each, said, holds):
        return None
    return each[0] if len(wants) == 1 else FULLY


def unsettled(asked: Wants) -> bool:
    """Say whether the standing of a note decides anything for this question."""
    return asked.whole or any(want.particular for want in asked.wants)


def lowered(wants: Sequence[Want], standings: Standings) -> dict[str, float]:
    """Return what a standing takes from notes of which the question demands nothing: one that says
    all that is named only of somebody else, denies it or calls it over, is further off. Who weighs
    a risk of it is not: what is asked in many words may well be the risk."""
    weights: dict[str, float] = {}
    known: dict[object, float] = {}  # hundreds of notes say the same few things
    for doc_id, said in standings.items():
        key = (*said.items(),)
        weight = known[key] if key in known else known.setdefault(key, _best_told(wants, said))
        if weight < FULLY:
            weights[doc_id] = weight or MIXED
    return weights


def _best_told(wants: Sequence[Want], said: Mapping[str, Assertion]) -> float:
    certain = {c: told for c, told in said.items() if told is not Assertion.HYPOTHETICAL}
    told = (_weighed(want, certain, holds=True) for want in wants if not _mute(want, certain))
    return max(told, default=FULLY)


def _mute(want: Want, said: Mapping[str, Assertion]) -> bool:
    return want.concepts.isdisjoint(said)


def doubtful(want: Want, standings: Standings) -> list[str]:
    """Return the notes that go against what is asked unless they hold its very words."""
    own = want.concepts | want.meaning.own
    return [
        doc_id
        for doc_id, said in standings.items()
        if own.isdisjoint(said) and _weighed(want, said, holds=False) == AGAINST
    ]


def _left_out(
    wants: Sequence[Want],
    weights: Sequence[float],
    said: Mapping[str, Assertion],
    holds: Sequence[str],
) -> bool:
    """Say whether a note speaks against some of what is asked, and for none of it. What asks for
    more than a plain standing is left to the reading."""
    if AGAINST not in weights or not all(map(_is_plain, wants)):
        return False
    return all(
        weight == AGAINST or (want.words not in holds and want.concepts.isdisjoint(said))
        for want, weight in zip(wants, weights, strict=True)
    )


def _is_plain(want: Want) -> bool:
    return want.asked is Asked.PRESENT


def _weighed(want: Want, said: Mapping[str, Assertion], holds: bool) -> float:
    """Return what a note's standing leaves of its score, for one thing asked; `holds`: the words
    asked for stand in it."""
    if not _is_plain(want):
        return FULLY
    own = [told(want, c, said[c]) for c in want.meaning.own if c in said]
    # Who denies melanoma does not have one because of a narrower thing that is mentioned too.
    own = own or [said[concept] for concept in want.concepts if concept in said]
    if own:
        return max(BY_LABEL[Asked.PRESENT].get(status, AGAINST) for status in own)
    if holds:
        return FULLY
    if _denied_broadly(want, said) or any(concept in said for concept in want.meaning.alike):
        return AGAINST
    return FULLY


def _denied_broadly(want: Want, said: Mapping[str, Assertion]) -> bool:
    """A note that denies pain denies chest pain."""
    own = [said[concept] for concept in want.meaning.broader if concept in said]
    return bool(own) and all(status is Assertion.NEGATED for status in own)


def sifted(
    fused: Sequence[Fused], asked: Wants, notes: Mapping[str, Derived]
) -> tuple[list[Fused], list[Fused]]:
    """Return the hits whose notes answer, weighed by how well, and those that say nothing of what
    is asked; what goes against it is left out. A hit whose note is not given counts as the
    first."""
    answering: list[Fused] = []
    silent: list[Fused] = []
    for hit in fused:
        note = notes.get(hit.doc_id)
        weight = FULLY if note is None else answers(note, asked)
        if weight > SILENT:
            answering.append(scaled(hit, weight))
        elif weight > AGAINST:
            silent.append(scaled(hit, weight))
    return answering, silent


def repeats(note: Derived, asked: Wants) -> bool:
    """Say whether a note says some of what is asked, with its number and side, though only as an
    earlier one had said it."""
    return any(_answers(note, each) == COPIED and fitting(note, each) for each in asked.wants)


def met(note: Derived | None, asked: Wants) -> bool:
    """Say whether a note gives the numbers and sides that are asked, all or one of either; True
    where none is."""
    limits = [w for w in asked.wants if w.bound is not None or w.side is not None or w.form_asked]
    each = [note is None or bool(fitting(note, want)) for want in limits]
    return any(each) if asked.either and each else all(each)


def scaled(hit: Fused, weight: float) -> Fused:
    """Return a hit with a part of its score; its contributions still sum to it."""
    if weight == FULLY:
        return hit
    signals = {
        leg: Signal(s.rank, s.score, s.contribution * weight) for leg, s in hit.signals.items()
    }
    return Fused(hit.doc_id, hit.rank, hit.score * weight, signals)


def answers(note: Derived, asked: Wants) -> float:
    """Return how well a note answers all wants, or the best of either: 0 where it must not be
    shown, at most `SILENT` where it says nothing of something particular that is asked."""
    wants = asked.wants
    weights = [(want, _answers(note, want)) for want in wants]
    each = {weight for _, weight in weights}
    if AGAINST in each and each <= {AGAINST, SILENT}:
        return AGAINST  # it denies the one and says nothing of the other
    if asked.either:
        best = max((weight for _, weight in weights), default=FULLY)
        # As with what is asked together: what is merely named may be said in other words.
        return LEAST if best == SILENT and not any(map(_must_be_said, wants)) else best
    if any(weight == AGAINST and want.particular for want, weight in weights):
        return AGAINST
    alone = len(wants) == 1
    silent = any(
        (weight == SILENT and _must_be_said(want))
        or (weight == COPIED and (alone or want.particular))
        for want, weight in weights
    )
    # What is merely named need not be named again: a note may say it in other words.
    said = (weight for want, weight in weights if weight != SILENT or _must_be_said(want))
    total = math.prod(weight or MIXED for weight in said)
    if asked.linked and not _together(note, wants):
        total *= PARTLY
    return min(total, SILENT) if silent else max(total, LEAST)


def _together(note: Derived, wants: Sequence[Want]) -> bool:
    """Say whether a note tells all of it in one sentence."""
    first, *others = [fitting(note, want) for want in wants if want.concepts]
    text = note.document.text
    for each in first:
        start, end = sentence_of(text, each.start, each.end, _ONE_SENTENCE, _ONE_SENTENCE)
        if all(any(start <= s.start < end for s in said) for said in others):
            return True
    return False


def _must_be_said(want: Want) -> bool:
    """Say whether a note that does not name it is no answer: a drug has no other words."""
    return want.particular or want.exact


def _answers(note: Derived, want: Want) -> float:
    said = of_blood(note, want, places_of(note, want))
    if not said and want.asked is not Asked.UNTAKEN:
        return _silent(note, want)
    weight, kept = standing(note, want, said)
    if weight and want.asked is Asked.PRESENT and _only_copied(note, kept):
        return COPIED
    if weight == AGAINST:
        # Words that name no concept are no finding: only a plain denial speaks against them.
        doubted = not want.concepts and not all(s.assertion in _PLAIN_DENIAL for s in said)
        return SILENT if doubted and not want.particular else AGAINST
    if want.side is not None:
        weight *= _sided(note, want.side, kept)
    if want.bound is not None and weight:
        weight *= _measured(note, want, kept)
    return weight * qualified(note.document.text, kept, want.quality)[0]


def fitting(note: Derived, want: Want) -> list[Said]:
    """Return the places of a note that say of a want what is asked: its standing, its side, its
    number; none where they say something else."""
    weight, fits = standing(note, want, of_blood(note, want, places_of(note, want)))
    if weight == AGAINST:
        return []
    if want.side is not None:
        fits = [each for each in fits if _sided(note, want.side, [each]) >= BOTH_SIDES]
    if want.bound is not None:
        fits = [each for each in fits if _measured(note, want, [each]) == FULLY]
    weight, fits = qualified(note.document.text, fits, want.quality)
    return fits if weight == FULLY or not want.form_asked else []


def _silent(note: Derived, want: Want) -> float:
    """Weigh a note that says nothing of it."""
    meaning = want.meaning
    broader = [m for m in note.mentions if m.concept_id in meaning.broader]
    if want.asked is Asked.PRESENT and broader:
        if all(m.assertion is Assertion.NEGATED for m in broader):
            return AGAINST
        stands = [Offsets(m.start, m.end) for m in broader if m.assertion not in HIDDEN]
        if want.side is not None and _sided(note, want.side, stands) == AGAINST:
            return AGAINST
    if want.asked is Asked.PRESENT and want.side in (Side.LEFT, Side.RIGHT):
        # Said in words that stand apart, it is where the thing itself is said to be.
        heads = heads_apart(note, want.words)
        if heads and _sided(note, want.side, heads) == AGAINST:
            return AGAINST
    if meaning.alike and any(m.concept_id in meaning.alike for m in note.mentions):
        return AGAINST
    if want.exact and holds_alike(want.words, note.document.text):
        return AGAINST
    return SILENT


def _only_copied(note: Derived, said: Iterable[Said]) -> bool:
    old = copied(note)
    return bool(old) and all(any(a <= s.start < b for a, b in old) for s in said)


def _sided(note: Derived, wanted: Side, said: Iterable[HasOffsets]) -> float:
    found = {side(note.document.text, Offsets(s.start, s.end)) for s in said}
    if wanted in found or (wanted is Side.BILATERAL and len(found - {None}) > 1):
        return FULLY
    if Side.BILATERAL in found:
        return BOTH_SIDES
    return AGAINST if found - {None} else PARTLY


def _measured(note: Derived, want: Want, said: Sequence[Said]) -> float:
    """Weigh the numbers that stand with it."""
    held = meets(note, want, said)
    if held is None or (want.bound is not None and want.bound.bare and not held):
        return PARTLY
    return FULLY if held else AGAINST
