"""Inside one hospital, over HTTP: what is labelled is nowhere for who is not cleared for it."""

from __future__ import annotations

import pytest

from app.wiring import Installation
from indexing.access import Role
from tests.attack import (
    ACT_CODE,
    CONFIDENTIALITY,
    KINDS,
    Hospital,
    ask,
    browser,
    chart_of,
    everything,
    found_hospital,
    person,
    sign_in,
)

LABELS = [
    {"system": CONFIDENTIALITY, "code": "R"},
    {"system": CONFIDENTIALITY, "code": "V"},
    {"system": ACT_CODE, "code": "HIV"},
    {"system": ACT_CODE, "code": "PSY"},
    {"system": "urn:unheard-of", "code": "whatever"},
]
SECRET = "qzsecretword"


@pytest.fixture(scope="module", params=LABELS, ids=lambda coding: coding["code"])
def guarded(request: pytest.FixtureRequest, installation: Installation) -> Hospital:
    """Ada's chart is open but for one labelled set of everything; Vera herself is labelled."""
    security = [request.param]
    return found_hospital(
        installation,
        [
            person("p-ada", "qzopenword"),
            *chart_of("p-ada", "qzopenword", "open"),
            *chart_of("p-ada", SECRET, "shut", security),
            person("p-vera", SECRET, security),
            *chart_of("p-vera", SECRET, "vera", security),
        ],
    )


def test_the_uncleared_see_no_labelled_thing_anywhere(guarded: Hospital) -> None:
    headers = guarded.bearer()
    with browser(guarded) as client:
        token = sign_in(client, guarded)
        pages = [client.get(p) for p in ("/patients/p-ada", "/patients/p-vera", "/status")]
        pages += [client.get(p) for p in ("/notes/shut-note", "/notes/vera-note")]
        pages += [client.get("/api/patients/p-ada", headers=headers)]
        for kind in KINDS:
            name = f"/fhir/{kind}/shut-{kind.lower()}"
            pages += [client.get(name, headers=headers)]
            pages += [client.get(f"{name}/_history/1", headers=headers)]
            assert pages[-1].status_code == pages[-2].status_code == 404, name
        pages += [client.get("/fhir/Patient/p-vera", headers=headers)]
        assert pages[-1].status_code == 404
        found = ask(client, token, "chest pain")
        pages += [found, ask(client, token, "severe", group="patient")]
        pages += [ask(client, token, "chest pain", patient="p-vera")]
        why = {"form_token": token, "doc_id": "shut-note"}
        pages += [client.post(f"{found.url.path}/why", data=why)]
        for page in pages:
            assert SECRET not in everything(page).lower(), page.url
        assert "qzopenword" in pages[0].text.lower()
        assert pages[1].status_code == 404


def test_no_leg_facet_or_count_holds_a_labelled_note(guarded: Hospital) -> None:
    with browser(guarded) as client:
        for rankers in (["lexical"], ["vector"], ["graph"], []):
            body = {"q": "chest pain severe", "k": 50, "rankers": rankers}
            answer = client.post("/api/search", json=body, headers=guarded.bearer()).json()
            assert {hit["doc_id"] for hit in answer["hits"]} == {"open-note"}
            assert answer["total"] == 1
            assert SECRET not in str(answer).lower()
            assert "p-vera" not in str(answer["facets"])
        nothing = client.post(
            "/api/search", json={"q": '"no such words here"'}, headers=guarded.bearer()
        ).json()
        assert nothing["absence"]["total"] == nothing["absence"]["searched"] == 1


def test_the_cleared_see_it_and_a_version_stays_as_closed_as_it_was(
    guarded: Hospital, installation: Installation
) -> None:
    labels = "{R,V,HIV,PSY,OTHER}"
    with installation.database.tenant(guarded.tenant.tenant_id) as conn:
        conn.execute(  # who treats patients too sees them as written
            "UPDATE account SET labels = %s, roles = '{clinician,researcher}' "
            "WHERE name = 'researcher'",
            (labels,),
        )
    cleared, uncleared = guarded.bearer(Role.RESEARCHER), guarded.bearer()
    address = "/fhir/Condition/shut-condition"
    with browser(guarded) as client:
        sign_in(client, guarded, Role.RESEARCHER)
        assert SECRET in client.get("/patients/p-vera").text.lower()
        assert SECRET in client.get(address, headers=cleared).text.lower()
        plain = {
            "resourceType": "Condition", "id": "shut-condition", "code": {"text": "plain"},
            "subject": {"reference": "Patient/p-ada"},
        }  # fmt: skip
        assert client.put(address, json=plain, headers=uncleared).status_code == 403
        assert client.put(address, json=plain, headers=cleared).status_code == 200
        assert client.get(address, headers=uncleared).status_code == 200
        assert client.get(f"{address}/_history/1", headers=uncleared).status_code == 404
        assert client.get(f"{address}/_history/1", headers=cleared).status_code == 200
        assert client.get(f"{address}/_history/0", headers=cleared).status_code == 404
        assert client.get(f"{address}/_history/9{'9' * 30}", headers=cleared).status_code < 500
