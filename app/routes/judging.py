"""Judging: grades from the page of results, a tenant's books, hits called wrong taken in."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, text
from app.judging import Judging, place_of, sheet_of
from app.pages import PAGE_SIZE, page
from app.questions import question_of
from app.views import view_of
from eval.agreement import agreement
from indexing.errors import InvalidInput
from indexing.judging import BookHead

router = APIRouter()

Judge = Annotated[Principal, Depends(may(Permission.LAB))]


@router.post("/search/{page_id}/judge")
def judge(request: Request, who: Judge, page_id: str, form: Form) -> Response:
    """Keep a judge's word on a hit: `grade` is "2=note", "=note" takes it back."""
    own, place = services(request), place_of(form)
    said, _, shown = text(form, "grade").partition("=")
    if said not in ("", "0", "1", "2", "3"):
        raise InvalidInput("a grade is 0, 1, 2 or 3")
    grade = int(said) if said else None
    view = view_of(own, who.access)
    question = question_of(own.frozen.question(who.access, page_id))
    sheet = sheet_of(who, page_id, question, place.book)
    own.books.judge(who.access, sheet, view.note_id(shown), grade)
    if "hx-request" not in request.headers:
        return RedirectResponse(f"/search/{page_id}{place.tail}#note-{shown}", 303)
    grades = {} if grade is None else {shown: grade}
    state = Judging(BookHead(sheet.book, "", ""), place.blind, grades, 0)
    return page(
        request,
        "search/_grades.html",
        judging=state,
        doc_id=shown,
        post_to=f"/search/{page_id}/judge",
    )


@router.post("/search/{page_id}/keep")
def keep(request: Request, who: Judge, page_id: str, form: Form) -> Response:
    """Keep the page's question in a book, whether it found anything or not."""
    own, place = services(request), place_of(form)
    question = question_of(own.frozen.question(who.access, page_id))
    own.books.keep(who.access, sheet_of(who, page_id, question, place.book))
    return RedirectResponse(f"/search/{page_id}{place.tail}", 303)


@router.get("/lab/books/{name}")
def book(
    request: Request, who: Judge, name: str, page_no: Annotated[int, Query(alias="page")] = 1
) -> Response:
    """Show a tenant's book: its guideline, its topics, and how its judges agree."""
    own = services(request)
    found = own.books.book(who.access, name)
    view = view_of(own, who.access)
    words = [(each.topic_id, each.doc_id, each.judge, each.grade) for each in found.words]
    judged: dict[str, int] = {}
    for each in found.words:
        judged[each.topic_id] = judged.get(each.topic_id, 0) + 1
    last = max(1, -(-len(found.topics) // PAGE_SIZE))
    at = min(max(page_no, 1), last)
    topics = [
        (view.question(asked), len(found.pooled[topic]), judged.get(topic, 0))
        for topic, asked in islice(found.topics.items(), (at - 1) * PAGE_SIZE, at * PAGE_SIZE)
    ]
    return page(
        request, "lab/book.html", book=found.head, topics=topics, agreement=agreement(words),
        at=at, last=last,
    )  # fmt: skip


@router.post("/lab/books")
def write_book(request: Request, who: Judge, form: Form) -> Response:
    """Make a book, or change what it tells its judges."""
    name = text(form, "book").strip()
    services(request).books.write(
        who.access, name, text(form, "guideline").strip(), text(form, "version").strip()
    )
    return RedirectResponse(f"/lab/books/{name}", 303)


@router.post("/lab/candidates/{candidate_id}")
def settle(request: Request, who: Judge, candidate_id: int, form: Form) -> Response:
    """Take a hit that was called wrong into a book, or put it aside."""
    own, name = services(request), text(form, "book").strip()
    if text(form, "settle") == "dismiss":
        own.candidates.dismiss(who.access, candidate_id)
    else:
        asked = question_of(own.candidates.question(who.access, candidate_id)).as_text()
        own.books.accept(who.access, candidate_id, name, asked, who.account.name)
    return RedirectResponse("/lab/candidates", 303)
