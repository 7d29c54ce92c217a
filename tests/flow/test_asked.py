"""What was typed into a form: kept for whoever typed it, in no address, and lost to no fault and
to no session that ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.wiring import Installation
from indexing.access import Role
from tests.attack import (
    Hospital,
    browser,
    chart_of,
    found_hospital,
    person,
    sign_in,
)
from tests.browsing import SITE, form_token
from tests.ward import PASSWORD

LOST = {"age": "old", "condition": "gout"}  # limits of which one does not read
ASKED = {
    "/knowledge": {"q": "what treats asthma"},
    "/graph": {"name": "asthma", "hops": "2"},
    "/similar": {"findings": "chest pain, !fever", "condition": "asthma"},
    "/patients/a-p/similar": {"condition": "asthma"},
}


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    return found_hospital(installation, [person("a-p", "Zq"), *chart_of("a-p", "Zq", "a")])


@pytest.fixture
def client(hospital: Hospital) -> Iterator[TestClient]:
    with browser(hospital) as opened:
        yield opened


def sent(client: TestClient, token: str, path: str, fields: dict[str, str]) -> str:
    """Send a form and return the address that answers it."""
    answer = client.post(path, data={"form_token": token, **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.mark.parametrize(("path", "fields"), ASKED.items())
def test_an_answer_has_an_address_without_the_words(
    client: TestClient, hospital: Hospital, path: str, fields: dict[str, str]
) -> None:
    """A browser asks for no posted page again: the way back would end at its error page."""
    token = sign_in(client, hospital, Role.CLINICIAN)
    address = sent(client, token, path, fields)
    assert re.fullmatch(re.escape(path) + r"\?asked=[\w-]{22}", address)
    for _ in range(2):
        page = client.get(address)
        assert page.status_code == 200, page.text
        assert all(value in page.text for value in fields.values())


def test_what_is_kept_is_for_whoever_sent_it_and_for_that_page(
    client: TestClient, hospital: Hospital
) -> None:
    token = sign_in(client, hospital, Role.CLINICIAN)
    _, _, page_id = sent(client, token, "/graph", {"name": "asthma"}).partition("?asked=")
    for elsewhere in (f"/knowledge?asked={page_id}", f"/similar?asked={page_id}",
                      f"/search/{page_id}", f"/graph?asked={page_id[:-1]}"):  # fmt: skip
        assert client.get(elsewhere).status_code == 404, elsewhere
    assert client.post(f"/search/{page_id}/why", data={"form_token": token}).status_code == 404
    result = sent(client, token, "/search", {"q": "pain"}).removeprefix("/search/")
    assert client.get(f"/graph?asked={result}").status_code == 404
    with browser(hospital) as other:
        sign_in(other, hospital, Role.RESEARCHER)
        assert other.get(f"/graph?asked={page_id}").status_code == 404


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"note": "A long note of chest pain.", **LOST}, 400, "An age is written"),
        ({"note": "Nothing that has a name.", "condition": "gout"}, 400, "no finding that"),
        ({"findings": "chest pain, zzzz", "condition": "gout"}, 422, "“zzzz”: This terminology"),
        ({"findings": "chest pain, !zzzz, fever"}, 422, "“zzzz”: This terminology has no such"),
        ({"findings": "", "condition": "gout"}, 400, "one of the three"),
    ],
)
def test_a_fault_is_told_beside_what_was_typed(
    client: TestClient, hospital: Hospital, fields: dict[str, str], status: int, said: str
) -> None:
    token = sign_in(client, hospital, Role.CLINICIAN)
    page = client.get(sent(client, token, "/similar", fields))
    assert page.status_code == status
    assert said in page.text
    assert ".." not in _words(page)
    assert "--findings" not in page.text  # no option of the command
    assert all(value in page.text for value in fields.values())


@pytest.mark.parametrize(
    "fields",
    [
        {"findings": "chest pain", "period": "some day"},
        {"findings": "chest pain," * 101},
        {"findings": "chest pain", "condition": "!gout"},
    ],
)
def test_no_name_is_blamed_for_another_fault(
    client: TestClient, hospital: Hospital, fields: dict[str, str]
) -> None:
    token = sign_in(client, hospital, Role.CLINICIAN)
    page = client.get(sent(client, token, "/similar", fields))
    assert page.status_code == 422
    assert "“" not in _words(page)


def _words(page: Response) -> str:
    return re.sub(r"<[^>]+>", "", page.text[page.text.index('role="alert"') :][:300])


def test_a_question_with_a_nul_is_read_without_it(client: TestClient, hospital: Hospital) -> None:
    token = sign_in(client, hospital, Role.CLINICIAN)
    page = client.get(sent(client, token, "/search", {"q": "chest\0pain"}))
    assert 'value="chest pain"' in page.text


@pytest.mark.parametrize("name", ["\u200b", "hf \u202etset", "", "x" * 81])
def test_a_cohort_is_called_by_what_can_be_read(
    client: TestClient, hospital: Hospital, name: str
) -> None:
    token = sign_in(client, hospital, Role.CLINICIAN)
    definition = "hf: condition heart failure"
    data = {"form_token": token, "name": name, "definition": definition}
    page = client.post("/cohorts", data=data, follow_redirects=True)
    assert page.status_code == 422
    assert "printable characters" in page.text
    assert definition in page.text


def test_a_cohort_that_was_called_otherwise_before_can_be_changed(
    client: TestClient, hospital: Hospital
) -> None:
    token = sign_in(client, hospital, Role.CLINICIAN)
    own, name = hospital.services, "hf \u202etset"
    own.cohort_store.save(replace(hospital.access, user_id="x"), name, "hf: condition gout")
    fields = {"form_token": token, "name": name, "definition": "hf: condition heart failure"}
    assert client.post("/cohorts", data=fields).status_code == 303


# Sessions that ended, forms that grew old

HERE = {"Origin": SITE, "Referer": f"{SITE}/cohorts?start=20"}
TYPED = {"name": "of mine", "definition": "hf: condition heart failure\nkeep hf"}


def test_a_session_that_ended_gives_back_what_was_typed(
    client: TestClient, hospital: Hospital
) -> None:
    token = sign_in(client, hospital, Role.CLINICIAN)
    client.cookies.clear()
    page = client.post("/cohorts", data={"form_token": token, **TYPED}, headers=HERE)
    assert page.status_code == 401
    assert 'action="/login"' in page.text
    assert 'name="next" value="/cohorts?start=20"' in page.text  # and leads back to the form
    assert all(f">{words}</textarea>" in page.text for words in TYPED.values())


@pytest.mark.parametrize("origin", ["", "https://elsewhere.example", f"{SITE}.example", "null"])
def test_words_that_another_site_may_have_sent_are_not_told(
    client: TestClient, hospital: Hospital, origin: str
) -> None:
    headers = {"Origin": origin, "Referer": f"{origin}/cohorts"} if origin else {}
    answer = client.post("/cohorts", data=TYPED, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    sign_in(client, hospital, Role.CLINICIAN)
    page = client.post("/cohorts", data=TYPED, headers=headers)
    assert page.status_code == 403
    assert TYPED["name"] not in page.text


def test_a_form_of_before_gives_back_what_was_typed(client: TestClient, hospital: Hospital) -> None:
    token = sign_in(client, hospital, Role.CLINICIAN)
    client.cookies.clear()
    sign_in(client, hospital, Role.CLINICIAN)
    page = client.post("/cohorts", data={"form_token": token, **TYPED}, headers=HERE)
    assert page.status_code == 403
    assert "not of this session" in page.text
    assert all(f">{words}</textarea>" in page.text for words in TYPED.values())


def test_without_a_session_a_click_leads_back_to_its_page(
    client: TestClient, hospital: Hospital
) -> None:
    there = {"Origin": SITE, "Referer": f"{SITE}/search/abc?start=20"}
    plain = client.post("/search/abc/refine", data={"change": "plain=1"}, headers=there)
    assert plain.headers["location"] == "/login?next=/search/abc%3Fstart%3D20"
    script = {"HX-Request": "true", "HX-Current-URL": f"{SITE}/search/abc?start=20"}
    swapped = client.post("/search/abc/refine", data={"change": "plain=1"}, headers=script)
    assert swapped.status_code == 401
    assert swapped.headers["hx-redirect"] == "/login?next=/search/abc%3Fstart%3D20"
    assert client.get("/notes/n?found=x").headers["location"] == "/login?next=/notes/n%3Ffound%3Dx"


def test_nobody_is_let_on_as_somebody_else_by_a_sign_in_page_of_before(
    client: TestClient, hospital: Hospital
) -> None:
    old = form_token(client.get("/login").text)
    sign_in(client, hospital, Role.RESEARCHER)
    sent = {
        "form_token": old, "tenant": hospital.tenant.code, "name": "clinician",
        "password": PASSWORD,
    }  # fmt: skip
    page = client.post("/login", data=sent)
    assert page.status_code == 409
    assert "Researcher is signed in in this browser" in page.text
    client.cookies.clear()
    page = client.post("/login", data=sent)
    assert page.status_code == 401
    assert "grown old" in page.text
    sent["form_token"] = form_token(page.text)
    assert client.post("/login", data=sent).status_code == 303


def test_the_light_keeps_the_place(client: TestClient, hospital: Hospital) -> None:
    token = sign_in(client, hospital, Role.CLINICIAN)
    address = sent(client, token, "/graph", {"name": "asthma"})
    assert f'name="next" value="{address}"' in client.get(address).text
