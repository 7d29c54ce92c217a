"""Judging in the page of results: whose book, blind or not, and what the judge said so far."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from starlette.datastructures import FormData

from app.auth.permissions import Permission
from app.auth.sessions import Principal, text
from app.questions import Grouping, Question, grouping
from app.services import Services
from app.views import View
from indexing.accounts import OpenedPage
from indexing.backends.postgres.books import Sheet
from indexing.errors import NotFound
from indexing.judging import BookHead, book_name

GRADE_LABELS = {
    0: "not relevant",
    1: "related",
    2: "relevant",
    3: "what was asked for",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where on a frozen page somebody stands; what its links carry on."""

    start: int = 0
    group: Grouping = "note"
    book: str = ""
    blind: bool = False

    @property
    def tail(self) -> str:
        """The address's query, "" at the top of a plain page."""
        parts = [f"start={self.start}"] if self.start else []
        parts += [f"group={self.group}"] if self.group != "note" else []
        parts += [f"judge={quote(self.book, safe='')}"] if self.book else []
        parts += ["blind=1"] if self.book and self.blind else []
        return f"?{'&'.join(parts)}" if parts else ""

    def at(self, start: int) -> str:
        """Return the query of another slice."""
        return replace(self, start=start).tail

    def by(self, group: Grouping) -> str:
        """Return the query of the other grouping, from its top."""
        return replace(self, start=0, group=group).tail

    def seeing(self, *, blind: bool) -> str:
        """Return the query with ranks hidden or shown."""
        return replace(self, blind=blind).tail


def place_of(form: FormData) -> Place:
    """Read where a form was sent from."""
    start = text(form, "start")
    return Place(
        int(start) if start.isascii() and start.isdigit() and len(start) < 8 else 0,
        grouping(text(form, "group")),
        text(form, "judge"),
        text(form, "blind") == "1",
    )


@dataclass(frozen=True, slots=True)
class Judging:
    """A judge at work: `grades` by the note's id as it is shown; `shown` notes are on the slice."""

    head: BookHead
    blind: bool
    grades: Mapping[str, int]
    shown: int

    @property
    def done(self) -> int:
        """How many of the slice have a grade."""
        return min(len(self.grades), self.shown)


def sheet_of(who: Principal, page_id: str, question: Question, book: str) -> Sheet:
    """Return where this judge writes. Raises: InvalidInput."""
    return Sheet(page_id, question.as_text(), book_name(book), who.account.name)


def judging(
    own: Services, who: Principal, view: View, question: Question, page: OpenedPage, place: Place
) -> Judging | None:
    """Return what a judge sees beside the hits; None where nobody judges. `page` is as shown."""
    if not place.book or Permission.LAB not in who.allowed:
        return None
    sheet = sheet_of(who, page.page.page_id, question, place.book)
    try:
        head = own.books.head(who.access, sheet.book)
    except NotFound:
        head = BookHead(sheet.book, "", "")
    said = own.books.of_page(who.access, sheet)
    grades = {view.shown_note(doc_id): grade for doc_id, grade in said.items()}
    here = {str(hit["doc_id"]) for hit in page.hits}
    return Judging(
        head, place.blind, {d: g for d, g in grades.items() if d in here}, len(page.hits)
    )


def blinded(page: OpenedPage) -> OpenedPage:
    """Return a slice in an order that says nothing, without scores and legs."""
    salt = page.page.page_id

    def key(hit: Mapping[str, object]) -> bytes:
        return hashlib.sha256(f"{salt}\x00{hit['doc_id']}".encode("utf-8", "replace")).digest()

    hits = [
        {**hit, "rank": page.start + place, "score": 0.0, "signals": {}}
        for place, hit in enumerate(sorted(page.hits, key=key), 1)
    ]
    return replace(page, hits=hits)
