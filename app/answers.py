"""From an answer to what the page shows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Any

from markupsafe import Markup

from app.auth.sessions import Principal
from app.marking import Span, marked
from app.questions import DEPTH, Question
from app.services import Services
from indexing.accounts import OpenedPage
from indexing.audit import AuditRow
from indexing.charts import Person
from rankers.answer import SearchRequest

LEG_NAMES = {"lexical": "Words", "vector": "Meaning", "graph": "Concepts"}

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
    """One result; `open` is False when it was deleted or closed after the page was frozen."""

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
    open: bool
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

    @property
    def total(self) -> int:
        """How many notes match; at least as many as were ranked."""
        return max(int(self.answer.get("total") or 0), self.depth)

    @property
    def only_meaning(self) -> bool:
        """Say whether no hit holds the words or a concept of the question."""
        signals = [hit.get("signals") or {} for hit in self.answer["hits"]]
        return bool(signals) and all(set(found) <= {"vector"} for found in signals)

    @property
    def missing(self) -> list[str]:
        """The legs that did not answer, by name."""
        return [LEG_NAMES.get(leg, leg) for leg in _missing(self.answer)]


def ask(own: Services, who: Principal, question: Question) -> dict[str, Any]:
    """Answer a question to the depth of a frozen page."""
    asked = request_of(question)
    return own.search().answer(who.access, asked).to_json()


def request_of(question: Question) -> SearchRequest:
    """Return the question as the search takes it."""
    return SearchRequest(
        q=question.q, k=DEPTH, rankers=question.rankers, plain=question.plain,
        assertion=question.assertion, only=question.only, rejected=question.rejected,
        accepted=question.accepted,
    )  # fmt: skip


def shown_patients(opened: OpenedPage) -> list[str]:
    """Return the patients whose names the page needs: of its hits and of its facet."""
    facet = (opened.page.answer.get("facets") or {}).get("patient") or ()
    named = {str(each["value"]) for each in facet} | {p for p in opened.patients.values() if p}
    only = opened.page.question.get("only", {}).get("patient", ())
    return sorted({*named, *only} - {""})


def audited(answer: Mapping[str, Any]) -> AuditRow:
    """Return the audit row of a search: counts and legs; the slices shown name the patients."""
    detail: dict[str, int | str] = {
        "hits": len(answer["hits"]),
        "total": int(answer.get("total") or 0),
        "missing": ",".join(_missing(answer)),
    }
    return AuditRow("E", "search", detail=detail)


def _missing(answer: Mapping[str, Any]) -> list[str]:
    return [str(leg) for leg in answer.get("missing") or ()]


def results_of(
    opened: OpenedPage, people: Mapping[str, Person], zone: tzinfo, grouping: str
) -> Results:
    """Prepare a slice for the template."""
    every = opened.page.answer["hits"]
    best = max((float(hit["score"]) for hit in every), default=0.0) or 1.0
    hits = [_hit(hit, opened, people, best) for hit in opened.hits]
    return Results(
        opened.page.page_id, opened.page.answer, list(_groups(hits, grouping)), opened.start,
        len(hits), opened.depth, opened.page.created_at, zone, people,
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
    hit: Mapping[str, Any], opened: OpenedPage, people: Mapping[str, Person], best: float
) -> HitView:
    doc_id = str(hit["doc_id"])
    patient_id = opened.patients.get(doc_id)
    snippet = hit.get("snippet") or {}
    return HitView(
        rank=int(hit["rank"]),
        doc_id=doc_id,
        title=hit.get("title") or hit.get("type") or "Untitled note",
        type=hit.get("type") or "",
        date=hit.get("date") or "undated",
        author=hit.get("author") or "",
        specialty=hit.get("specialty") or "",
        section=snippet.get("section") or "",
        snippet=marked(snippet.get("text") or "", _spans(snippet.get("marks") or ())),
        score=float(hit["score"]),
        parts=[_part(leg, hit.get("signals") or {}, best) for leg in LEG_NAMES],
        repeated=int(hit.get("repeated") or 0),
        open=doc_id in opened.patients,
        patient_id=patient_id,
        person=people.get(patient_id or ""),
    )


def _spans(marks: Sequence[Mapping[str, Any]]) -> list[Span]:
    return [
        Span(
            int(mark["start"]), int(mark["end"]), f"m m-{mark['kind']}",
            MARK_LABELS.get(mark["kind"], mark["kind"]), strong=mark["kind"] != "cue",
        )
        for mark in marks
    ]  # fmt: skip


def _part(leg: str, signals: Mapping[str, Any], best: float) -> Part:
    signal = signals.get(leg)
    if not signal:
        return Part(leg, LEG_NAMES[leg], None, None, 0.0, 0.0)
    share = float(signal.get("contribution") or 0.0)
    width = max(0.0, min(100.0, 100.0 * share / best))
    rank, score = signal.get("rank"), signal.get("score")
    return Part(leg, LEG_NAMES[leg], rank, score, share, round(width, 1))
