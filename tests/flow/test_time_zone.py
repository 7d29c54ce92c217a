"""A hospital east of Greenwich: a day is its own day wherever it is told."""

from __future__ import annotations

import re

import pytest

from app.wiring import Installation
from indexing.access import Role
from tests.attack import ask, browser, note, person, sign_in
from tests.ward import Ward, found_hospital

DATES = {"z-year": "2023", "z-month": "2023-05", "z-day": "2023-05-06"}


@pytest.fixture(scope="module")
def vienna(installation: Installation) -> Ward:
    subject = {"reference": "Patient/z-p"}
    notes = []
    for name, day in DATES.items():
        made = note(name, "z-p", "He has a gloopling.", "plain")
        notes.append(made | {"context": {"period": {"start": day, "end": day}}})
    problem = {
        "resourceType": "Condition", "id": "z-c", "code": {"text": "Gloopling"}, "subject": subject,
        "onsetDateTime": "2019",
    }  # fmt: skip
    over = problem | {"id": "z-e", "abatementDateTime": "2021-03-04"}
    drug = {
        "resourceType": "MedicationStatement", "id": "z-m", "status": "completed",
        "subject": subject, "medicationCodeableConcept": {"text": "Gloopicillin"},
        "effectivePeriod": {"start": "2023-05-06", "end": "2023-05-08"},
    }  # fmt: skip
    done = {
        "resourceType": "Procedure", "id": "z-o", "status": "completed", "subject": subject,
        "code": {"text": "Gloopectomy"}, "performedDateTime": "2020",
    }  # fmt: skip
    return found_hospital(
        installation,
        [
            person("z-p", "plain") | {"deceasedDateTime": "2024-02"},
            problem,
            over,
            drug,
            done,
            *notes,
        ],
        time_zone="Europe/Vienna",
    )


def test_a_date_is_told_as_it_was_given(vienna: Ward) -> None:
    bearer = vienna.bearer(Role.CLINICIAN)
    with browser(vienna) as client:
        found = client.post("/api/search", json={"q": "gloopling"}, headers=bearer).json()["hits"]
        assert {hit["doc_id"]: hit["date"] for hit in found} == DATES
        for name, day in DATES.items():
            assert client.get(f"/api/notes/{name}", headers=bearer).json()["date"] == day
        token = sign_in(client, vienna)
        shown = re.findall(r'<span class="date">([^<]*)<', ask(client, token, "gloopling").text)
        assert set(shown) == set(DATES.values())
        chart = client.get("/patients/z-p").text
    days = {text.strip() for text in re.findall(r'<span class="when">([^<]*)<', chart)}
    assert {"2019", "2019–2021-03-04", "2020", "2023-05-06–2023-05-08"} <= days
    assert re.findall(r'class="died">([^<]*)<', chart) == ["died 2024-02"]
