"""The page of knowledge: what it says to nothing, and which notes stand beside an answer."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from app.cli.knowledge import knowledge_command
from app.wiring import Installation
from indexing.access import Role
from rankers.knowledge import KnowledgeRequest
from tests.browsing import form_token, sign_in
from tests.ward import Ward, build


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    return build(installation)


@pytest.mark.parametrize("q", ["", "   "])
def test_a_question_of_nothing_is_told_what_to_ask(client: TestClient, ward: Ward, q: str) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    sent = {"q": q, "form_token": form_token(client.get("/knowledge").text)}
    answer = client.post("/knowledge", data=sent)
    assert answer.status_code == 422
    assert "Ask for something" in answer.text


def test_notes_are_asked_for_what_the_question_is_about(client: TestClient, ward: Ward) -> None:
    """A note that says "treated with" is no answer to what treats something else."""
    for q, wanted in (
        ("what treats chest pain", "note-angina"), ("what treats gout", ""),
        ("treated with furosemide", "note-edema"),
    ):  # fmt: skip
        found = client.post("/api/knowledge", headers=ward.bearer(), json={"q": q}).json()
        notes = [each["doc_id"] for each in found["notes"]]
        assert wanted in notes if wanted else notes == []


def test_a_note_beside_an_answer_says_whose_it_is(client: TestClient, ward: Ward) -> None:
    """A sentence without its patient is anybody's."""
    sign_in(client, ward, Role.CLINICIAN)
    sent = {"q": "treated with furosemide", "form_token": form_token(client.get("/knowledge").text)}
    shown = client.post("/knowledge", data=sent).text
    at = shown.index('href="/notes/note-edema"')
    assert "of Ben Specimen" in shown[at : at + 300]
    found = client.post("/api/knowledge", headers=ward.bearer(), json={"q": sent["q"]}).json()
    assert {each["doc_id"]: each["patient_id"] for each in found["notes"]}["note-edema"] == "p-ben"


def test_the_command_says_whose_it_is_too(
    ward: Ward, installation: Installation, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("app.cli.knowledge.Installation", lambda _: installation)
    monkeypatch.setattr(installation, "close", lambda: None)
    asked = KnowledgeRequest("treated with furosemide")
    knowledge_command(ward.tenant.code, asked, as_json=False)
    assert "note   note-edema  patient p-ben  2023-11" in capsys.readouterr().out


def test_a_researcher_is_named_nobody_beside_an_answer(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.RESEARCHER)
    sent = {"q": "treated with furosemide", "form_token": form_token(client.get("/knowledge").text)}
    shown = client.post("/knowledge", data=sent).text
    assert "of Patient " in shown
    assert "Ben" not in shown
    assert "p-ben" not in shown


def test_the_row_of_the_read_names_everybody_whose_name_is_shown(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    def named() -> list[list[str]]:
        with installation.database.tenant(ward.tenant.tenant_id) as conn:
            found = conn.execute("SELECT patient_ids FROM audit_event ORDER BY seq").fetchall()
        return [sorted(each) for (each,) in found]

    sign_in(client, ward, Role.CLINICIAN)
    token, bearer = form_token(client.get("/knowledge").text), ward.bearer()
    before = len(named())
    shown = client.post("/knowledge", data={"q": "chest pain", "form_token": token}).text
    assert "of Ada Example" in shown
    assert "of Ben Specimen" in shown
    assert named()[before:] == [["p-ada", "p-ben"]]
    found = client.post("/api/knowledge", headers=bearer, json={"q": "chest pain"}).json()
    assert {each["patient_id"] for each in found["notes"]} == {"p-ada", "p-ben"}
    assert named()[before + 1 :] == [["p-ada", "p-ben"]]
