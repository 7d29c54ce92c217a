"""Model cards as pages: what they show, over time, and what a researcher is not told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from app.wiring import Installation
from indexing.access import Access, Role
from indexing.outlook import ModelCard, Prediction, Switches
from tests.browsing import sign_in
from tests.ward import Ward, build

METRICS = {
    "known": 300, "held_out": 300, "withheld": 4, "base_rate": 0.3, "error": 0.021, "skill": 0.14,
    "low": 0.06, "high": 0.21, "truth_error": None,
    "groups": {"sex female": [150, 0.31, 0.32], "age 80-99": [12, 0.4, 0.25]},
    "bins": [[150, 0.2, 0.18, 0.1, 0.3], [150, 0.5, 0.52, 0.4, 0.6], [20, 0.9, 0.95, 0.8, 1.0]],
}  # fmt: skip
CARD = ModelCard(
    "return", "2", "nearest", "return90", "By those alike.", {"k": 150, "calibration": "platt"},
    {"patients": 300, "outcome": "back"}, METRICS,
)  # fmt: skip


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    """A ward with a model that told sixty times in two quarters, forty outcomes known."""
    own = build(installation)
    access = Access(own.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    store = own.services.outlook(access).store
    store.switch(access, Switches(predictions=True))
    store.register(access, CARD, None)
    for number in range(60):
        at = datetime(2025, 2, 1, tzinfo=UTC) + timedelta(days=number * 2)
        chance = None if number % 10 == 9 else 0.3
        told = Prediction(
            f"told-{number}", "p-ada", "return", "2", "return90", chance, 0.2, 0.4, 0.3,
            "" if chance else "nobody here is alike enough to tell by", at, {"neighbours": 150},
        )  # fmt: skip
        store.keep(access, told)
        if number < 40:
            known = (number % 3 == 0, at, access.tenant_id, told.prediction_id)
            with installation.database.tenant(access.tenant_id) as conn:
                conn.execute(
                    "UPDATE outlook_prediction SET actual = %s, actual_at = %s "
                    "WHERE tenant_id = %s AND prediction_id = %s",
                    known,
                )
    return own


def test_the_list_leads_to_the_card_with_everything_on_it(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    assert 'href="/models/return/2"' in client.get("/models").text
    page = client.get("/models/return/2").text
    for words in (
        "Intended use", "nearest patients of this hospital", "calibration platt", "patients: 300",
        "0.021", "0.140", "[0.060, 0.210]", "sex female", "active", "2025 Q1", "2025 Q2",
    ):  # fmt: skip
        assert words in page
    assert page.count("<circle") == 3 + 5  # of its registration, and since
    assert client.get("/models/none/1").status_code == 404


def test_the_chart_shows_what_was_told_and_what_was_withheld(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    page = client.get("/patients/p-ada").text
    assert "Of patients alike here, 30 in 100 (20 to 40)" in page
    assert "This says how others fared, not what will be." in page
    assert "Nothing is told: nobody here is alike enough" in page
    assert 'href="/models/return/2"' in page
    assert "Compare with patients alike" in page


def test_figures_over_time_are_of_what_became_known(client: TestClient, ward: Ward) -> None:
    head = {"Authorization": f"Bearer {ward.token(Role.CLINICIAN)}"}
    found = client.get("/api/models/return/2", headers=head).json()
    first, second = found["over_time"]
    assert (first["name"], first["told"], first["withheld"], first["known"]) == (
        "2025 Q1",
        30,
        3,
        27,
    )
    assert first["error"] is None  # fewer than thirty outcomes make no figure
    assert (second["told"], second["known"]) == (30, 9)
    assert found["lineage"]["patients"] == 1


def test_a_researcher_is_told_no_small_cell_and_no_day(client: TestClient, ward: Ward) -> None:
    head = {"Authorization": f"Bearer {ward.token(Role.RESEARCHER)}"}
    found = client.get("/api/models/return/2", headers=head).json()
    groups = {each["name"]: each for each in found["subgroups"]}
    assert groups["sex female"]["happened"] == 0.32
    assert groups["age 80-99"]["happened"] is None  # 3 of 12
    assert [each["patients"] for each in found["calibration"]] == [150, 150]  # 1 of 20 stays away
    assert found["lineage"] == {"patients": None, "first": None, "last": None}
    assert found["over_time"][0]["withheld"] is None
    assert (found["metrics"]["held_out"], found["metrics"]["withheld"]) == (300, None)
    sign_in(client, ward, Role.RESEARCHER)
    shown = ward.services.hider(ward.access).patient_id("p-ada")
    page = client.get(f"/patients/{shown}").text
    assert "30 in 100" in page
    assert "told-" not in page
    assert "Compare with patients alike" not in page
    token = {"Authorization": f"Bearer {ward.token(Role.RESEARCHER)}"}
    asked = client.post(f"/api/patients/{shown}/predict", json={}, headers=token)
    assert asked.status_code == 403
