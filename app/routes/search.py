"""The search page: a form that posts, an answer that is frozen, a page that is its owner's."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from app.answers import audited, request_of, results_of, shown_patients
from app.asked import kept, lead
from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, keyed, may, services, text
from app.judging import Place, blinded, judging, place_of
from app.pages import PAGE_SIZE, page
from app.questions import (
    LONGEST_QUERY,
    Question,
    grouping,
    legs,
    mode,
    named_note,
    question_of,
)
from app.views import view_of
from indexing.audit import AuditRow
from indexing.errors import InvalidInput, InvalidQuery
from rankers.answer import hit_of
from rankers.latest import asks_for_latest

router = APIRouter()

Searcher = Annotated[Principal, Depends(may(Permission.SEARCH))]


@router.get("/search")
def empty(request: Request, who: Searcher, asked: str = "") -> Response:
    """Show the form with nothing asked, or with what could not be read."""
    if sent := kept(request, who, asked):
        question = question_of(msgspec.json.decode(sent["question"]))
        return _answered(request, who, question, Place())
    return page(request, "search.html", question=Question(), results=None, fault=None)


@router.post("/search")
def asked(request: Request, who: Searcher, form: Form) -> Response:
    """Ask and answer with a frozen page."""
    dated = not who.access.deidentified
    question = Question(
        q=text(form, "q").strip(),
        plain=text(form, "plain") == "1",
        rankers=legs([v for v in form.getlist("ranker") if isinstance(v, str)]),
        assertion=mode(text(form, "assertion")),
        only={"patient": (text(form, "patient"),)} if text(form, "patient") else {},
        group=grouping(text(form, "group"), dated=dated),
    )
    if question.group == "note" and _latest(question):
        question = replace(question, group=grouping("newest", dated=dated))
    return _answered(request, who, question, place_of(form))


@router.post("/search/{page_id}/refine")
def refine(request: Request, who: Searcher, page_id: str, form: Form) -> Response:
    """Take a chip away, switch a facet, look from another side: the question is kept here."""
    frozen = question_of(services(request).frozen.question(who.access, page_id))
    place, question = place_of(form), _refined(frozen, form)
    order = place.group if "group" in form else frozen.group  # as it was seen, not as it was asked
    if order == "newest" and _latest(frozen) and not _latest(question):
        order = "note"
    order = grouping(order, dated=not who.access.deidentified)
    return _answered(request, who, replace(question, group=order), place)


def _latest(question: Question) -> bool:
    short = len(question.q) <= LONGEST_QUERY  # else it is refused, and need not be read
    return short and asks_for_latest(question.q, plain=question.plain)


def _refined(question: Question, form: FormData) -> Question:
    change, _, value = text(form, "change").partition("=")
    match change:
        case "query":
            return replace(question, q=value)
        case "facet":
            facet, _, wanted = value.partition(":")
            return question.toggled(facet, wanted)
        case "assertion":
            return replace(question, assertion=mode(value))
        case "reject":
            return replace(question, rejected=(*question.rejected, value))
        case "accept":
            kept = tuple(v for v in question.rejected if v != value)
            return replace(question, rejected=kept, accepted=(*question.accepted, value))
        case "rankers":
            return replace(question, rankers=legs(value.split(",")))
        case "plain":
            return replace(question, plain=value == "1")
        case _:
            raise InvalidInput("this page knows no such change", hint="reload the page")


def _template(request: Request) -> str:
    """Return the whole page, or the part of it that a script swaps."""
    return "search/_search.html" if "hx-request" in request.headers else "search.html"


def _answered(request: Request, who: Principal, question: Question, place: Place) -> Response:
    if not question.q:
        return RedirectResponse("/search", 303)
    try:
        if len(question.q) > LONGEST_QUERY:
            raise InvalidQuery(f"At most {LONGEST_QUERY:,} characters.", LONGEST_QUERY)
        found, asked = view_of(services(request), who.access).rank(request_of(question))
    except InvalidQuery as fault:
        if request.method == "POST" and "hx-request" not in request.headers:
            sent = {"question": msgspec.json.encode(question.to_json()).decode()}
            return lead(request, who, "/search", sent)
        return page(
            request, _template(request), status=422, question=question, results=None, fault=fault
        )
    frozen, answer = services(request).frozen, found.answer
    question = replace(question, q=asked.q)
    page_id = frozen.freeze(who.access, question.to_json(), answer.ranking_json(), audited(answer))
    tail = replace(place, start=0, group=question.group).tail
    return RedirectResponse(f"/search/{page_id}{tail}", 303)


@router.get("/search/{page_id}")
def frozen_page(
    request: Request, who: Searcher, page_id: str, start: int = 0, group: str = "",
    judge: Annotated[str, Query(max_length=80)] = "", blind: str = "",
) -> Response:  # fmt: skip
    """Show a slice of a frozen page; what was deleted since is not shown again."""
    own = services(request)
    order = grouping(group, dated=not who.access.deidentified)
    place = Place(max(start, 0), order, judge, blind == "1")
    view = view_of(own, who.access)
    opened = own.frozen.open(who.access, page_id, max(start, 0), PAGE_SIZE, order)
    opened, place = view.opened(opened), replace(place, start=opened.start)
    question = replace(question_of(opened.page.question), group=order)
    sheet = judging(own, who, view, question, opened, place)
    opened = blinded(opened) if sheet and sheet.blind else opened
    hits = [hit_of(hit) for hit in opened.hits]
    described, best = own.search().describe(who.access, request_of(question), hits, opened.notes)
    recorded = {hit.patient_id for hit in described if hit.patient_id}
    people = view.people(shown_patients(opened), recorded)
    said = own.candidates.of_page(who.access, page_id)
    wrong = {view.shown_note(doc_id): each.value for doc_id, each in said.items()}
    results = results_of(opened, described, best, people, who.zone, order, wrong)
    response = page(
        request, _template(request), question=question, results=results, fault=None,
        judging=sheet, place=place if sheet else replace(place, book=""),
        books=own.books.heads(who.access) if Permission.LAB in who.allowed else None,
    )  # fmt: skip
    response.headers["HX-Push-Url"] = request.url.path + (
        f"?{request.url.query}" if request.url.query else ""
    )
    return response


@router.post("/search/{page_id}/why")
def why(request: Request, who: Searcher, page_id: str, form: Form) -> Response:
    """Say why a note is not on the page: its rank in each leg, or what removed it."""
    own = services(request)
    question = question_of(own.frozen.question(who.access, page_id))
    doc_id = named_note(text(form, "doc_id"))
    view = view_of(own, who.access)
    reasons = view.why_not(request_of(question), doc_id)
    # The row names the note where there is one; of what was typed otherwise, only its hash.
    asked = keyed(own.pepper, "why", doc_id).hex()[:16]
    own.documents.read(
        who.access, [view.known_note(doc_id)], 1, AuditRow("R", "why", detail={"asked": asked})
    )
    template = "search/_why.html" if "hx-request" in request.headers else "why.html"
    return page(request, template, reasons=reasons, page_id=page_id)
