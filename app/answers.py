"""From an answer to what the page shows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Any

from markupsafe import Markup

from app.marking import Span, marked
from app.questions import DEPTH, Question
from app.views import View
from indexing.access import Access
from indexing.accounts import OpenedPage
from indexing.audit import AuditRow
from indexing.backends.postgres.documents import PostgresDocuments
from indexing.charts import Person
from indexing.errors import InvalidInput
from indexing.orders import newest_first, score_among_newest
from rankers.answer import Answer, Hit, Mark, SearchRequest, Sentence, Snippet, hit_of
from rankers.explain import Signal
from rankers.wants import LONGEST

LEG_NAMES = {"lexical": "Words", "vector": "Meaning", "graph": "Concepts"}
_BESIDE_LEGS = {
    "held": "Covers the sentence",
    "alike": "Notes like it",
    "precedent": "Judged for like questions",
    "learned": "Learned",
    "rerank": "Second reading",
}
SIGNAL_NAMES = {**LEG_NAMES, **_BESIDE_LEGS}  # of all that adds to a score

# What a mark's kind is called, beside the line style that tells it apart without colour.
MARK_LABELS = {
    "literal": "the word itself",
    "phrase": "the phrase itself",
    "synonym": "another wording",
    "concept": "the same or a near concept",
    "semantic": "close in meaning",
    "negated": "named but not asserted: denied, family, hypothetical",
    "cue": "what decided it",
}


# How the page counts what default search leaves out.
HIDDEN_WORDS = {"negated": "denied", "family": "family", "not_assessed": "not assessed"}

# How a sentence that answers speaks of it, where it does not simply say it.
SAYS_LABELS = {
    "uncertain": "uncertain",
    "historical": "in the past",
    "negated": "denied",
    "family": "family",
    "hypothetical": "hypothetical",
    "not_assessed": "not assessed",
}

# What a reader may call wrong with a hit, in the order of the keys 1 to 4.
WRONG_LABELS = {
    "denied": "denied",
    "other_patient": "other patient",
    "old": "old",
    "off_topic": "off topic",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One leg's share of a score; `width` is its share of the best hit's, in percent."""

    leg: str
    name: str
    rank: int | None
    score: float | None
    contribution: float
    width: float


@dataclass(frozen=True, slots=True)
class HitView:
    """One result; `open` is False when it was deleted or closed after the page was frozen.

    `copy_of` is the earlier note whose paragraph it shows, `repeats` that one's rank where it is on
    this page too: the copy is then folded to a line. `wrong` is what this reader called wrong, ""
    for nothing."""

    rank: int
    doc_id: str
    title: str
    type: str
    date: str
    author: str
    specialty: str
    section: str
    snippet: Markup
    score: float
    parts: Sequence[Part]
    repeated: int
    copy_of: str
    repeats: int | None
    open: bool
    wrong: str
    patient_id: str | None
    person: Person | None


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence that answers, above the results; `says` is "" where the note simply says it."""

    rank: int
    doc_id: str
    title: str
    date: str
    section: str
    text: Markup
    says: str
    patient_id: str | None
    person: Person | None


@dataclass(frozen=True, slots=True)
class Group:
    """Hits under one heading: a patient's, or all of them under none."""

    patient_id: str | None
    person: Person | None
    hits: Sequence[HitView]


@dataclass(frozen=True, slots=True)
class Results:
    """A slice of a frozen page as the template takes it; `start` hits stand before it."""

    page_id: str
    answer: Mapping[str, Any]
    groups: Sequence[Group]
    start: int
    shown: int
    depth: int
    frozen_at: datetime
    zone: tzinfo
    people: Mapping[str, Person]
    best: Sequence[Said]

    @property
    def answerable(self) -> bool:
        """Say whether a sentence could answer: at the top of the page, to no pasted note."""
        return self.start == 0 and len(self.asked) <= LONGEST

    @property
    def asked(self) -> str:
        """The question, in its pieces."""
        chips = self.answer["query"]["chips"]
        return " ".join(str(chip["label"]) for chip in chips if not chip.get("id"))

    @property
    def total(self) -> int:
        """How many notes match; at least as many as were ranked."""
        return max(int(self.answer.get("total") or 0), self.depth)

    @property
    def only_meaning(self) -> bool:
        """Say whether no hit holds the words or a concept of the question."""
        signals = [hit.get("signals") or {} for hit in self.answer["hits"]]
        return bool(signals) and all(set(found) <= {"vector", *_BESIDE_LEGS} for found in signals)

    @property
    def missing(self) -> list[str]:
        """The legs that did not answer, by name."""
        return [LEG_NAMES.get(leg, leg) for leg in _missing(self.answer)]


def answered(
    view: View, documents: PostgresDocuments, access: Access, request: SearchRequest
) -> Answer:
    """Answer with the best k described; the notes are read with their audit row, or not at all.

    Raises: InvalidQuery; InvalidInput: an order by dates that this view moves; EngineUnavailable.
    """
    if request.newest and access.deidentified:
        raise InvalidInput("in this view dates are moved: nothing is newest")
    deep = replace(request, k=max(request.k, DEPTH)) if request.newest else request
    found, _ = view.rank(deep)
    if request.newest:
        hits = found.answer.hits
        heads = documents.heads(access, [hit.doc_id for hit in hits])
        scores = [(h.doc_id, score_among_newest(h.score, h.signals)) for h in hits]
        places = newest_first(scores, heads)
        found = replace(found, answer=replace(found.answer, hits=tuple(hits[p] for p in places)))
    facet = found.answer.facets.get("patient", ())
    row = replace(audited(found.answer), patient_ids=[str(e["value"]) for e in facet if e["value"]])
    best = [hit.doc_id for hit in found.answer.hits]
    return view.described(found, documents.reading(access, best, request.k, row))


def request_of(question: Question) -> SearchRequest:
    """Return the question as the search takes it."""
    return SearchRequest(
        q=question.q, k=DEPTH, rankers=question.rankers, plain=question.plain,
        assertion=question.assertion, only=question.only, rejected=question.rejected,
        accepted=question.accepted, newest=question.group == "newest",
    )  # fmt: skip


def shown_patients(opened: OpenedPage) -> list[str]:
    """Return the patients whose names the page needs: of its hits and of its facet."""
    facet = (opened.page.answer.get("facets") or {}).get("patient") or ()
    of = {note.document.patient_id for note in opened.notes.values()}
    named = {str(each["value"]) for each in facet} | {patient for patient in of if patient}
    only = opened.page.question.get("only", {}).get("patient", ())
    return sorted({*named, *only} - {""})


def audited(answer: Answer) -> AuditRow:
    """Return the audit row of a search: counts and legs; what is shown names the patients."""
    detail: dict[str, int | str] = {
        "hits": len(answer.hits), "total": answer.total, "missing": ",".join(answer.missing),
    }  # fmt: skip
    return AuditRow("E", "search", detail=detail)


def _missing(answer: Mapping[str, Any]) -> list[str]:
    return [str(leg) for leg in answer.get("missing") or ()]


def results_of(
    opened: OpenedPage, described: Sequence[Hit], best: Sequence[Sentence],
    people: Mapping[str, Person], zone: tzinfo, grouping: str, wrong: Mapping[str, str],
) -> Results:  # fmt: skip
    """Prepare a slice for the template; `described` are its hits whose notes are still open,
    `best` the sentences of theirs that answer, `wrong` what its reader called wrong, by note."""
    every = opened.page.answer["hits"]
    top = max((float(hit["score"]) for hit in every), default=0.0) or 1.0
    places = {hit.doc_id: hit.rank for hit in described}
    kinds = {hit.doc_id: hit.type for hit in described}
    there = iter(described)  # in the order of the page; a note and its copy may have changed places
    ranked = ((hit_of(hit), hit["doc_id"] in places) for hit in opened.hits)
    hits = [
        _hit(next(there) if is_open else hit, is_open, people, top, places, wrong)
        for hit, is_open in ranked
    ]
    if grouping == "newest":
        best = sorted(best, key=lambda found: found.date or "", reverse=True)
    return Results(
        opened.page.page_id, opened.page.answer, list(_groups(hits, grouping)), opened.start,
        len(hits), opened.depth, opened.page.created_at, zone, people,
        [_said(each, kinds.get(each.doc_id, ""), people) for each in best]
        if opened.start == 0 else (),
    )  # fmt: skip


def _said(found: Sentence, kind: str, people: Mapping[str, Person]) -> Said:
    return Said(
        found.rank, found.doc_id, found.title or kind or "Untitled note",
        found.date or "undated", found.section, _led(found),
        SAYS_LABELS.get(found.says, ""), found.patient_id, people.get(found.patient_id or ""),
    )  # fmt: skip


def _groups(hits: Sequence[HitView], grouping: str) -> Iterator[Group]:
    if grouping != "patient":
        if hits:
            yield Group(None, None, hits)
        return
    for patient_id, mine in groupby(hits, key=lambda hit: hit.patient_id):
        found = list(mine)
        yield Group(patient_id, found[0].person, found)


def _hit(
    hit: Hit, is_open: bool, people: Mapping[str, Person], best: float, places: Mapping[str, int],
    wrong: Mapping[str, str],
) -> HitView:  # fmt: skip
    return HitView(
        rank=hit.rank,
        doc_id=hit.doc_id,
        title=hit.title or hit.type or "Untitled note",
        type=hit.type,
        date=hit.date or "undated",
        author=hit.author,
        specialty=hit.specialty,
        section=hit.snippet.section,
        snippet=_led(hit.snippet),
        score=hit.score,
        parts=_parts(hit, best),
        repeated=hit.repeated,
        copy_of=hit.copy_of,
        repeats=places.get(hit.copy_of) if hit.copy_of != hit.doc_id else None,
        open=is_open,
        wrong=wrong.get(hit.doc_id, ""),
        patient_id=hit.patient_id,
        person=people.get(hit.patient_id or ""),
    )


def _led(found: Sentence | Snippet) -> Markup:
    """Return a sentence with its marks, behind what decides from above what it says."""
    said = marked(found.text, _spans(found.marks))
    above = found.lead
    if above is None:
        return said
    shown = marked(above.text, _spans([Mark(0, len(above.text), "cue")]))
    return Markup("{} … {}").format(shown, said)


def _spans(marks: Sequence[Mark]) -> list[Span]:
    return [
        Span(
            mark.start, mark.end, f"m m-{mark.kind}", MARK_LABELS.get(mark.kind, mark.kind),
            strong=mark.kind != "cue",
        )
        for mark in marks
    ]  # fmt: skip


def _parts(hit: Hit, best: float) -> list[Part]:
    """Return every leg's part, whether it found the hit or not, and what else was added."""
    return [
        *(_part(leg, name, hit.signals.get(leg), best) for leg, name in LEG_NAMES.items()),
        *(
            _part(signal, name, hit.signals[signal], best)
            for signal, name in _BESIDE_LEGS.items()
            if signal in hit.signals
        ),
    ]


def _part(leg: str, name: str, signal: Signal | None, best: float) -> Part:
    if signal is None:
        return Part(leg, name, None, None, 0.0, 0.0)
    share = signal.contribution
    width = round(max(0.0, min(100.0, 100.0 * share / best)), 1)
    return Part(leg, name, signal.rank, signal.score, share, width)
