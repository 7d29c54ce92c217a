"""The reference full-text engine: dicts and loops, every document looked at for every question.

It ranks by the same formula as the others (BM25, k1 1.2, b 0.75, Lucene's idf) with exact lengths.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product

from indexing.access import LABELS, Access
from indexing.analysis import fold, stem, stems, terms
from indexing.clauses import (
    And,
    Clause,
    Expansion,
    Field,
    Held,
    Not,
    Or,
    Phrase,
    Ranked,
    Scoped,
    Word,
    interval,
)
from indexing.compiling import TITLE_WEIGHT, Context, levelled, rarity
from indexing.filters import FACETS, Filters, compared
from indexing.model import Document, IndexState, TenantId, Tombstone
from indexing.ports import AssertionMode, FacetCount, LexicalEntry, Ranking, Scored
from indexing.reconcile import digest
from indexing.views import FILLER, View, Views, views

K1, B = 1.2, 0.75
NOTHING = View((), ())


@dataclass(frozen=True, slots=True)
class _Held:
    """A document and its views; `document` None for a tombstone."""

    version: int
    document: Document | None = None
    cut: Views | None = None


class MemoryLexicalIndex:
    """Keeps everything in this process; a tenant's statistics are its own."""

    def __init__(self, *, title_weight: float = TITLE_WEIGHT) -> None:
        self._title_weight = title_weight
        self._tenants: dict[TenantId, dict[str, _Held]] = {}

    def upsert(self, tenant_id: TenantId, entries: Sequence[LexicalEntry]) -> None:
        """Keep every entry that is not older than what is there."""
        held = self._tenants.setdefault(tenant_id, {})
        for entry in entries:
            document = entry.document
            known = held.get(document.doc_id)
            if known is None or _gives_way(known, document.version):
                held[document.doc_id] = _Held(document.version, document, views(entry))

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Forget documents, and remember at which version."""
        held = self._tenants.setdefault(tenant_id, {})
        for stone in tombstones:
            known = held.get(stone.key)
            if known is None or known.version <= stone.version:
                held[stone.key] = _Held(stone.version)

    def search(
        self, access: Access, clause: Clause, filters: Filters, k: int, assertion: AssertionMode
    ) -> Ranking:
        """Rank the documents that satisfy `clause`; `total` is exact."""
        scorer = _Scorer(self._live(access.tenant_id), self._title_weight)
        found = scorer.matches(access, clause, filters, assertion)
        best = sorted((-score, doc_id) for doc_id, score in found.items())
        hits = (Scored(d, -score, rank) for rank, (score, d) in enumerate(best[: max(k, 0)], 1))
        return Ranking(tuple(hits), len(found), frozenset(d for _, d in best[max(k, 0) :]))

    def matching(
        self,
        access: Access,
        clause: Clause,
        filters: Filters,
        assertion: AssertionMode,
        doc_ids: Iterable[str],
    ) -> frozenset[str]:
        """Return those of `doc_ids` that satisfy `clause` and `filters`."""
        return frozenset(self.scores(access, clause, filters, assertion, doc_ids))

    def scores(
        self,
        access: Access,
        clause: Clause,
        filters: Filters,
        assertion: AssertionMode,
        doc_ids: Iterable[str],
    ) -> Mapping[str, float]:
        """Return what those of `doc_ids` that satisfy `clause` and `filters` score."""
        scorer = _Scorer(self._live(access.tenant_id), self._title_weight)
        found = scorer.matches(access, clause, filters, assertion)
        return {doc_id: found[doc_id] for doc_id in found.keys() & set(doc_ids)}

    def facets(
        self, access: Access, clause: Clause, filters: Filters, assertion: AssertionMode, size: int
    ) -> Mapping[str, tuple[FacetCount, ...]]:
        """Count the matches by each facet."""
        live = self._live(access.tenant_id)
        scorer = _Scorer(live, self._title_weight)
        found = [live[d] for d in scorer.matches(access, clause, filters, assertion)]
        return {name: _counted(name, [_value(h, name) for h in found], size) for name in FACETS}

    def counts(
        self, access: Access, clauses: Sequence[Clause | None], filters: Filters
    ) -> tuple[int, ...]:
        """Count the visible documents of each clause; the whole text counts, asserted or not."""
        scorer = _Scorer(self._live(access.tenant_id), self._title_weight)
        return tuple(len(scorer.matches(access, each, filters, "any")) for each in clauses)

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count what is held, and fold it into one digest."""
        held = self.entries(tenant_id)
        return IndexState(len(held), digest(held))

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document."""
        return {doc_id: held.version for doc_id, held in self._live(tenant_id).items()}

    def drop(self, tenant_id: TenantId) -> None:
        """Forget a tenant."""
        self._tenants.pop(tenant_id, None)

    def _live(self, tenant_id: TenantId) -> dict[str, _Held]:
        held = self._tenants.get(tenant_id, {})
        return {doc_id: each for doc_id, each in held.items() if each.document is not None}


def visible(document: Document, access: Access, filters: Filters) -> bool:
    """Say whether access and filters let a document through."""
    labels = frozenset(label if label in LABELS else "OTHER" for label in document.labels)
    if not access.opens(document.patient_id, labels):
        return False
    for name, values in filters.only.items():
        if field_value(document, name) not in {compared(name, value) for value in values}:
            return False
    for name, values in filters.without.items():
        if field_value(document, name) in {compared(name, value) for value in values}:
            return False
    return overlaps(document, filters.date_from, filters.date_to)


def field_value(document: Document, name: str) -> str:
    """Return a field as filters compare it."""
    shown = {
        "type": document.type,
        "specialty": document.specialty,
        "author": document.author,
        "patient": document.patient_id or "",
    }
    return compared(name, shown[name])


def overlaps(document: Document, start: datetime | None, end: datetime | None) -> bool:
    """Say whether a document's interval overlaps [start, end); undated ones never do."""
    if start is None and end is None:
        return True
    if document.date_start is None:
        return False
    if end is not None and document.date_start >= end:
        return False
    last = document.date_end
    if last is None or last <= document.date_start:
        return start is None or document.date_start >= start
    return start is None or last > start


def _value(held: _Held, name: str) -> str:
    document = held.document
    assert document is not None  # only live ones are counted
    if name == "period":
        start = document.date_start
        return f"{start.astimezone(UTC).year:04d}" if start else ""
    if name == "patient":
        return document.patient_id or ""
    return {"type": document.type, "specialty": document.specialty, "author": document.author}[name]


def _counted(name: str, values: list[str], size: int) -> tuple[FacetCount, ...]:
    counts = Counter(compared(name, value) for value in values)
    shown: dict[str, str] = {}
    for value, _ in Counter(values).most_common():
        shown.setdefault(compared(name, value), value)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(FacetCount(shown[value], count) for value, count in ordered[:size])


class _Scorer:
    """Scores every document of one tenant; None stands for no match."""

    def __init__(self, live: Mapping[str, _Held], title_weight: float) -> None:
        self._live = live
        self._title_weight = title_weight

    def matches(
        self, access: Access, clause: Clause | None, filters: Filters, mode: AssertionMode
    ) -> dict[str, float]:
        """Return {doc_id: score} of what satisfies everything."""
        found: dict[str, float] = {}
        for doc_id, held in self._live.items():
            assert held.document is not None  # only live ones are here
            if visible(held.document, access, filters):
                score = 0.0 if clause is None else self._score(held, clause, Context(mode))
                if score is not None:
                    found[doc_id] = score
        return found

    def _score(self, held: _Held, clause: Clause, context: Context) -> float | None:
        if isinstance(clause, Word):
            return self._word(held, clause, context)
        if isinstance(clause, Phrase):
            return self._phrase(held, clause.words, clause.slop, context)
        if isinstance(clause, Scoped):
            return self._score(held, clause.clause, replace(context, section=clause.section))
        if isinstance(clause, Field):
            return 0.0 if _has(held, clause) else None
        if isinstance(clause, Ranked | Or):
            ranked = replace(context, ranked=isinstance(clause, Ranked))
            return _sum(self._score(held, part, ranked) for part in clause.clauses)
        if isinstance(clause, And):
            each = [self._score(held, p, replace(context, ranked=False)) for p in clause.clauses]
            return None if None in each else _sum(each)
        if isinstance(clause, Not):
            whole = replace(context, mode="any", ranked=False)
            return 0.0 if self._score(held, clause.clause, whole) is None else None
        if isinstance(clause, Held):
            return self._share_held(held, clause, replace(context, ranked=True))
        return self._expansion(held, clause, context)

    def _share_held(self, held: _Held, clause: Held, context: Context) -> float | None:
        rarities = [self._rarity(part, context) for part in clause.clauses]
        there = [
            rarity
            for part, rarity in zip(clause.clauses, rarities, strict=True)
            if rarity and self._score(held, part, context) is not None
        ]
        return sum(there) / sum(rarities) if there else None

    def _expansion(self, held: _Held, clause: Expansion, context: Context) -> float | None:
        plain = replace(context, ranked=False)
        scores = [self._score(held, clause.clause, context)]
        wordings = [clause.clause, *(other for other, _ in clause.others)]
        rarities = [self._rarity(each, context) for each in wordings]
        factors = levelled([weight for _, weight in clause.others], rarities)
        for other, factor in zip(wordings[1:], factors, strict=True):
            score = self._score(held, other, plain)
            scores.append(None if score is None else factor * score)
        return max((score for score in scores if score is not None), default=None)

    def _rarity(self, clause: Clause, context: Context) -> float:
        held = self._live.values()
        if isinstance(clause, Expansion):
            wordings = [clause.clause, *(other for other, _ in clause.others)]
            return next(filter(None, (self._rarity(each, context) for each in wordings)), 0.0)
        if isinstance(clause, Word) and not clause.pattern:
            words, every = stems(clause.text), [_view(each, context).stems for each in held]
        elif isinstance(clause, Phrase):
            words, every = list(clause.words), [_view(each, context).exact for each in held]
        else:
            return 0.0
        return rarity(len(every), [sum(word in view for view in every) for word in words])

    def _word(self, held: _Held, word: Word, context: Context) -> float | None:
        if word.pattern:
            return self._pattern(held, word.text, context)
        found = stems(word.text)
        if len(found) > 1 and not context.ranked:
            return self._phrase(held, tuple(terms(word.text)), 0, context)
        return _sum(self._stem(held, term, context) for term in found)

    def _stem(self, held: _Held, term: str, context: Context) -> float | None:
        if context.section:
            return self._in_section(held, (term,), 0, context)
        body = self._bm25(held, lambda h: _view(h, context).stems, (term,), 0)
        if context.mode == "negated" or not self._title_weight:
            return body
        title = self._bm25(held, lambda h: _cut(h).title.stems, (term,), 0)
        return _sum((body, None if title is None else self._title_weight * title))

    def _phrase(
        self, held: _Held, words: tuple[str, ...], slop: int, context: Context
    ) -> float | None:
        if not context.section:
            return self._bm25(held, lambda h: _view(h, context).exact, words, slop)
        mode: AssertionMode = "any" if context.mode == "present" else context.mode
        literal = _view(held, Context(mode)).exact
        if not _frequency(literal, words, slop):
            return None
        return self._in_section(held, tuple(stem(word) for word in words), slop, context)

    def _in_section(
        self, held: _Held, found: tuple[str, ...], slop: int, context: Context
    ) -> float | None:
        asserted = _cut(held).sections.get(context.section, NOTHING).stems
        whole = _cut(held).whole_sections.get(context.section, NOTHING).stems
        if context.mode == "present":
            looked = [asserted]
        elif context.mode == "any":
            looked = [asserted, whole]
        else:
            looked = [whole] if _frequency(_cut(held).denied.stems, found, slop) else []
        best = max((_frequency(view, found, slop) for view in looked), default=0)
        return best / (best + K1) if best else None

    def _pattern(self, held: _Held, text: str, context: Context) -> float | None:
        parts = [re.escape(fold(part)) for part in text.split("*")]
        wanted = re.compile(".*".join(parts))
        # A section may lift what the note as a whole hides.
        view = _cut(held).whole if context.section else _view(held, context)
        matched = {term for term in view.exact if wanted.fullmatch(term)}
        if context.section:
            found = [self._in_section(held, (stem(t),), 0, context) for t in matched]
            return _sum(found)
        return 1.0 if matched else None

    def _bm25(
        self,
        held: _Held,
        view: Callable[[_Held], tuple[str, ...]],
        words: tuple[str, ...],
        slop: int,
    ) -> float | None:
        """Source: Robertson & Zaragoza 2009, with the idf of Lucene (never negative)."""
        frequency = _frequency(view(held), words, slop)
        if not frequency:
            return None
        every = [view(other) for other in self._live.values()]
        lengths = [sum(term != FILLER for term in terms_) for terms_ in every]
        average = sum(lengths) / len(lengths)
        idf = rarity(len(every), [sum(word in v for v in every) for word in words])
        length = sum(term != FILLER for term in view(held))
        norm = K1 * (1 - B + B * length / average)
        return idf * (K1 + 1) * frequency / (frequency + norm)


def _cut(held: _Held) -> Views:
    assert held.cut is not None  # only live ones are looked at
    return held.cut


def _view(held: _Held, context: Context) -> View:
    cut = _cut(held)
    return {"present": cut.asserted, "any": cut.whole, "negated": cut.denied}[context.mode]


def _has(held: _Held, field: Field) -> bool:
    document = held.document
    assert document is not None  # only live ones are looked at
    if field.name == "date":
        return overlaps(document, *interval(field.value))
    if field.name == "section":
        return field.value in _cut(held).sections
    return field_value(document, field.name) == compared(field.name, field.value)


def _sum(scores: Iterable[float | None]) -> float | None:
    found = [score for score in scores if score is not None]
    return sum(found) if found else None


def _frequency(view: tuple[str, ...], words: tuple[str, ...], slop: int) -> int:
    """Count where the words stand in this order, or within `slop` moves of it."""
    if not words:
        return 0
    if len(words) == 1:
        return view.count(words[0])
    places = [[at for at, term in enumerate(view) if term == word] for word in words]
    if slop == 0:
        following = [set(where) for where in places[1:]]
        return sum(
            all(at + step in where for step, where in enumerate(following, 1)) for at in places[0]
        )
    return sum(_near(chosen, slop) for chosen in product(*places))


def _near(chosen: tuple[int, ...], slop: int) -> bool:
    """Moves, as Lucene counts them: how far the words are from standing side by side."""
    shifted = [place - step for step, place in enumerate(chosen)]
    return max(shifted) - min(shifted) <= slop and len(set(chosen)) == len(chosen)


def _gives_way(known: _Held, version: int) -> bool:
    """A deletion wins over an upsert of its own version."""
    least = known.version + (known.document is None)
    return version >= least
