"""Judging in the page of results and into books: graded, blind, de-identified, agreed upon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.cli.eval_books import export_command, import_command
from app.wiring import Installation
from indexing.access import Access, Role
from tests.attack import PASSWORD, Hospital, ask, browser, form_token, found_hospital, note, person

TEXT = "PLAN:\nThe chest pain is from the ribs; rest."
BOOK = "ward-book"


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    """Six notes; ann and ben also treat patients, eve only tunes."""
    notes = [note(f"j-{n}", "j-p", f"{TEXT} Day {n}.", "plain") for n in range(6)]
    made = found_hospital(installation, [person("j-p", "quirrell"), *notes])
    accounts, hashed = made.services.accounts, made.services.passwords.hash(PASSWORD)
    for name in ("ann", "ben"):
        roles = [Role.CLINICIAN, Role.RELEVANCE]
        accounts.create(made.tenant.tenant_id, name, roles, hashed)
    accounts.create(made.tenant.tenant_id, "eve", [Role.RELEVANCE], hashed)
    return made


@pytest.fixture
def client(hospital: Hospital) -> Iterator[TestClient]:
    with browser(hospital) as opened:
        yield opened


def enter(client: TestClient, hospital: Hospital, name: str) -> str:
    data = {
        "form_token": form_token(client.get("/login").text), "tenant": hospital.tenant.code,
        "name": name, "password": PASSWORD,
    }  # fmt: skip
    assert client.post("/login", data=data).status_code == 303
    return form_token(client.get("/login", follow_redirects=True).text)


def grade(client: TestClient, page: Response, token: str, value: str, **more: str) -> Response:
    data = {"form_token": token, "judge": BOOK, "grade": value, **more}
    return client.post(f"{page.url.path}/judge", data=data)


def book(hospital: Hospital) -> dict[tuple[str, str], int]:
    found = hospital.services.books.book(hospital.access, BOOK)
    return {(word.doc_id, word.judge): word.grade for word in found.words}


def test_a_grade_is_kept_changed_and_taken_back(client: TestClient, hospital: Hospital) -> None:
    token = enter(client, hospital, "ann")
    page = ask(client, token, "chest pain")
    assert "Judge this page" in page.text
    assert "data-grade" not in page.text
    done = grade(client, page, token, "2=j-1", blind="1")
    assert done.headers["location"] == f"{page.url.path}?judge={BOOK}&blind=1#note-j-1"
    assert book(hospital)["j-1", "ann"] == 2
    grade(client, page, token, "3=j-1")
    assert book(hospital)["j-1", "ann"] == 3
    judged = client.get(f"{page.url.path}?judge={BOOK}").text
    assert ">1</span> of 6 here have your grade" in judged
    assert re.search(r'value="=j-1"[^>]*aria-pressed="true"', judged)
    fragment = client.post(
        f"{page.url.path}/judge", headers={"HX-Request": "true"},
        data={"form_token": token, "judge": BOOK, "grade": "=j-1"},
    )  # fmt: skip
    assert fragment.text.lstrip().startswith('<p class="grades"')
    assert ("j-1", "ann") not in book(hospital)
    kept = hospital.services.books.book(hospital.access, BOOK)
    assert list(kept.topics.values()) == ["chest pain"]
    assert len(next(iter(kept.pooled.values()))) == 6


def test_blind_hides_ranks_scores_legs_and_answers(client: TestClient, hospital: Hospital) -> None:
    token = enter(client, hospital, "ann")
    page = ask(client, token, "chest pain")
    plain = client.get(f"{page.url.path}?judge={BOOK}").text
    blind = client.get(f"{page.url.path}?judge={BOOK}&blind=1").text
    for word in ('class="explain"', 'class="score"', "What the notes say", "Why is a note"):
        assert word in plain, word
        assert word not in blind, word
    order = [re.findall(r'class="open" href="/notes/([^?"]+)', text) for text in (plain, blind)]
    assert sorted(order[0]) == sorted(order[1])
    assert order[0] != order[1]
    assert client.get(f"{page.url.path}?judge={BOOK}&blind=1").text.count("data-grade") == 24


def test_a_question_that_finds_nothing_is_kept(client: TestClient, hospital: Hospital) -> None:
    token = enter(client, hospital, "ann")
    page = ask(client, token, '"words nobody wrote"')
    client.post(f"{page.url.path}/keep", data={"form_token": token, "judge": BOOK})
    found = hospital.services.books.book(hospital.access, BOOK)
    empty = [topic for topic, docs in found.pooled.items() if not docs]
    assert [found.topics[topic] for topic in empty] == ['"words nobody wrote"']


def test_judges_agree_on_the_books_page(client: TestClient, hospital: Hospital) -> None:
    grades = {"ann": "3210", "ben": "3211"}
    for name, given in grades.items():
        with browser(hospital) as own:
            token = enter(own, hospital, name)
            page = ask(own, token, "chest pain")
            for number, one in enumerate(given):
                assert grade(own, page, token, f"{one}=j-{number}").status_code == 303
    token = enter(client, hospital, "ann")
    client.post("/lab/books", data={"form_token": token, "book": BOOK, "guideline": "Be <fair>",
                                    "version": "2"})  # fmt: skip
    shown = client.get(f"/lab/books/{BOOK}").text
    assert "ann and ben" in shown
    assert "Krippendorff" in shown
    assert "Be &lt;fair&gt;" in shown
    assert "chest pain" in shown
    assert BOOK in client.get("/lab/books").text
    page = ask(client, token, "chest pain")
    grade(client, page, token, "1=j-5")
    words = hospital.services.books.book(hospital.access, BOOK).words
    assert [word.guideline_version for word in words if word.doc_id == "j-5"] == ["2"]


def test_who_only_tunes_judges_the_deidentified_view(
    client: TestClient, hospital: Hospital
) -> None:
    token = enter(client, hospital, "eve")
    page = ask(client, token, "chest pain Quirrell")
    assert "De-identified view" in page.text
    assert "quirrell" not in page.text.lower()
    assert grade(client, page, token, "2=j-1").status_code == 404
    shown = client.get(f"{page.url.path}?judge={BOOK}&blind=1").text
    value = re.search(r'value="(2=[^"]+)"', shown)
    assert value
    assert grade(client, page, token, value[1]).status_code == 303
    assert [key for key in book(hospital) if key[1] == "eve"]
    listed = client.get(f"/lab/books/{BOOK}").text
    assert "quirrell" not in listed.lower()


def test_only_those_who_tune_judge(client: TestClient, hospital: Hospital) -> None:
    token = enter(client, hospital, "clinician")
    page = ask(client, token, "chest pain")
    assert "Judge this page" not in page.text
    assert "data-grade" not in client.get(f"{page.url.path}?judge={BOOK}").text
    assert grade(client, page, token, "2=j-1").status_code == 403
    assert client.get("/lab/books").status_code == 403


@pytest.mark.parametrize(
    ("value", "name", "status"),
    [("4=j-1", BOOK, 400), ("x", BOOK, 400), ("2=nobody", BOOK, 404), ("2=j-1", "../x", 400),
     ("2=j-1", "", 400)],
)  # fmt: skip
def test_what_is_no_grade_is_refused(
    client: TestClient, hospital: Hospital, value: str, name: str, status: int
) -> None:
    token = enter(client, hospital, "ann")
    page = ask(client, token, "chest pain")
    data = {"form_token": token, "judge": name, "grade": value}
    assert client.post(f"{page.url.path}/judge", data=data).status_code == status


def test_a_wrong_hit_is_taken_into_a_book(client: TestClient, hospital: Hospital) -> None:
    token = enter(client, hospital, "ann")
    page = ask(client, token, "rib fracture")
    client.post(f"{page.url.path}/wrong", data={"form_token": token, "wrong": "denied=j-2"})
    listed = client.get("/lab/candidates").text
    number = re.search(r'action="/lab/candidates/(\d+)"', listed)
    assert number
    at = f"/lab/candidates/{number[1]}"
    data = {"form_token": token, "book": "traps-here", "settle": "accept"}
    assert client.post(at, data=data).status_code == 303
    assert at not in client.get("/lab/candidates").text
    found = hospital.services.books.book(hospital.access, "traps-here")
    assert list(found.topics.values()) == ["rib fracture"]
    assert [(w.doc_id, w.grade, w.comment) for w in found.words] == [
        ("j-2", 0, "called wrong: denied")
    ]
    assert client.post("/lab/candidates/999999", data=data).status_code == 404
    client.post(f"{page.url.path}/wrong", data={"form_token": token, "wrong": "old=j-3"})
    again = re.search(r'action="(/lab/candidates/\d+)"', client.get("/lab/candidates").text)
    assert again
    aside = client.post(again[1], data={"form_token": token, "settle": "dismiss"})
    assert aside.status_code == 303
    assert again[1] not in client.get("/lab/candidates").text


def test_books_of_another_tenant_are_not_there(
    hospital: Hospital, installation: Installation
) -> None:
    other = found_hospital(installation, [])
    access = Access(other.tenant.tenant_id, "x", frozenset({Role.CLINICIAN}))
    assert other.services.books.heads(access) == []


def test_a_tenants_book_goes_out_and_comes_back(
    client: TestClient, hospital: Hospital, installation: Installation, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("app.cli.tenant_books.Installation", lambda _: installation)
    monkeypatch.setattr(installation, "close", lambda: None)
    token = enter(client, hospital, "ann")
    page = ask(client, token, "ribs")
    grade(client, page, token, "2=j-1")
    page = ask(client, token, '"nothing like it"')
    client.post(f"{page.url.path}/keep", data={"form_token": token, "judge": BOOK})
    code, home = hospital.tenant.code, installation.home
    export_command(home, BOOK, tmp_path / "book.jsonl.gz", "book", True, code)
    import_command(home, tmp_path / "book.jsonl.gz", "again", "", True, code)
    books = hospital.services.books
    before, after = (books.book(hospital.access, name) for name in (BOOK, "again"))
    assert after.topics == before.topics
    assert after.pooled == before.pooled
    assert after.words == before.words
    assert () in after.pooled.values()
    export_command(home, BOOK, tmp_path / "qrels.txt", "trec", True, code)
    import_command(home, tmp_path / "qrels.txt", "again", "elsewhere", True, code)
    words = books.book(hospital.access, "again").words
    assert ("j-1", 2) in {(w.doc_id, w.grade) for w in words if w.judge == "elsewhere"}
