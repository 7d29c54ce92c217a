"""Similar patients from ingest to page: what counts, who may see it, what is recorded."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.cli.similar import similar_command
from app.following import catch_up
from app.services import services_of
from app.similar import Question, similar
from app.stores import stores
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.errors import InvalidInput, InvalidQuery, NotFound
from indexing.ingest import Ingest
from indexing.reconcile import Difference, reconcile
from tests.attack import Hospital, browser, found_hospital, sign_in

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def patient(own: str, sex: str = "female", born: str = "1960") -> dict[str, Any]:
    return {"resourceType": "Patient", "id": own, "gender": sex, "birthDate": born,
            "name": [{"family": f"Zq{own}", "given": ["Ada"]}]}  # fmt: skip


def condition(own: str, of: str, text: str, status: str = "confirmed", label: str = "") -> Any:
    meta = {"security": [{"code": label, "system":
            "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"}]}  # fmt: skip
    return {"resourceType": "Condition", "id": own, "subject": {"reference": f"Patient/{of}"},
            "verificationStatus": {"coding": [{"system": CLINICAL, "code": status}]},
            "code": {"text": text}, **({"meta": meta} if label else {})}  # fmt: skip


def visit(own: str, of: str, status: str) -> dict[str, Any]:
    return {"resourceType": "Encounter", "id": own, "status": status, "class": {"code": "AMB"},
            "subject": {"reference": f"Patient/{of}"}, "period": {"start": "2019-05"}}  # fmt: skip


def note(own: str, of: str, text: str) -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return {"resourceType": "DocumentReference", "id": own, "status": "current",
            "subject": {"reference": f"Patient/{of}"}, "type": {"text": "Progress note"},
            "content": [{"attachment": {"contentType": "text/plain", "data": data}}]}  # fmt: skip


TEMPLATE = "PLAN:\nThe patient was seen in the clinic by the usual team. Return in four weeks.\n"
PEOPLE = [
    patient("like"), patient("asked"), patient("twin", "male", "1990"), patient("denies"),
    patient("secret"), patient("far", "male"),
    condition("c1", "asked", "Heart failure"), condition("c2", "asked", "Atrial fibrillation"),
    condition("c3", "like", "Heart failure"), condition("c4", "like", "Atrial fibrillation"),
    condition("c5", "twin", "Migraine"), condition("c6", "far", "Appendicitis"),
    condition("c7", "denies", "Heart failure", "refuted"),
    condition("c8", "denies", "Atrial fibrillation"),
    condition("c9", "secret", "Heart failure", label="R"),
    condition("c10", "secret", "Atrial fibrillation", label="R"),
    note("n1", "asked", f"HISTORY OF PRESENT ILLNESS:\nOrthopnea. Denies fever.\n{TEMPLATE}"),
    note("n2", "like", "HISTORY OF PRESENT ILLNESS:\nOrthopnea. She denies fever.\n"),
    visit("e1", "like", "finished"), visit("e2", "denies", "cancelled"),
    note("n3", "twin", f"HISTORY OF PRESENT ILLNESS:\nHeadache.\n{TEMPLATE}"),
]  # fmt: skip


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    return found_hospital(installation, PEOPLE)


@pytest.fixture
def client(hospital: Hospital) -> Iterator[TestClient]:
    with browser(hospital) as opened:
        yield opened


def _ask(installation: Installation, hospital: Hospital, question: Question) -> Any:
    access = Access(hospital.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    return similar(services_of(installation), access, question)


def test_shared_and_differing_are_told_with_the_parts(
    installation: Installation, hospital: Hospital
) -> None:
    shown = _ask(installation, hospital, Question(patient="asked"))
    first = shown.neighbours[0]
    assert first.patient_id == "like"
    assert {s.name.lower() for s in first.shared} >= {"heart failure", "atrial fibrillation"}
    assert [s.name.lower() for s in first.shared if s.side == "absent"] == ["fever"]
    assert sum(first.parts.values()) == pytest.approx(first.score, abs=1e-4)
    denies = next(n for n in shown.neighbours if n.patient_id == "denies")
    assert [d.how for d in denies.differing if d.name == "heart failure"] == ["opposite"]


def test_a_template_makes_nobody_similar_and_a_restricted_record_tells_nothing(
    installation: Installation, hospital: Hospital
) -> None:
    shown = _ask(installation, hospital, Question(patient="asked"))
    assert not {"twin", "secret", "asked"} & {n.patient_id for n in shown.neighbours}


def test_findings_and_a_note_ask_the_same(installation: Installation, hospital: Hospital) -> None:
    text = "HISTORY OF PRESENT ILLNESS:\nHeart failure and atrial fibrillation. Denies fever."
    by_note = _ask(installation, hospital, Question(note=text))
    by_list = _ask(
        installation, hospital, Question(findings="heart failure, atrial fibrillation, !fever")
    )
    assert by_note.found == by_list.found
    assert {n.patient_id for n in by_list.neighbours[:2]} == {"like", "asked"}


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ({"sex": "male"}, set()),
        ({"age": "-30"}, set()),
        ({"condition": "heart failure"}, {"like"}),
        ({"period": "2019"}, {"like"}),
        ({"sex": "female", "age": "40-"}, {"like", "denies"}),
    ],
)
def test_limits_hold(
    installation: Installation, hospital: Hospital, limits: dict[str, str], left: set[str]
) -> None:
    shown = _ask(installation, hospital, Question(patient="asked", **limits))
    assert {n.patient_id for n in shown.neighbours} == left


@pytest.mark.parametrize(
    ("question", "error", "says"),
    [
        (Question(), InvalidInput, "one of the three"),
        (Question(patient="asked", findings="fever"), InvalidInput, "one of the three"),
        (Question(patient="asked", age="60-40"), InvalidInput, "ends before"),
        (Question(patient="asked", sex="both"), InvalidInput, "no such sex"),
        (Question(patient="asked", period="2023-13"), InvalidQuery, "no such day"),
        (Question(note="blah blah"), InvalidInput, "names no finding"),
        (Question(findings="fever,!fever"), InvalidQuery, "as found and as absent"),
        (Question(patient="nobody"), NotFound, "no such patient"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    installation: Installation, hospital: Hospital, question: Question, error: type[Exception],
    says: str,
) -> None:  # fmt: skip
    with pytest.raises(error, match=says):
        _ask(installation, hospital, question)


def test_an_unknown_finding_points_at_its_place(
    installation: Installation, hospital: Hospital
) -> None:
    with pytest.raises(InvalidQuery) as caught:
        _ask(installation, hospital, Question(findings="fever, qqqxyz"))
    assert caught.value.position == 7


def test_another_tenants_patient_reads_like_none(
    installation: Installation, hospital: Hospital, access: Access
) -> None:
    with pytest.raises(NotFound) as mine:
        similar(services_of(installation), access, Question(patient="asked"))
    with pytest.raises(NotFound) as none:
        _ask(installation, hospital, Question(patient="nobody"))
    assert str(mine.value) == str(none.value)


def test_an_access_to_some_patients_shows_no_other(
    installation: Installation, hospital: Hospital
) -> None:
    access = Access(
        hospital.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}),
        patients=frozenset({"asked", "denies"}), labels=LABELS,
    )  # fmt: skip
    shown = similar(services_of(installation), access, Question(patient="asked"))
    assert [n.patient_id for n in shown.neighbours] == ["denies"]


def test_a_change_is_seen_and_a_deletion_too(installation: Installation) -> None:
    hospital = found_hospital(installation, [each for each in PEOPLE if each["id"] != "c4"])
    tenant = hospital.tenant
    ingest = Ingest(installation.records, Access(tenant.tenant_id, "loader",
                    frozenset({Role.ADMIN})), installation.zone_of(tenant.tenant_id))  # fmt: skip

    def shared() -> set[str]:
        catch_up(installation, ("text",), tenants=[tenant.tenant_id])
        shown = _ask(installation, hospital, Question(patient="asked"))
        found = next(n for n in shown.neighbours if n.patient_id == "like")
        return {s.name.lower() for s in found.shared}

    assert "atrial fibrillation" not in shared()
    ingest.submit(json.dumps(condition("c4", "like", "Atrial fibrillation")).encode())
    assert "atrial fibrillation" in shared()
    assert "orthopnea" in shared()
    ingest.submit(json.dumps(note("n2", "denies", "PLAN:\nRest.")).encode())
    assert "orthopnea" not in shared()


def test_values_far_outside_their_range_make_patients_alike(installation: Installation) -> None:
    """A value inside its range tells nothing; of the degrees the furthest alone is told."""

    def value(own: str, of: str, number: float) -> dict[str, Any]:
        return {"resourceType": "Observation", "id": own, "status": "final",
                "subject": {"reference": f"Patient/{of}"},
                "code": {"coding": [{"system": "urn:lab", "code": "zq-1", "display": "Zqase"}]},
                "valueQuantity": {"value": number, "unit": "U/L"},
                "referenceRange": [{"low": {"value": 10}, "high": {"value": 40}}]}  # fmt: skip

    made = found_hospital(installation, [
        *(patient(each) for each in ("ask", "near", "less", "well", "low")),
        value("1", "ask", 130), value("2", "near", 125), value("3", "less", 45),
        value("4", "well", 30), value("5", "low", 4), value("6", "near", 20),
    ])  # fmt: skip
    shown = _ask(installation, made, Question(patient="ask"))
    assert [n.patient_id for n in shown.neighbours] == ["near", "less"]
    assert shown.found == ("Zqase, 3 times above its range",)
    assert [s.name for s in shown.neighbours[0].shared] == ["Zqase, 3 times above its range"]
    assert [d.name for d in shown.neighbours[1].differing] == ["Zqase, 3 times above its range"]
    ingest = Ingest(installation.records, made.access, installation.zone_of(made.tenant.tenant_id))
    ingest.submit(json.dumps(value("2", "near", 39)).encode())
    catch_up(installation, ("text",), tenants=[made.tenant.tenant_id])
    shown = _ask(installation, made, Question(patient="ask"))
    assert [n.patient_id for n in shown.neighbours] == ["less"]


def test_records_that_features_missed_are_found_and_told_of_again(
    installation: Installation, hospital: Hospital
) -> None:
    tenant = hospital.tenant.tenant_id
    only = [each for each in stores(installation) if each.name == "records"]

    def held() -> tuple[Difference, Difference]:
        return reconcile(tenant, installation.derived.live, only)[0]

    assert held()[0].equal
    with installation.database.tenant(tenant, derived=True) as conn:
        conn.execute("DELETE FROM record_feature WHERE key = 'Condition/c1'")
        conn.execute("UPDATE record_feature SET version = 0 WHERE key = 'Condition/c2'")
        conn.execute("INSERT INTO record_feature VALUES (%s, 'Condition/zq', 1, true)", (tenant,))
        before = conn.execute("SELECT epoch FROM feature_epoch").fetchone()
    found, after = held()
    assert (found.missing, found.stale, found.extra) == (
        ("Condition/c1",), ("Condition/c2",), ("Condition/zq",)
    )  # fmt: skip
    assert found.digest != after.digest
    assert after.equal
    with installation.database.tenant(tenant) as conn:
        assert conn.execute("SELECT epoch FROM feature_epoch").fetchone() != before


def test_the_page_answers_without_script_and_is_recorded(
    installation: Installation, hospital: Hospital, client: TestClient
) -> None:
    token = sign_in(client, hospital, Role.CLINICIAN)
    page = client.get("/patients/asked/similar")
    assert page.status_code == 200
    assert "/patients/like" in page.text
    assert "Zqlike" in page.text
    sent = {"form_token": token, "findings": "heart failure, !fever"}
    answer = client.post("/similar", data=sent, follow_redirects=True)
    assert answer.status_code == 200
    assert "/patients/like" in answer.text
    assert client.get("/patients/nobody/similar").status_code == 404
    with installation.database.tenant(hospital.tenant.tenant_id) as conn:
        rows = conn.execute(
            "SELECT patient_ids FROM audit_event WHERE subtype = 'similar' "
            "ORDER BY seq DESC LIMIT 1"
        ).fetchall()
    assert "like" in rows[0][0]


def test_a_researcher_sees_no_name_and_no_id(hospital: Hospital, client: TestClient) -> None:
    token = sign_in(client, hospital, Role.RESEARCHER)
    sent = {"form_token": token, "findings": "heart failure, atrial fibrillation"}
    answer = client.post("/similar", data=sent, follow_redirects=True)
    assert answer.status_code == 200
    assert "Patient " in answer.text
    assert "atrial fibrillation" in answer.text.lower()
    assert "/patients/like" not in answer.text
    assert "/patients/asked" not in answer.text
    words = re.sub(r'(href|value)="[^"]*"', "", answer.text)  # pseudonyms spell anything by chance
    for hidden in ("Zq", "Ada"):
        assert hidden not in words
    assert "fewer than 11 patients" in answer.text


def test_what_most_patients_share_is_folded_behind_what_sets_apart(
    installation: Installation,
) -> None:
    """All fourteen deny fever, all but one are tired; two of them have heart failure."""
    people = [f"q{i:02}" for i in range(14)]
    made = found_hospital(installation, [
        *(patient(each) for each in people),
        *(condition(f"f-{each}", each, "Fatigue") for each in people[:13]),
        *(condition(f"h-{each}", each, "Heart failure") for each in people[:2]),
        *(condition(f"g-{each}", each, "Gout") for each in people[2:8]),
        *(note(f"n-{each}", each, "HISTORY OF PRESENT ILLNESS:\nDenies fever.\n")
          for each in people),
    ])  # fmt: skip
    first = _ask(installation, made, Question(patient="q00")).neighbours[0]
    assert first.patient_id == "q01"
    assert [s.name for s in first.shared] == ["heart failure"]
    assert [(s.name, s.side) for s in first.common] == [("fatigue", "found"), ("fever", "absent")]
    gout = _ask(installation, made, Question(patient="q02")).neighbours[0]
    assert [s.name for s in gout.shared] == ["gout"]
    for role in (Role.CLINICIAN, Role.RESEARCHER):
        with browser(made) as opened:
            said = opened.post(
                "/api/similar", json={"findings": "fatigue"}, headers=made.bearer(role)
            ).json()["neighbours"][0]
            assert (said["shared"], said["common"][0]["name"]) == ([], "fatigue")
            assert (said["common"][0]["weight"] is None) is (role == Role.RESEARCHER)
            token = sign_in(opened, made, role)
            sent = {"form_token": token, "findings": "heart failure, fatigue"}
            shown = opened.post("/similar", data=sent, follow_redirects=True).text
        assert re.search(
            r'heart failure</span> <details class="small"><summary>and 1 that most patients '
            r'share</summary><span class="tag tag-found">fatigue</span>', shown
        )  # fmt: skip
        assert "<summary>1 that most patients share</summary>" in shown


def test_a_researcher_is_told_no_count_by_a_weight(hospital: Hospital, client: TestClient) -> None:
    sent = {"findings": "heart failure, atrial fibrillation"}
    for role, told in ((Role.CLINICIAN, True), (Role.RESEARCHER, False)):
        answer = client.post("/api/similar", json=sent, headers=hospital.bearer(role)).json()
        said = [f for n in answer["neighbours"] for f in (*n["shared"], *n["differing"])]
        assert said
        assert all((each["weight"] is not None) is told for each in said)
        exact = [p for n in answer["neighbours"] for p in (n["score"], *n["parts"].values())]
        assert all(round(part, 3) == part for part in exact) is not told


def test_a_feature_is_named_as_several_open_charts_name_it(installation: Installation) -> None:
    """Never as a restricted chart words it, nor as one chart alone does of what others have too."""

    def coded(own: str, of: str, code: str, words: str) -> dict[str, Any]:
        coding = {"system": "urn:own", "code": code, "display": words}
        return condition(own, of, words) | {"code": {"coding": [coding], "text": words}}

    label = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
    closed = patient("a-closed") | {"meta": {"security": [{"system": label, "code": "R"}]}}
    made = found_hospital(installation, [
        closed, patient("b"), patient("c"), patient("d"),
        coded("1", "a-closed", "K1", "Zqsecret wording"), coded("2", "b", "K1", "Plain wording"),
        coded("3", "c", "K1", "Plain wording"), coded("4", "d", "K1", "Zqother wording"),
        coded("5", "a-closed", "K2", "Zqalone secret"), coded("6", "b", "K2", "Zqonly one"),
        coded("7", "c", "K3", "Only of c"),
    ])  # fmt: skip
    hierarchy = installation.patients.hierarchy(made.tenant.tenant_id)
    names = installation.patients.features.table(made.tenant.tenant_id, hierarchy).names
    told = {key.rpartition(":")[2]: name for key, name in names.items()}
    assert told == {"K1": "Plain wording", "K3": "Only of c"}


def test_the_command_answers_as_promised(
    installation: Installation, hospital: Hospital, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("ANAMNESIS_HOME", str(installation.home))
    question = Question(findings="heart failure,!fever", k=2)
    assert similar_command(hospital.tenant.code, question, Role.CLINICIAN, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)["neighbours"]
    assert [n["rank"] for n in found] == [1, 2]
    told = {"rank", "patient_id", "score", "parts", "shared", "differing", "common"}
    assert told <= set(found[0])
