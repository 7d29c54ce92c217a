"""The comprehensive view: every part that came, those that did not by name, and nobody else's."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.patient_view import PARTS, Asker, Part, Piece, gather
from app.views import view_of
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.errors import EngineUnavailable, NotFound
from tests.attack import CLINICAL, found_hospital
from tests.browsing import ask, sign_in
from tests.ward import Ward, build


def clinician(ward: Ward) -> Access:
    return Access(ward.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))


def _dead(asker: Asker) -> Piece | None:
    raise EngineUnavailable("down")


def test_a_dead_part_is_named_and_the_rest_is_shown(ward: Ward) -> None:
    parts = (*PARTS, Part("dead", "What the dead part shows", _dead))
    seen = gather(ward.services, clinician(ward), "p-ada", parts=parts)
    assert seen.missing == {"dead": "What the dead part shows"}
    assert seen.chart is not None
    assert seen.chart.person.name == "Ada Example"


def test_a_slow_part_is_not_waited_for(ward: Ward) -> None:
    from threading import Event

    never = Event()

    def slow(asker: Asker) -> Piece | None:
        never.wait(30)
        return Piece("late")

    settings = ward.services.settings.model_copy(update={"leg_timeout_s": 0.5})
    own = replace(ward.services, settings=settings)
    seen = gather(own, clinician(ward), "p-ada", parts=(*PARTS, Part("slow", "Slow", slow)))
    never.set()
    assert set(seen.missing) == {"slow"}
    assert seen.chart is not None


def test_a_part_that_an_installation_lacks_is_told_apart_from_a_dead_one(ward: Ward) -> None:
    parts = (*PARTS, Part("none", "What is not there", lambda asker: None))
    seen = gather(ward.services, clinician(ward), "p-ada", parts=parts)
    assert seen.absent["none"] == "What is not there"
    assert "outlook" in seen.absent  # off until the tenant turns it on
    assert not seen.missing


def test_with_every_part_dead_nothing_is_pretended(ward: Ward) -> None:
    with pytest.raises(EngineUnavailable):
        gather(ward.services, clinician(ward), "p-ada", parts=(Part("dead", "Dead", _dead),))


def test_another_tenants_patient_reads_like_nobody(
    installation: Installation, client: TestClient, ward: Ward
) -> None:
    other = build(installation)
    stranger = Access(other.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    with pytest.raises(NotFound) as foreign:
        gather(other.services, replace(stranger, patients=frozenset({"p-ben"})), "p-ada")
    with pytest.raises(NotFound) as nobody:
        gather(other.services, stranger, "p-nobody")
    assert str(foreign.value) == str(nobody.value)
    answer = client.get("/api/patients/p-nobody/view", headers=ward.bearer())
    assert answer.status_code == 404


def test_the_api_answers_every_part_with_its_time_and_one_timeline(
    client: TestClient, ward: Ward
) -> None:
    answer = client.get("/api/patients/p-ada/view", headers=ward.bearer())
    assert answer.status_code == 200
    body = answer.json()
    assert body["patient_id"] == "p-ada"
    assert body["parts"]["record"]["body"]["totals"]["notes"] == 2
    behind = {name: part["complete_to"] for name, part in body["parts"].items()}
    assert behind.pop("record") is None  # it is what the others follow, and was read at `read_at`
    assert set(behind) == {"graph", "vitals", "similar"}
    now = datetime.now(UTC)  # a part may have been read anew after the view was asked for
    assert all(datetime.fromisoformat(at) <= now for at in [body["read_at"], *behind.values()])
    kinds = [entry["kind"] for entry in body["timeline"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "note": 2, "problem": 1, "medication": 1, "observation": 3,
    }  # fmt: skip


def test_a_researcher_sees_no_name_in_any_part(client: TestClient, ward: Ward) -> None:
    who = ward.bearer(Role.RESEARCHER)
    found = client.post(
        "/api/search", headers=who, json={"q": "chest pain", "rankers": "lexical"}
    ).json()
    note = client.get(f"/api/notes/{found['hits'][0]['doc_id']}", headers=who).json()
    answer = client.get(f"/api/patients/{note['patient_id']}/view", headers=who)
    assert answer.status_code == 200
    for hidden in ("Example", "Specimen", "p-ada", "p-ben", "Quill", "Moss"):
        assert hidden not in answer.text


def test_what_a_search_found_is_marked_on_the_timeline_for_its_asker_alone(
    client: TestClient, ward: Ward
) -> None:
    for role in (Role.RESEARCHER, Role.CLINICIAN):
        sign_in(client, ward, role)
        results = ask(client, "chest pain")
        text = client.get(results).text
        chart = re.search(r'href="(/patients/[^"?]+\?found=([^"]+))"', text)
        assert chart is not None
        page_id = results.partition("/search/")[2].partition("?")[0]
        assert chart[2] == page_id
        shown = client.get(chart[1]).text
        marked = re.findall(
            r'href="(/notes/[^"?]+)\?found=[^"]+">[^<]*</a> <span class="new">', shown
        )
        assert marked
        found = set(re.findall(r'href="(/notes/[^"?]+)\?found=', text))
        assert set(marked) <= found
        assert f'href="/search/{page_id}"' in shown
        client.cookies.clear()
    sign_in(client, ward, Role.CLINICIAN)
    for gone in (page_id[:-1] + "x", "../search", ""):
        assert '<span class="new">found' not in client.get(
            "/patients/p-ada", params={"found": gone}
        ).text  # fmt: skip
    client.cookies.clear()
    sign_in(client, ward, Role.RESEARCHER)
    refused = client.get(chart[1]).text  # its own address leads back to it, and nothing further
    assert f"/search/{page_id}" not in refused
    assert '<span class="new">' not in refused


def test_what_is_open_stands_first_in_either_view(installation: Installation) -> None:
    def problem(own: str, status: str, onset: str) -> dict[str, Any]:
        coding = [{"system": CLINICAL, "code": status}]
        return {
            "resourceType": "Condition", "id": own, "subject": {"reference": "Patient/p-open"},
            "code": {"text": own}, "onsetDateTime": onset, "clinicalStatus": {"coding": coding},
        }  # fmt: skip

    made = found_hospital(installation, [
        {"resourceType": "Patient", "id": "p-open"},
        problem("gout", "active", "2010-05-06"), problem("measles", "resolved", "2020-05-06"),
        problem("asthma", "recurrence", "2012-05-06"),
    ])  # fmt: skip
    for role in (Role.CLINICIAN, Role.RESEARCHER):
        access = replace(made.access, roles=frozenset({role}))
        read = made.services.charts.chart(access, "p-open", visit=False)
        chart = view_of(made.services, access).chart(read)
        assert [each.text for each in chart.problems] == ["asthma", "gout", "measles"]


def test_whoever_was_merged_is_seen_as_the_one_who_stands(installation: Installation) -> None:
    link = [{"other": {"reference": "Patient/p-now"}, "type": "replaced-by"}]
    made = found_hospital(installation, [
        {"resourceType": "Patient", "id": "p-now", "name": [{"text": "Ann Now"}]},
        {"resourceType": "Patient", "id": "p-old", "active": False, "link": link},
    ])  # fmt: skip
    for asked in ("p-now", "p-old"):
        seen = gather(made.services, clinician(made), asked)
        assert seen.patient_id == "p-now"
        assert seen.chart is not None
        assert seen.chart.person.name == "Ann Now"
