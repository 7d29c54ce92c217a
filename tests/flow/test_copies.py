"""Copied paragraphs on a real database: shown once, history, and right after every change."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.answers import answered
from app.following import catch_up
from app.services import services_of
from app.views import view_of
from app.wiring import Installation
from indexing.access import Access
from indexing.ingest import Ingest
from indexing.model import Assertion
from rankers.answer import Answer, SearchRequest

STORY = """\
She has had chest pain on exertion for two weeks, relieved by rest within five minutes, without
radiation, and she has not been woken by it at night; the exercise test has been asked for."""
NEWS = "\n\nPLAN:\nContinue as before and see her again in a week with the result.\n"
CLOSED = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
                        "code": "V"}]}  # fmt: skip

Take = Callable[..., None]
Ask = Callable[[str], Answer]


def note(identity: str, date: str, text: str, **more: Any) -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference", "id": identity, "status": "current",
        "subject": {"reference": "Patient/p1"}, "context": {"period": {"start": date}},
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}], **more,
    }  # fmt: skip


@pytest.fixture
def take(installation: Installation, access: Access) -> Take:
    def submit(*resources: dict[str, Any]) -> None:
        into = Ingest(installation.records, access, ZoneInfo("UTC"))
        for resource in resources:
            assert into.submit(json.dumps(resource).encode())[0].rejected is None
        catch_up(installation, ("text",), tenants=[access.tenant_id])

    return submit


@pytest.fixture
def ask(installation: Installation, access: Access) -> Ask:
    request = SearchRequest("", rankers=("lexical", "graph"))
    return lambda q: installation.search.answer(
        access, SearchRequest(q, rankers=request.rankers, assertion="any")
    )


def shown(answer: Answer) -> list[tuple[str, int, str]]:
    return [(hit.doc_id, hit.repeated, hit.copy_of) for hit in answer.hits]


def statuses(installation: Installation, access: Access, doc_id: str) -> set[Assertion]:
    found = installation.documents.fetch(access, [doc_id])[doc_id]
    return {m.status for m in found.mentions if m.name == "chest pain"}


def test_a_copy_stands_behind_the_first_author_and_counts_as_history(
    take: Take, ask: Ask, installation: Installation, access: Access
) -> None:
    take(note("c", "2024-03-03", STORY), note("b", "2024-03-02", STORY + NEWS))
    assert statuses(installation, access, "b") == {Assertion.PRESENT}
    take(note("a", "2024-03-01", STORY + "\n\nShe was seen in the clinic."))  # the first comes last
    assert statuses(installation, access, "a") == {Assertion.PRESENT}
    assert statuses(installation, access, "b") == {Assertion.HISTORICAL}
    assert statuses(installation, access, "c") == {Assertion.HISTORICAL}
    first, *copies = shown(ask("chest pain exertion"))
    assert first == ("a", 2, "")
    assert {(repeated, of) for _, repeated, of in copies} == {(0, "a")}
    assert shown(ask("see her again in a week"))[0][0] == "b"  # what is new in it is its own


def test_among_the_newest_first_a_copy_keeps_the_place_of_its_date(
    take: Take, installation: Installation, access: Access
) -> None:
    take(*(note(name, f"2024-03-0{day}", STORY) for day, name in enumerate("abc", 1)))
    request = SearchRequest("chest pain exertion", rankers=("lexical",), newest=True)
    view = view_of(services_of(installation), access)
    answer = answered(view, installation.documents, access, request)
    assert shown(answer) == [("c", 0, "a"), ("b", 0, "a"), ("a", 2, "")]


def test_the_next_is_the_first_when_the_first_goes_or_changes(
    take: Take, ask: Ask, installation: Installation, access: Access
) -> None:
    notes = [note(name, f"2024-03-0{day}", STORY) for day, name in enumerate("abc", 1)]
    take(*notes)
    take({**notes[0], "status": "entered-in-error"})
    assert statuses(installation, access, "b") == {Assertion.PRESENT}
    assert shown(ask("chest pain exertion"))[0] == ("b", 1, "")
    take(note("b", "2024-03-02", "Chest pain has gone."))
    assert statuses(installation, access, "c") == {Assertion.PRESENT}
    assert {each[1:] for each in shown(ask("chest pain"))} == {(0, "")}
    take(note("b", "2024-03-02", STORY))
    assert shown(ask("chest pain exertion"))[0] == ("b", 1, "")


def test_a_note_that_is_closed_to_the_reader_is_not_counted(
    take: Take, ask: Ask, access: Access
) -> None:
    take(note("a", "2024-03-01", STORY, meta=CLOSED), note("b", "2024-03-02", STORY))
    take(note("c", "2024-03-03", STORY, meta=CLOSED))
    assert shown(ask("chest pain exertion")) == [("b", 0, "")]


@pytest.mark.parametrize(("closed", "day"), [("a", "2024-03-01"), ("c", "2024-03-03")])
def test_a_closed_note_is_neither_named_nor_counted_though_it_is_asked_for_beside(
    take: Take, installation: Installation, access: Access, closed: str, day: str
) -> None:
    """A page that was frozen before the note was closed still asks for it."""
    take(note(closed, day, STORY, meta=CLOSED), note("b", "2024-03-02", STORY))
    found = installation.documents.fetch(access, [closed, "b"])
    assert list(found) == ["b"]
    assert (found["b"].copied, found["b"].repeats) == ((), ())


def test_a_note_that_is_gone_is_not_named_though_nobody_followed_yet(
    take: Take, installation: Installation, access: Access
) -> None:
    first = note("a", "2024-03-01", STORY)
    take(first, note("b", "2024-03-02", STORY))
    assert installation.documents.fetch(access, ["b"])["b"].copied
    gone = json.dumps({**first, "status": "entered-in-error"}).encode()
    Ingest(installation.records, access, ZoneInfo("UTC")).submit(gone)
    assert installation.documents.fetch(access, ["b"])["b"].copied == ()
