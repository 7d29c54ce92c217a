"""What is known by its year or month is told so in cohorts, graph and chart, in either view."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.cli.doctor import dates_finding
from app.cli.fhir_app import fhir_fill
from app.cohort_export import exported
from app.cohort_leaving import leaving
from app.cohorts import CohortDesk
from app.graph_drawing import said
from app.views import view_of
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.dated import Width, written
from indexing.medical_follow import rebuild_medical
from indexing.medical_graph import GraphEdge, Relation
from indexing.vitals.model import Span, moment_of
from tests.attack import browser, note, person, sign_in
from tests.ward import Ward, found_hospital

VIENNA = ZoneInfo("Europe/Vienna")
N = 12  # patients, as many as a researcher is told rows of
DEFINITION = """\
year: condition gloopling
recorded: condition glooprash
begun: procedure gloopectomy
taken: medication gloopicillin
seen: value gloopcount > 1
day: value gloopgauge > 1
never: condition gloopnever
near: procedure gloopectomy within 121 days after year
keep near
"""
TOLD = {
    "year": "2019", "recorded": "2018-03", "begun": "2019-05", "taken": "2020", "seen": "2017",
    "day": "2020-03-29", "never": "1900-01-01", "near": "2019-05",
}  # fmt: skip
EDGES = [
    "1900-01-01", "2013 to 2013-08", "2014", "2015 to 2017", "2016 to 2018-05", "2017", "2018-03",
    "2019", "2019-05", "2020", "2020 to 2021-02", "2020-03-29",
]  # fmt: skip

CHART = {
    "1900-01-01", "2012-07", "2013", "2014", "2015", "2015–2017", "2016", "2017", "2017-02",
    "2017-09", "2018-03", "2018-05", "2019", "2019-05", "2020", "2020-03-29", "2024-01-03",
}  # fmt: skip
COLUMNS = import_module(
    "indexing.backends.postgres.migrations.versions.0027_how_vague_dates_are"
).COLUMNS


def chart(own: str) -> list[dict[str, Any]]:
    subject = {"subject": {"reference": f"Patient/{own}"}}

    def value(name: str, text: str, date: str | dict[str, str]) -> dict[str, Any]:
        when = "effectiveDateTime" if isinstance(date, str) else "effectivePeriod"
        return {"resourceType": "Observation", "id": f"{own}-{name}", "status": "final", **subject,
                "code": {"text": text}, when: date,
                "valueQuantity": {"value": 7, "unit": "1"}}  # fmt: skip

    return [
        person(own, "plain"),
        {"resourceType": "Condition", "id": f"{own}-c", **subject, "code": {"text": "Gloopling"},
         "onsetDateTime": "2019"},
        {"resourceType": "Condition", "id": f"{own}-g", **subject, "code": {"text": "Gloopgout"},
         "onsetPeriod": {"start": "2015", "end": "2016-02"}, "abatementPeriod": {"start": "2017"}},
        {"resourceType": "AllergyIntolerance", "id": f"{own}-a", "code": {"text": "Gloopnut"},
         "patient": subject["subject"], "recordedDate": "2012-07"},
        {"resourceType": "Encounter", "id": f"{own}-e", "status": "finished", **subject,
         "class": {"code": "AMB"}, "period": {"start": "2013", "end": "2013-08"}},
        {"resourceType": "Condition", "id": f"{own}-u", **subject, "code": {"text": "Gloopnever"},
         "onsetDateTime": "1900-01-01"},  # nobody knows when: no day
        {"resourceType": "Condition", "id": f"{own}-r", **subject, "code": {"text": "Glooprash"},
         "recordedDate": "2018-03"},
        {"resourceType": "Procedure", "id": f"{own}-p", "status": "in-progress", **subject,
         "code": {"text": "Gloopectomy"}, "performedPeriod": {"start": "2019-05"}},
        {"resourceType": "MedicationStatement", "id": f"{own}-m", "status": "completed", **subject,
         "medicationCodeableConcept": {"text": "Gloopicillin"},
         "effectivePeriod": {"start": "2020"}},
        {"resourceType": "CarePlan", "id": f"{own}-t", "status": "completed", "intent": "plan",
         **subject, "category": [{"text": "Gloop rest"}],
         "period": {"start": "2020", "end": "2021-02"}},
        value("o", "Gloopcount", "2017"),
        value("d", "Gloopgauge", "2020-03-29"),  # when clocks are changed
        value("s", "Gloopsum", {"start": "2014", "end": "2014-06"}),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Ward:
    every = [each for number in range(N) for each in chart(f"v{number:02}")]
    # Of a record's words a researcher may ask for those that a note shows.
    words = "Gloopling, glooprash, gloopnever, gloopectomy, gloopicillin; gloopcount, gloopgauge."
    every.append(note("v-note", "v00", words, "plain"))
    for when in ("2016", "2018-05"):
        vague = note(f"v-{when}", "v00", "Asthma.", "plain")
        every.append({**vague, "context": {"period": {"start": when, "end": when}}})
    for own, period in (("v-begun", {"start": "2017-09"}),
                        ("v-long", {"start": "2017-02", "end": "2017-04-05"})):  # fmt: skip
        every.append({**note(own, "v00", "Asthma.", "plain"), "context": {"period": period}})
    return found_hospital(installation, every, time_zone="Europe/Vienna")


def asking(hospital: Ward, role: Role) -> Access:
    return Access(hospital.tenant.tenant_id, "dr", frozenset({role}), time_zone="Europe/Vienna")


def told(desk: CohortDesk) -> list[dict[str, str]]:
    """Return what each row's cells say of when."""
    rows = desk.table(desk.evaluate(DEFINITION), None, 0, N).rows
    return [
        {cell.criterion: written(cell.event.at, cell.event.width, VIENNA)
         for cell in row.cells if cell.event is not None and cell.event.at is not None}
        for row in rows
    ]  # fmt: skip


def on_chart(hospital: Ward) -> set[str]:
    """Return when the page of a patient says that things were."""
    with browser(hospital) as client:
        sign_in(client, hospital)
        page = client.get("/patients/v00").text
    return {text.strip() for text in re.findall(r'<span class="when">([^<]*)<', page)} - {""}


def times(edges: Sequence[GraphEdge]) -> list[str]:
    """Return what the edges tell of when, but for those to who sent the record."""
    told = [
        next(said(edge, VIENNA), "") for edge in edges
        if not f"{edge.source} {edge.target}".count("User/")
    ]  # fmt: skip
    return sorted(each for each in told if re.match(r"\d{4}", each))


def test_a_cohort_tells_a_date_as_precisely_as_it_was_given(hospital: Ward) -> None:
    desk = CohortDesk(hospital.services, asking(hospital, Role.CLINICIAN))
    assert told(desk) == [TOLD] * N
    head = desk.save("vague", DEFINITION)
    lines = list(csv.reader(io.StringIO(exported(desk, head, "csv", "HRESCH").decode("utf-8-sig"))))
    dates = {name.partition(" ")[0]: day for name, day in zip(lines[0], lines[1], strict=True)
             if name.endswith(" date")}  # fmt: skip
    assert dates == TOLD
    cells = leaving(desk, desk.evaluate(DEFINITION), head, 0, 1)["rows"][0]["cells"]
    assert [str(cell["width"]) for cell in cells][:3] == ["year", "month", "month"]
    with browser(hospital) as client:
        sign_in(client, hospital)
        page = client.get(f"/cohorts/{head.cohort_id}").text
    assert "2019-01-01" not in page
    assert ">2019<" in page
    assert on_chart(hospital) == CHART


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.RESEARCHER])
def test_a_note_of_a_month_is_told_so_wherever_it_is(hospital: Ward, role: Role) -> None:
    with browser(hospital) as client:
        found = client.post(
            "/api/search", json={"q": "asthma", "k": 9}, headers=hospital.bearer(role)
        ).json()["hits"]
        dates = {hit["doc_id"]: hit["date"] for hit in found}
        if role is Role.CLINICIAN:
            assert dates == {"v-2016": "2016", "v-2018-05": "2018-05", "v-begun": "2017-09",
                             "v-long": "2017-02"}  # fmt: skip
        assert sorted(len(each) for each in dates.values()) == [4, 7, 7, 7]
        sign_in(client, hospital, role)
        for own, said in dates.items():
            got = client.get(f"/api/notes/{own}", headers=hospital.bearer(role)).json()
            assert got["date"] == said
            text = client.get(f"/notes/{own}").text
            assert said in text
            assert f"{said}-" not in text
            if role is Role.RESEARCHER:  # no more is in it than is told
                for end in (got["date_start"], got["date_end"]):
                    assert datetime.fromisoformat(end).astimezone(VIENNA).day == 1


def test_a_researchers_row_tells_a_date_as_vaguely_and_no_day_of_it(hospital: Ward) -> None:
    desk = CohortDesk(hospital.services, asking(hospital, Role.RESEARCHER))
    found = told(desk)
    assert len(found) == N
    for row in found:
        assert {name: len(day) for name, day in row.items()} == {
            name: len(day) for name, day in TOLD.items()
        }
        assert row != TOLD
    for row in desk.table(desk.evaluate(DEFINITION), None, 0, N).rows:
        for cell in row.cells:
            assert cell.event is not None
            assert cell.event.at is not None
            if cell.criterion != "day":  # no more is in it than is told
                assert cell.event.at.astimezone(VIENNA).strftime("%d %H:%M") == "01 00:00"


def test_a_deidentified_file_tells_days_between_days_alone(hospital: Ward) -> None:
    desk = CohortDesk(hospital.services, asking(hospital, Role.RESEARCHER))
    rows = leaving(desk, desk.evaluate(DEFINITION), None, 0, N)["rows"]
    assert len(rows) == N
    for row in rows:
        days = {cell["criterion"]: cell["from_day"] for cell in row["cells"]}
        assert days == dict.fromkeys(TOLD) | {"day": 0}


def test_the_graph_tells_a_date_as_precisely_as_it_was_given(
    installation: Installation, hospital: Ward
) -> None:
    access = asking(hospital, Role.CLINICIAN)
    asked = hospital.services.medical(access.tenant_id)
    found = asked.around_patient(access, ["v00"], 1)
    assert times(found.edges) == EDGES
    researcher = replace(access, roles=frozenset({Role.RESEARCHER}))
    hidden = view_of(hospital.services, researcher).graph(found, "v00")
    shown = [each for each in EDGES if each != "2013 to 2013-08"]  # a meeting may name somebody
    assert sorted(map(len, times(hidden.edges))) == sorted(map(len, shown))
    assert "2020-03-29" not in times(hidden.edges)
    for edge in hidden.edges:
        if edge.start is not None and edge.start_width != "day":
            assert edge.start.astimezone(VIENNA).strftime("%d %H:%M") == "01 00:00"
    answer = installation.medical.graph.around(access, ["v00"]).edges
    assert {edge.start_width for edge in answer} == {"year", "month", "day"}


def test_no_relation_of_a_hidden_graph_ends_before_its_year_began(hospital: Ward) -> None:
    """Whatever days a patient's dates are moved by: of a year, each day as end and as beginning."""
    researcher = asking(hospital, Role.RESEARCHER)
    found = hospital.services.medical(researcher.tenant_id).around_patient(researcher, ["v00"], 1)
    year = datetime(2019, 1, 1, tzinfo=VIENNA)
    some = next(edge for edge in found.edges if edge.relation is Relation.DIAGNOSED_WITH)
    edges = [
        edge
        for day in (year + timedelta(days=number) for number in range(365))
        for edge in (replace(some, start=year, start_width=Width.YEAR, end=day),
                     replace(some, start=day, end=year, end_width=Width.YEAR))
    ]  # fmt: skip
    hidden = view_of(hospital.services, researcher).graph(replace(found, edges=tuple(edges)), "v00")
    assert len(hidden.edges) == len(edges)
    for edge in hidden.edges:
        assert edge.start is not None
        assert edge.end is not None
        assert edge.start.astimezone(VIENNA).year <= edge.end.astimezone(VIENNA).year


def test_a_value_of_a_year_is_no_point_of_a_series(
    installation: Installation, hospital: Ward
) -> None:
    access = asking(hospital, Role.CLINICIAN)
    [found] = installation.vitals.points(access, ["v00"], Span())
    assert [moment_of(at).astimezone(VIENNA).date() for at in found.at] == [date(2020, 3, 29)]


def test_what_was_stored_before_is_read_again(
    installation: Installation, hospital: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = hospital.tenant.tenant_id
    own = installation.medical
    with installation.database.tenant(tenant) as conn:
        conn.execute("UPDATE document SET date_end = NULL WHERE doc_id = 'v-begun'")
        conn.execute("UPDATE document SET date_until = NULL")
    assert hospital.tenant.code in dates_finding(installation).found
    with installation.database.tenant(tenant) as conn:
        for table, column in COLUMNS:
            conn.execute(f"UPDATE {table} SET {column} = NULL WHERE tenant_id = %s", (tenant,))
        conn.execute(
            "UPDATE observation SET observed_end = '2014-07-01', anomaly_score = 9 "
            "WHERE tenant_id = %s AND resource_id = 'v00-s'", (tenant,),
        )  # fmt: skip
    rebuild_medical(tenant, own.facts, own.graph, own.of(tenant).maker)
    desk = CohortDesk(hospital.services, asking(hospital, Role.CLINICIAN))
    assert told(desk)[0]["begun"] == "2019-05-01"
    assert on_chart(hospital) != CHART
    assert hospital.tenant.code in dates_finding(installation).found
    monkeypatch.setattr("app.wiring.Installation", lambda _: installation)
    monkeypatch.setattr(installation, "close", lambda: None)
    fhir_fill(hospital.tenant.code, as_json=True)
    assert told(desk) == [TOLD] * N
    assert on_chart(hospital) == CHART
    assert hospital.tenant.code not in dates_finding(installation).found
    found = hospital.services.medical(tenant).around_patient(desk.access, ["v00"], 1)
    assert times(found.edges) == EDGES
    with installation.database.tenant(tenant) as conn:
        row = conn.execute(
            "SELECT observed_end, anomaly_score FROM observation WHERE resource_id = 'v00-s'"
        ).fetchone()
    assert row == (datetime(2015, 1, 1, tzinfo=VIENNA), 9)  # what was judged of it stands
