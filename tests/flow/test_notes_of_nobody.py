"""Notes that name no patient: wherever their sentences stand, it is said that they are nobody's."""

from __future__ import annotations

import base64
import re

import pytest
from fastapi.testclient import TestClient

from app.wiring import Installation
from indexing.access import Role
from tests.browsing import ask, form_token, sign_in
from tests.medical_ward import put
from tests.ward import Ward, build

SAID = b"ASSESSMENT: Sarcoidosis treated with methotrexate."


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    made = build(installation)
    text = {"contentType": "text/plain", "data": base64.b64encode(SAID).decode()}
    put(
        installation, made,
        {"resourceType": "DocumentReference", "id": "note-nobody", "status": "current",
         "type": {"text": "Consult note"}, "content": [{"attachment": text}]},
    )  # fmt: skip
    return made


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.RESEARCHER])
def test_results_and_their_best_sentence_say_so(client: TestClient, ward: Ward, role: Role) -> None:
    sign_in(client, ward, role)
    shown = client.get(ask(client, "sarcoidosis")).text
    best, result = re.findall(r'<p class="facts">.*?</p>', shown, re.DOTALL)[:2]
    assert "result 1" in best
    for facts in (best, result):
        assert re.search(r'<span class="of">\s*no patient\s*</span>', facts)
        assert "/patients/" not in facts


def test_a_note_beside_an_answer_says_so_apart_from_its_sentence(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    token = form_token(client.get("/knowledge").text)
    shown = client.post("/knowledge", data={"q": "sarcoidosis", "form_token": token}).text
    at = shown.index('href="/notes/note-nobody"')
    assert re.search(r'<span class="small">no patient</span>\s*<br>', shown[at : at + 300])


def test_the_note_itself_says_so(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    assert '<strong class="of">no patient</strong>' in client.get("/notes/note-nobody").text
