"""The sentences that answer, on the page, by the interface and by the command."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.cli.search import search_command
from app.wiring import Installation
from indexing.access import Role
from indexing.errors import EngineUnavailable
from tests.attack import Hospital, ask, browser, found_hospital, note, person, sign_in

SAYS = "HISTORY:\nThe <b>cough</b> is worse at night.\n\nPLAN:\nStop lisinopril."
DENIES = "HISTORY:\nDenies cough & fever."
LISTED = "Seen by Ann Example today.\n\nDenies:\n- hemoptysis\n- vertigo"


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    texts = enumerate((SAYS, DENIES, LISTED), 1)
    notes = [note(f"a-{number}", "a-p", text, "plain") for number, text in texts]
    return found_hospital(installation, [person("a-p", "plain"), *notes])


@pytest.fixture
def client(hospital: Hospital) -> Iterator[TestClient]:
    with browser(hospital) as opened:
        yield opened


def block(page: str) -> str:
    found = re.search(r'<section class="best".*?</section>', page, re.DOTALL)
    return found[0] if found else ""


def test_the_page_shows_the_sentence_and_where_it_stands(
    client: TestClient, hospital: Hospital
) -> None:
    token = sign_in(client, hospital)
    shown = block(ask(client, token, "cough").text)
    assert "is worse at night." in shown
    assert "&lt;b&gt;" in shown
    assert "/notes/a-1?found=" in shown
    assert "Denies" not in shown
    denied = block(ask(client, token, "cough assertion:negated").text)
    assert '<span class="says">denied</span>' in denied
    assert "a-2" in denied


def test_a_note_whose_title_is_hidden_is_called_by_its_type(
    client: TestClient, hospital: Hospital
) -> None:
    shown = block(ask(client, sign_in(client, hospital, Role.RESEARCHER), "cough").text)
    assert "is worse at night." in shown
    assert "plain title" not in shown
    assert "Untitled note" not in shown


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.RESEARCHER])
def test_the_heading_that_denies_a_list_stands_before_its_item(
    client: TestClient, hospital: Hospital, role: Role
) -> None:
    page = ask(client, sign_in(client, hospital, role), "vertigo assertion:negated").text
    shown = re.sub(r"<[^>]+>", "", page.replace(" … ", "…"))
    assert shown.count("Denies:…- vertigo") == 2  # above the results, and in its own
    headers = hospital.bearer(role)
    asked = {"q": "vertigo", "assertion": "negated"}
    found = client.post("/api/search", json=asked, headers=headers).json()
    for said in (found["answers"][0], found["hits"][0]["snippet"]):
        note_id = found["hits"][0]["doc_id"]
        text = client.get(f"/api/notes/{note_id}", headers=headers).json()["text"]
        above = said["lead"]
        assert above["text"] == "Denies:"
        assert text[above["at"] :].startswith("Denies:\n")
        assert text[said["at"] :].startswith(said["text"])


def test_no_sentence_is_said_where_none_answers(client: TestClient, hospital: Hospital) -> None:
    token = sign_in(client, hospital)
    page = ask(client, token, "lisinopril zebra quagga okapi").text
    assert block(page) == ""
    assert "No good match in one sentence" in page


def test_the_interface_gives_it_with_its_place(client: TestClient, hospital: Hospital) -> None:
    headers = hospital.bearer()
    found = client.post("/api/search", json={"q": "cough"}, headers=headers).json()
    (said,) = found["answers"]
    read = client.get(f"/api/notes/{said['doc_id']}", headers=headers).json()
    assert read["text"][said["at"] : said["at"] + len(said["text"])] == said["text"]
    assert (said["says"], said["covers"], said["date"]) == ("present", 1.0, read["date"])
    none = client.post("/api/search", json={"q": "zebra"}, headers=headers).json()
    assert none["answers"] == []


def down(*_: object) -> None:
    raise EngineUnavailable("down")


def test_the_command_prints_it_and_names_the_legs_that_are_missing(
    hospital: Hospital, installation: Installation, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("app.cli.search.Installation", lambda _: installation)
    monkeypatch.setattr(installation, "close", lambda: None)
    code = hospital.tenant.code
    search_command(code, "cough", 5, "lexical,graph", False, None, Role.CLINICIAN, as_json=False)
    printed = capsys.readouterr().out
    assert "“The <b>cough</b> is worse at night.”" in printed
    hits = [line for line in printed.splitlines() if re.match(r" *\d+  \d\.\d{3}  ", line)]
    assert hits
    assert all("  patient " in line for line in hits)  # whose note it is
    assert "[]" not in printed
    monkeypatch.setattr(installation.graph, "search", down)
    search_command(code, "cough", 5, "lexical,graph", False, None, Role.CLINICIAN, as_json=False)
    shown = capsys.readouterr()
    assert "is worse at night" in shown.out
    assert "graph did not answer: ranked by the others" in shown.err
    search_command(code, "cough in men over 50", 5, "lexical", False, None, as_json=False)
    assert "no note is held against it" in " ".join(capsys.readouterr().err.split())
