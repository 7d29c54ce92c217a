"""Other wordings of what was asked: synonyms, abbreviations, lay and clinical names, narrower
concepts. Each is shown, weighs less than the words themselves, and can be taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from indexing.analysis import STOP_WORDS, fold, stem, stems, terms
from indexing.clauses import And, Clause, Expansion, Or, Phrase, Ranked, Scoped, Word
from indexing.language.matcher import Matcher, Span
from indexing.language.terminology import NameKind, Terminology
from rankers.births import other_counts
from rankers.cues import FAMILIES, cues
from rankers.fusion import EXPANSIONS, SHARES, Share
from rankers.graph import named
from rankers.kinds import query_class
from rankers.namesakes import namesakes
from rankers.offers import offer_id, taken

SYNONYM, ABBREVIATION, NARROWER = 0.9, 0.7, 0.5
# The words of a name that stand apart, against the name in one piece: a clinical name's words are
# the note's own and say more.
APART, CLINICAL_APART = 0.3, 0.6
MOST_NAMES = 16  # of one concept
MOST_NARROWER = 12
LETTERS = 5  # of an abbreviation
MOST_SPANS = 8  # concepts of one question; a pasted note is not expanded
SURE_ABBREVIATION = 0.8  # share of its uses that mean the concept

_WEIGHTS = {
    NameKind.PREFERRED: SYNONYM,
    NameKind.SYNONYM: SYNONYM,
    NameKind.LAY: SYNONYM,
    NameKind.ABBREVIATION: ABBREVIATION,
}


@dataclass(frozen=True, slots=True)
class Wording:
    """Another wording of `query[start:end]`. `kind`: synonym, lay, abbreviation, narrower, or
    ambiguous for one that is only offered. `id` names it in later requests; `concept_id` is given
    where the concept was taken up by hand."""

    id: str
    kind: str
    asked: str
    text: str
    weight: float
    start: int
    end: int
    clause: Clause
    offered: bool = False
    concept_id: str = ""


@dataclass(frozen=True, slots=True)
class Expanded:
    """The tree with other wordings in it, and every wording, applied or offered."""

    clause: Clause
    wordings: tuple[Wording, ...] = ()


@dataclass(frozen=True, slots=True)
class _Choices:
    """Wordings taken away and taken up by hand, and the kinds of those that come unasked."""

    rejected: frozenset[str]
    accepted: frozenset[str]
    kinds: frozenset[str]


class Expander:
    """Expands by one terminology; safe to share between threads."""

    def __init__(
        self, terminology: Terminology, matcher: Matcher, shares: Mapping[str, Share] = SHARES
    ) -> None:
        self._terminology, self._matcher, self._shares = terminology, matcher, shares
        self._every = lru_cache(maxsize=4096)(self._other_names)

    def expand(
        self, query: str, clause: Clause, rejected: Iterable[str] = (), accepted: Iterable[str] = ()
    ) -> Expanded:
        """Expand the words of a tree parsed from `query`; phrases and wildcards stay literal."""
        found: list[Wording] = []
        kinds = self._shares[query_class(query)].expansions
        own = frozenset(EXPANSIONS if kinds is None else kinds)
        choices = _Choices(frozenset(rejected), frozenset(accepted), own)
        expanded = _counted(self._clause(query, clause, choices, found), choices, found)
        return Expanded(expanded, tuple(found))

    def _clause(
        self,
        query: str,
        clause: Clause,
        choices: _Choices,
        found: list[Wording],
    ) -> Clause:
        if isinstance(clause, Word) and not clause.pattern:
            return self._words(query, (clause,), choices, found)
        if isinstance(clause, Ranked):
            words = tuple(p for p in clause.clauses if isinstance(p, Word) and not p.pattern)
            if len(words) == len(clause.clauses):
                return self._words(query, words, choices, found)
        if isinstance(clause, Ranked | And | Or):
            parts = tuple(self._clause(query, part, choices, found) for part in clause.clauses)
            return replace(clause, clauses=parts)
        if isinstance(clause, Scoped):
            return replace(clause, clause=self._clause(query, clause.clause, choices, found))
        return clause

    def _words(
        self,
        query: str,
        words: tuple[Word, ...],
        choices: _Choices,
        found: list[Wording],
    ) -> Clause:
        first, last = words[0].start, words[-1].end
        # "FHx of gout" asks for gout: nothing else is called "family history".
        whose = [cue for cue in cues(query[first:last]) if cue.asked in FAMILIES]
        spans = [
            span for span in named(self._matcher, query[first:last])
            if not any(cue.start <= span.start and span.end <= cue.end for cue in whose)
        ]  # fmt: skip
        plain: Clause = words[0] if len(words) == 1 else Ranked(words, first, last)
        if not spans and (concept := taken(query[first:last], choices.accepted - choices.rejected)):
            return self._taken(query[first:last], words, concept, choices, found)
        if not spans or len(spans) > MOST_SPANS:
            return plain
        parts: list[Clause] = []
        at = 0
        for span in spans:
            start, end = first + span.start, first + span.end
            inside = [w for w in words if w.start < end and start < w.end]
            if not inside or inside[0].start < at:
                continue
            wordings = self._wordings(query[start:end], span, start, end, choices)
            found.extend(wordings)
            parts += [w for w in words if at <= w.start < inside[0].start]
            lay = self._is_lay(span.concept_id, query[start:end])
            applied = [w for w in wordings if not w.offered]
            share = APART if lay else CLINICAL_APART
            parts += _unit(inside, applied, share, exact=self._is_no_plural(span, inside))
            at = inside[-1].end
        parts += [w for w in words if w.start >= at]
        return parts[0] if len(parts) == 1 else Ranked(tuple(parts), first, last)

    def _is_no_plural(self, span: Span, words: Sequence[Word]) -> bool:
        """Say whether a name is letters whose stem is another word: "AMS" is not "am"."""
        term = fold(words[0].text)
        other = stem(term)
        if len(words) > 1 or not words[0].text.isupper() or len(term) > LETTERS or other == term:
            return False
        return {span.concept_id, *span.candidates}.isdisjoint(self._terminology.find(other))

    def _taken(
        self,
        asked: str,
        words: tuple[Word, ...],
        concept: str,
        choices: _Choices,
        found: list[Wording],
    ) -> Clause:
        """Search words without a name by the concept that was taken up for them."""
        first, last = words[0].start, words[-1].end
        plain: Clause = words[0] if len(words) == 1 else Ranked(words, first, last)
        if concept not in self._terminology:
            return plain  # another terminology was loaded meanwhile
        name = self._terminology.concept(concept).name
        every = _distinct(asked, self._every(concept, choices.kinds))
        own = Wording(  # to take the offer back
            offer_id(concept, asked), "near", asked, name, SYNONYM, first, last, _literal(name),
            concept_id=concept,
        )  # fmt: skip
        others_of = [each for each in every if each[1] != name]
        wordings = [own, *_worded(asked, concept, others_of, first, last, choices.rejected)]
        found.extend(wordings)
        others = tuple((each.clause, each.weight) for each in wordings if not each.offered)
        return Expansion(plain, others, first, last)

    def _wordings(
        self,
        asked: str,
        span: Span,
        start: int,
        end: int,
        choices: _Choices,
    ) -> list[Wording]:
        if not span.ambiguous:
            concept = span.concept_id
        else:
            offered = [self._offer(asked, c, start, end) for c in span.candidates[:4]]
            taken = [w for w in offered if w.id in choices.accepted]
            if not taken:
                return [w for w in offered if w.id not in choices.rejected]
            concept = taken[0].id.partition(":")[2]
        kept = _distinct(asked, self._every(concept, choices.kinds))
        return _worded(asked, concept, kept, start, end, choices.rejected)

    def _is_lay(self, concept: str, asked: str) -> bool:
        """Say whether a question names a concept as lay people do."""
        key = self._terminology.keyer.key(asked)
        return any(
            name.kind in (NameKind.LAY, NameKind.LOOSE)
            and self._terminology.keyer.key(name.text) == key
            for name in self._terminology.names(concept)
        )

    def _offer(self, asked: str, concept: str, start: int, end: int) -> Wording:
        name = self._terminology.concept(concept).name
        clause = _literal(name)
        return Wording(
            f"is:{concept}", "ambiguous", asked, name, 0.0, start, end, clause, offered=True
        )

    def _other_names(
        self, concept: str, kinds: frozenset[str]
    ) -> tuple[tuple[str, str, float], ...]:
        every = [*self._names(concept), *self._narrower(concept)]
        return tuple(each for each in every if each[0] in kinds)

    def _names(self, concept: str) -> list[tuple[str, str, float]]:
        found = []
        same = {concept, *namesakes(self._terminology, concept)}
        for name in self._terminology.names(concept):
            sure = name.kind is not NameKind.ABBREVIATION or name.weight >= SURE_ABBREVIATION
            if name.kind not in _WEIGHTS or not sure:
                continue
            meant = self._terminology.find(name.text)
            if meant and meant[0] not in same:
                continue  # mostly means something else
            kind = "synonym" if name.kind is NameKind.PREFERRED else name.kind.value
            found.append((kind, name.text, _WEIGHTS[name.kind]))
        return found

    def _narrower(self, concept: str) -> list[tuple[str, str, float]]:
        near = self._terminology.descendants(concept, MOST_NARROWER)
        return [("narrower", self._terminology.concept(c).name, NARROWER) for c in near]


def _worded(
    asked: str,
    concept: str,
    names: Iterable[tuple[str, str, float]],
    start: int,
    end: int,
    rejected: frozenset[str],
) -> list[Wording]:
    """Return a concept's names as wordings; one that was taken away is offered again."""
    return [
        Wording(
            f"{concept}/{text}", kind, asked, text, weight, start, end, _literal(text),
            offered=f"{concept}/{text}" in rejected,
        )
        for kind, text, weight in names
    ]  # fmt: skip


def _distinct(asked: str, every: Sequence[tuple[str, str, float]]) -> list[tuple[str, str, float]]:
    """Drop what says nothing new: the words asked for, and names that hold a shorter one."""
    known = [stems(asked)]
    kept: list[tuple[str, str, float]] = []
    for kind, text, weight in sorted(every, key=lambda one: (-one[2], len(terms(one[1])))):
        own = stems(text)
        if not own or any(_holds(own, other) for other in known):
            continue
        known.append(own)
        kept.append((kind, text, weight))
    names = [one for one in kept if one[0] != "narrower"][:MOST_NAMES]
    return names + [one for one in kept if one[0] == "narrower"]


def _holds(longer: list[str], shorter: list[str]) -> bool:
    size = len(shorter)
    return any(longer[at : at + size] == shorter for at in range(len(longer) - size + 1))


def _counted(clause: Clause, choices: _Choices, found: list[Wording]) -> Clause:
    """Add what counts births otherwise to the words that count them."""
    if isinstance(clause, Word) and not clause.pattern:
        names = [("synonym", text, SYNONYM) for text in other_counts(clause.text)]
        start, end = clause.start, clause.end
        wordings = _worded(clause.text, "births", names, start, end, choices.rejected)
        found.extend(wordings)
        others = tuple((each.clause, each.weight) for each in wordings if not each.offered)
        return Expansion(clause, others, start, end) if wordings else clause
    if isinstance(clause, Ranked | And | Or):
        return replace(clause, clauses=tuple(_counted(c, choices, found) for c in clause.clauses))
    return clause


def _literal(text: str) -> Clause:
    words = tuple(terms(text))
    return Word(text) if len(words) == 1 else Phrase(words)


def _unit(
    words: list[Word], wordings: Sequence[Wording], share: float, *, exact: bool
) -> list[Clause]:
    """Make one thing of a name's words: together they weigh in full, apart their share. A word that
    must be `exact` is looked for as it is written."""
    if not wordings and not exact:
        return list(words)
    start, end = words[0].start, words[-1].end
    others = [(wording.clause, wording.weight) for wording in wordings]
    content = [word for word in words if word.text.lower() not in STOP_WORDS] or words
    if len(content) == 1:
        one: Clause = Phrase((fold(content[0].text),), 0, start, end) if exact else content[0]
        return [Expansion(one, tuple(others), start, end)]
    together = Phrase(tuple(t for word in words for t in terms(word.text)), 0, start, end)
    apart = Ranked(tuple(content), start, end)
    return [Expansion(together, ((apart, share), *others), start, end)]
