"""Series from end to end: line protocol over HTTP and file, Observations by the change feed."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from app.charts import odd as odd_of
from app.charts import odd_method
from app.cli.vitals import filled, ingest_command, query_command, rollup_command
from app.following import catch_up
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.charts import PostgresCharts
from indexing.backends.postgres.observed import PostgresObserved
from indexing.backends.postgres.watched import WatchedVitals
from indexing.errors import InvalidInput
from indexing.ingest import Ingest
from indexing.model import Tenant
from indexing.vitals.model import Span
from tests.ward import Ward

NOW = datetime.now(UTC).replace(microsecond=0)


def line(minute: int, value: float, patient: str = "p-ada", kind: str = "heart_rate") -> str:
    at = int((NOW - timedelta(hours=2) + timedelta(minutes=minute)).timestamp())
    return f"vital_signs,patient_id={patient},type={kind},device=w1 value={value} {at}"


def test_good_lines_land_and_bad_ones_are_named(client: TestClient, ward: Ward) -> None:
    sent = "\n".join([line(0, 70), line(1, 71).replace("value", "values"), line(2, 72)])
    answer = client.post("/api/vitals?precision=s", content=sent, headers=ward.bearer())
    assert answer.status_code == 422
    said = answer.json()
    assert (said["points"], said["refused"]) == (2, 1)
    assert [(fault["line"], fault["column"]) for fault in said["faults"]] == [(2, 56)]
    found = client.get("/api/patients/p-ada/vitals?kind=heart_rate", headers=ward.bearer()).json()
    [series] = found["series"]
    assert [point["value"] for point in series["points"]] == [70, 72]
    assert series["unit"] == "/min"


def test_an_odd_value_is_an_anomaly_against_the_patients_own_history(
    client: TestClient, ward: Ward
) -> None:
    usual = "\n".join(line(m, 60 + m % 5, "p-ben") for m in range(40))
    assert client.post("/api/vitals?precision=s", content=usual, headers=ward.bearer()).json() == {
        "lines": 40, "points": 40, "refused": 0, "jumps": 0, "anomalies": 0, "faults": [],
    }  # fmt: skip
    odd = client.post(
        "/api/vitals?precision=s", content=line(60, 140, "p-ben"), headers=ward.bearer()
    )
    assert odd.json()["points"] == 1
    [series] = client.get("/api/patients/p-ben/vitals", headers=ward.bearer()).json()["series"]
    assert series["anomaly_method"] == "robust z against the patient's own history"


@pytest.mark.parametrize("role", [Role.PRIVACY, Role.RELEVANCE, Role.RESEARCHER])
def test_who_may_not_write_resources_writes_no_points(
    client: TestClient, ward: Ward, role: Role
) -> None:
    answer = client.post("/api/vitals", content=line(0, 1), headers=ward.bearer(role))
    assert answer.status_code == 403


def test_a_researcher_sees_series_under_the_pseudonym_with_shifted_times(
    client: TestClient, ward: Ward
) -> None:
    client.post(
        "/api/vitals?precision=s", content=line(5, 99, kind="respiratory_rate"),
        headers=ward.bearer(),
    )  # fmt: skip
    access = Access(ward.tenant.tenant_id, "r", frozenset({Role.RESEARCHER}))
    hider = ward.services.hider(access)
    shown = hider.pseudonyms.of("patient", "p-ada")
    headers = ward.bearer(Role.RESEARCHER)
    path = f"/api/patients/{shown}/vitals"
    text = client.get(f"{path}?kind=respiratory_rate", headers=headers).text
    assert "p-ada" not in text
    assert '"w1"' not in text  # a pseudonym may hold these letters by chance
    [series] = json.loads(text)["series"]
    moved = datetime.fromisoformat(series["points"][0]["time"]) - NOW
    assert abs(moved.days - hider.pseudonyms.shift("p-ada")) <= 1
    for limit in ("start", "end"):  # either would tell by how many days times are moved
        assert client.get(f"{path}?{limit}=2026-01-01", headers=headers).status_code == 400


def observation(name: str, value: float, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": name, "status": "final",
        "subject": {"reference": "Patient/p-fhir"}, "effectiveDateTime": "2024-05-01T10:00:00Z",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
        "valueQuantity": {
            "value": value, "unit": "F", "system": "http://unitsofmeasure.org", "code": "[degF]",
        },
    } | more  # fmt: skip


def test_observations_are_followed_corrected_and_retracted(
    installation: Installation, tenant: Tenant, access: Access
) -> None:
    into = Ingest(installation.records, access, ZoneInfo("UTC"))

    def stored() -> dict[str, list[float]]:
        catch_up(installation, ("series",), tenants=[access.tenant_id])
        found = installation.vitals.points(access, ["p-fhir"], Span())
        return {each.key.kind: [round(v, 3) for v in each.value.tolist()] for each in found}

    def send(resource: dict[str, Any]) -> None:
        assert into.submit(json.dumps(resource).encode())[0].rejected is None

    mmhg = {"value": 120, "unit": "mmHg", "code": "mm[Hg]", "system": "http://unitsofmeasure.org"}
    send(observation("o-temp", 98.6))
    send(observation("o-bp", 0) | {
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
                       "valueQuantity": mmhg}],
        "valueQuantity": None,
    })  # fmt: skip
    send(observation("o-odd", 4.2, code={"coding": [{"code": "X1"}]},
                     valueQuantity={"value": 4.2, "unit": "blobs"}))  # fmt: skip
    assert stored() == {"body_temperature": [37.0], "systolic_pressure": [120], "X1": [4.2]}
    later = {"effectiveDateTime": "2024-05-02T10:00:00Z"}
    send(observation("o-temp", 100.4, **later))
    send(observation("o-odd", 4.2, status="entered-in-error"))
    assert stored() == {"body_temperature": [38.0], "systolic_pressure": [120]}
    [hours] = installation.vitals.rollups(access, ["p-fhir"], Span(kinds=["body_temperature"]))
    assert hours.count.tolist() == [1]


def _is_shown_odd(installation: Installation, access: Access, score: float) -> None:
    [shown] = PostgresCharts(installation.database).chart(access, "p-old", visit=False).series
    assert (shown.times, len(shown.readings), odd_of(shown)) == (
        31,
        24,
        f"z {score:+.1f}",
    )
    assert max(each.value for each in shown.course) == 105
    assert odd_method([shown]).startswith("z: robust z against the patient's own history")


def test_how_odd_an_observation_is_stands_beside_it_and_charts_follow_a_merge(
    installation: Installation, access: Access
) -> None:
    into = Ingest(installation.records, access, ZoneInfo("UTC"))

    def value(number: int, of: str, at: str, much: float) -> dict[str, Any]:
        return observation(f"{of}-{number}", much) | {
            "subject": {"reference": f"Patient/{of}"}, "effectiveDateTime": at,
        }  # fmt: skip

    sent = [{"resourceType": "Patient", "id": each} for each in ("p-old", "p-new")]
    sent += [value(n, "p-old", f"2024-05-01T10:{n:02}:00Z", 98 + n % 3 / 10) for n in range(30)]
    sent += [value(n, "p-new", f"2024-05-02T10:0{n}:00Z", 99) for n in range(2)]
    for each in sent:
        assert into.submit(json.dumps(each).encode())[0].rejected is None
    catch_up(installation, ("series",), tenants=[access.tenant_id])
    odd = value(31, "p-old", "2024-05-01T12:00:00Z", 105.0)
    assert into.submit(json.dumps(odd).encode())[0].rejected is None
    catch_up(installation, ("series",), tenants=[access.tenant_id])
    with installation.database.tenant(access.tenant_id) as conn:
        rows = conn.execute(
            "SELECT resource_id, anomaly_score FROM observation WHERE tenant_id = %s "
            "AND patient_id = 'p-old'", (access.tenant_id,)
        ).fetchall()  # fmt: skip
    scores = dict(rows)
    assert scores["p-old-31"] > 3.5
    assert scores["p-old-3"] is None  # too little history
    assert abs(scores["p-old-25"]) < 3.5
    _is_shown_odd(installation, access, scores["p-old-31"])
    link = {"type": "replaced-by", "other": {"reference": "Patient/p-new"}}
    gone = {"resourceType": "Patient", "id": "p-old", "active": False, "link": [link]}
    assert into.submit(json.dumps(gone).encode())[0].rejected is None
    watched = WatchedVitals(installation.vitals, installation.database)
    [course] = watched.courses(access, "p-new", Span())
    assert len(course.at) == 33
    assert course.at.tolist() == sorted(course.at.tolist())
    assert course.key.subject == "p-new"
    assert course.anomalies.sum() == 1


def test_the_commands_take_in_show_and_roll_up(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("app.cli.vitals.Installation", lambda _: installation)
    monkeypatch.setattr("app.cli.vitals.PIECE", 100)  # many pieces, line numbers go on
    monkeypatch.setattr(installation, "close", lambda: None)
    path = tmp_path / "stream.txt"
    path.write_text("\n".join([*(line(m, 70) for m in range(9)), "nonsense"]))
    assert ingest_command(tenant.code, [path], "s", as_json=True) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["points"] == 9
    assert f"{path}:10:" in printed.err.replace("\n", "")
    assert rollup_command(tenant.code, as_json=True) == 0
    hours = json.loads(capsys.readouterr().out)["hours"]
    assert hours >= 1 or installation.settings.vitals == "influxdb"  # counted when asked for
    assert query_command(tenant.code, "p-ada", None, (None, None), hours=True, as_json=True) == 0
    [series] = json.loads(capsys.readouterr().out)["series"]
    assert sum(hour["count"] for hour in series["hours"]) == 9
    assert query_command(tenant.code, "p-ada", None, (None, None), hours=False, as_json=False) == 0
    head, columns, first, *_ = capsys.readouterr().out.splitlines()
    assert head == "heart_rate [/min] w1 · stream"
    assert columns.split() == ["time", "value", "anomaly", "interpretation", "quality", "battery"]
    assert first.split()[1:] == ["70", "-", "-", "-", "-"]
    assert query_command(tenant.code, "nobody", None, (None, None), hours=False, as_json=False) == 0
    assert "No series of that subject" in capsys.readouterr().err


def test_another_store_is_filled_from_the_records_with_their_devices(
    installation: Installation, access: Access
) -> None:
    into = Ingest(installation.records, access, ZoneInfo("UTC"))
    device = {"reference": "Device/thermometer-7"}
    for number in range(3):
        sent = observation(f"f-{number}", 98.6 + number, device=device) | {
            "effectiveDateTime": f"2024-05-01T1{number}:00:00Z",
            "subject": {"reference": "Patient/p-filled"},
        }  # fmt: skip
        assert into.submit(json.dumps(sent).encode())[0].rejected is None
    catch_up(installation, ("series",))

    def held() -> list[tuple[str, list[float]]]:
        found = installation.vitals.points(access, ["p-filled"], Span())
        return [(each.key.device, each.value.tolist()) for each in found]

    before = held()
    assert [(name, len(values)) for name, values in before] == [("thermometer-7", 3)]
    installation.vitals.drop(access.tenant_id)
    assert held() == []
    for _ in range(2):  # begun again, it changes nothing
        assert filled(installation, access.tenant_id) >= 3
        assert held() == before


@pytest.mark.parametrize("device", ["pump", ["pump"], [{"display": "pump"}], 7])
def test_a_device_that_is_no_reference_keeps_nobodys_series_back(
    installation: Installation, access: Access, device: object
) -> None:
    into = Ingest(installation.records, access, ZoneInfo("UTC"))
    sent = observation("odd-device", 37.0, device=device)
    assert into.submit(json.dumps(sent).encode())[0].rejected is None
    [found] = PostgresObserved(installation.database).observed(access.tenant_id, ["odd-device"])
    assert (found.value, found.device) == (37.0, "")


@pytest.mark.parametrize("cut", [False, True])
def test_a_packed_file_that_is_none_is_named(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    cut: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr("app.cli.vitals.Installation", lambda _: installation)
    path, whole = tmp_path / "stream.gz", gzip.compress("\n".join(map(str, range(999))).encode())
    path.write_bytes(whole[:-20] if cut else b"nothing packed")
    with pytest.raises(InvalidInput, match="cannot be read to its end"):
        ingest_command(tenant.code, [path], "s", as_json=True)


def test_series_of_trials_and_models_are_read_by_name_and_by_no_researcher(
    client: TestClient, ward: Ward
) -> None:
    at = int(NOW.timestamp())
    body = (
        f"trial_data,trial=t1,site=A,type=enrolment value=3,patients=40i,quality=.9 {at}\n"
        f"model_performance,model=m1,version=2,outcome=return90 accuracy=.91,confidence=.8 {at}\n"
    )
    sent = client.post("/api/vitals?precision=s", headers=ward.bearer(), content=body)
    assert (sent.status_code, sent.json()["points"]) == (200, 4)

    def read(of: str, subject: str, role: Role = Role.CLINICIAN, more: str = "") -> Any:
        path = f"/api/vitals?measurement={of}&subject={subject}{more}"
        return client.get(path, headers=ward.bearer(role))

    trial = {each["kind"]: each for each in read("trial_data", "t1").json()["series"]}
    assert set(trial) == {"enrolment", "enrolment.patients"}
    assert (trial["enrolment"]["place"], trial["enrolment"]["points"][0]["quality"]) == ("A", 0.9)
    assert "patient" not in trial["enrolment"]["anomaly_method"]
    [hours] = read("model_performance", "m1", more="&kind=accuracy&hours=true").json()["series"]
    assert (hours["device"], hours["place"]) == ("2", "return90")
    assert hours["hours"][0]["mean"] == 0.91
    assert read("trial_data", "t1", Role.RESEARCHER).status_code == 403
    assert read("vital_signs", "p-ada").status_code == 400
    assert read("trial_data", "t1", more="&start=soon").status_code == 400
