"""Books of judgements: the list of all, and judging the pools of public and invented sets."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, text
from app.judging import Judging
from app.pages import page
from app.pools import Pools
from eval.agreement import agreement
from indexing.errors import InvalidInput
from indexing.judging import BookHead

router = APIRouter(prefix="/lab")

Judge = Annotated[Principal, Depends(may(Permission.LAB))]


@router.get("/books")
def books(request: Request, who: Judge) -> Response:
    """List this hospital's books, and those of public sets."""
    own = services(request).books.heads(who.access)
    return page(request, "lab/books.html", own=own, public=_pools(request).heads())


@router.get("/pools/{name}")
def pool(request: Request, who: Judge, name: str) -> Response:
    """Show a book of a public set: its topics, and how its judges agree."""
    pools = _pools(request)
    book = pools.book(name)
    words = [(j.topic_id, j.doc_id, j.judge, j.grade) for j in book.judgements]
    return page(
        request, "lab/pool.html", judge=_name(who), book=book,
        topics=pools.topics(book, _name(who)), agreement=agreement(words),
    )  # fmt: skip


@router.get("/pools/{name}/{number}")
def topic(request: Request, who: Judge, name: str, number: int) -> Response:
    """Show a topic's pool to a judge."""
    pools = _pools(request)
    book = pools.book(name)
    _, asked, docs = pools.pooled(book, number, _name(who))
    grades = {each.doc_id: each.grade for each in docs if each.grade is not None}
    return page(
        request, "lab/judge.html", book=book, number=number, asked=asked, docs=docs,
        judging=Judging(BookHead(name, "", ""), True, grades, len(docs)),
        post_to=f"/lab/pools/{name}/{number}",
    )  # fmt: skip


@router.post("/pools/{name}/{number}")
def judge(request: Request, who: Judge, name: str, number: int, form: Form) -> Response:
    """Keep a judge's word on a document of a pool: `grade` is "2=document"."""
    said, _, doc_id = text(form, "grade").partition("=")
    if said not in ("", "0", "1", "2", "3"):
        raise InvalidInput("a grade is 0, 1, 2 or 3")
    pools, grade = _pools(request), int(said) if said else None
    book = pools.book(name)
    topic_id, _, docs = pools.pooled(book, number, _name(who))
    pools.judge(book, topic_id, doc_id, _name(who), grade)
    if "hx-request" not in request.headers:
        place = next(each.number for each in docs if each.doc_id == doc_id)
        return RedirectResponse(f"/lab/pools/{name}/{number}#hit-{place}", 303)
    grades = {} if grade is None else {doc_id: grade}
    return page(
        request, "search/_grades.html", doc_id=doc_id, post_to=f"/lab/pools/{name}/{number}",
        judging=Judging(BookHead(name, "", ""), True, grades, len(docs)),
    )  # fmt: skip


def _name(who: Principal) -> str:
    """Two hospitals may each have a Jane; the books of public sets belong to neither."""
    return f"{who.account.name}@{who.account.tenant_code}"


def _pools(request: Request) -> Pools:
    return Pools(services(request).settings.home)
