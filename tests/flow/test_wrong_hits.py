"""A hit called wrong: filed with its question, taken back, listed for those who tune."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.wiring import Installation
from indexing.access import Role
from tests.attack import Hospital, ask, browser, found_hospital, note, person, sign_in

TEXT = "PLAN:\nThe chest pain is from the ribs; rest."


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    notes = [note(f"w-{n}", "w-p", f"{TEXT} Day {n}.", "plain") for n in range(3)]
    return found_hospital(installation, [person("w-p", "plain"), *notes])


@pytest.fixture
def client(hospital: Hospital) -> Iterator[TestClient]:
    with browser(hospital) as opened:
        yield opened


def press(client: TestClient, page: Response, token: str, value: str, **more: str) -> Response:
    data = {"form_token": token, "wrong": value, **more}
    return client.post(f"{page.url.path}/wrong", data=data)


def last_row(installation: Installation, hospital: Hospital) -> tuple[object, ...]:
    with installation.database.tenant(hospital.tenant.tenant_id) as conn:
        row = conn.execute(
            "SELECT action, subtype, patient_ids, entities, detail FROM audit_event "
            "ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    assert row is not None
    return row


def test_a_wrong_hit_is_filed_changed_and_taken_back(
    client: TestClient, hospital: Hospital, installation: Installation
) -> None:
    token = sign_in(client, hospital)
    page = ask(client, token, "chest pain")
    done = press(client, page, token, "denied=w-1", group="note", start="0")
    assert (done.status_code, done.headers["location"]) == (303, page.url.path)
    assert "chest" not in str(done.headers)
    row = last_row(installation, hospital)
    assert row[:3] == ("C", "wrong-hit", ["w-p"])
    assert row[3] == ["Document/w-1", f"page/{page.url.path.rpartition('/')[2]}"]
    assert row[4] == {"wrong": "denied"}
    shown = client.get(page.url.path).text
    assert shown.count("Called wrong") == 1
    assert "<strong>denied</strong>" in shown
    press(client, page, token, "off_topic=w-1")
    assert "<strong>off topic</strong>" in client.get(page.url.path).text
    press(client, page, token, "=w-1")
    assert last_row(installation, hospital)[:2] == ("D", "wrong-hit")
    assert "Called wrong" not in client.get(page.url.path).text


def test_those_who_tune_see_them_and_nobody_else(client: TestClient, hospital: Hospital) -> None:
    token = sign_in(client, hospital)
    page = ask(client, token, "chest pain assertion:any")
    press(client, page, token, "old=w-2")
    assert client.get("/lab/candidates").status_code == 403
    with browser(hospital) as other:
        sign_in(other, hospital, Role.RELEVANCE)
        listed = other.get("/lab/candidates")
        assert listed.status_code == 200
        assert "chest pain assertion:any" in listed.text
        assert "/notes/w-2" not in listed.text  # a relevance engineer sees the de-identified view
        address = re.search(r'href="(/notes/[^"]+)"', listed.text)
        assert address
        assert other.get(address[1]).status_code == 200
        assert "clinician" not in listed.text


def test_a_name_in_a_question_stays_hidden(client: TestClient, hospital: Hospital) -> None:
    token = sign_in(client, hospital)
    page = ask(client, token, "Zebedee chest pain")
    press(client, page, token, "old=w-0")
    with browser(hospital) as other:
        sign_in(other, hospital, Role.RELEVANCE)
        listed = other.get("/lab/candidates").text
        assert "Zebedee" not in listed
        assert "chest pain" in listed


def test_a_researcher_files_by_the_ids_of_the_view(
    client: TestClient, hospital: Hospital, installation: Installation
) -> None:
    token = sign_in(client, hospital, Role.RESEARCHER)
    page = ask(client, token, "chest pain")
    value = page.text.partition('value="old=')[2].partition('"')[0]
    assert not value.startswith("w-")
    assert press(client, page, token, f"old={value}").status_code == 303
    assert "Called wrong" in client.get(page.url.path).text
    assert last_row(installation, hospital)[1] == "search-page"
    assert press(client, page, token, "old=w-1").status_code == 404


@pytest.mark.parametrize(
    ("value", "status"),
    [("odd=w-1", 400), ("old=none", 404), ("old=", 404), ("old", 404), ("\x00=w-1", 400)],
)
def test_what_is_no_hit_or_no_fault_is_refused(
    client: TestClient, hospital: Hospital, value: str, status: int
) -> None:
    token = sign_in(client, hospital)
    page = ask(client, token, "chest pain")
    assert press(client, page, token, value).status_code == status
    assert press(client, page, "forged", "old=w-1").status_code == 403


def test_another_readers_page_takes_nothing(client: TestClient, hospital: Hospital) -> None:
    page = ask(client, sign_in(client, hospital), "chest pain")
    with browser(hospital) as other:
        token = sign_in(other, hospital, Role.RELEVANCE)
        assert press(other, page, token, "old=w-1").status_code == 404
