"""Every count that the patient's page, the graph and FHIR show, counted again from the input."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from app.following import catch_up
from app.web import create_app
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.fhir.sources import read_sources
from indexing.ingest import Ingest
from tests.flow.test_fhir_search_synthea import unpack
from tests.plain_fhir import Plain, read
from tests.ward import PASSWORD, Ward, build

pytestmark = pytest.mark.slow

OWN = {"p-ada": "female", "p-ben": "male"}  # who is on the ward beside the input
SITE = "http://127.0.0.1:8080"
# A list of the chart to the type and the element that names the patient.
LISTS = {
    "problems": ("Condition", "subject"), "medications": ("MedicationRequest", "subject"),
    "statements": ("MedicationStatement", "subject"), "encounters": ("Encounter", "subject"),
    "allergies": ("AllergyIntolerance", "patient"), "procedures": ("Procedure", "subject"),
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded(
    installation: Installation, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Ward, Plain]:
    ward = build(installation)
    paths = unpack(shared_data, tmp_path_factory.mktemp("synthea"), 4)
    ingest = Ingest(installation.records, ward.access, ZoneInfo("UTC"))
    ingest.run(read_sources(paths), on_outcomes=lambda _: None)
    catch_up(installation, ["text", "medical"], tenants=[ward.tenant.tenant_id])
    plain = read(paths, whole=True)
    return ward, plain


@pytest.fixture
def client(loaded: tuple[Ward, Plain]) -> Iterator[TestClient]:
    with TestClient(create_app(loaded[0].services), base_url=SITE) as opened:
        opened.headers["Authorization"] = f"Bearer {loaded[0].token(Role.CLINICIAN)}"
        yield opened


def of(plain: Plain, kind: str, element: str) -> dict[str, list[dict[str, Any]]]:
    """Group the resources of a type by their patient."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in plain.resources.get(kind, {}).values():
        found[resource[element]["reference"].removeprefix("Patient/")].append(resource)
    return found


def code(resource: dict[str, Any], element: str = "code") -> str:
    return str(resource[element]["coding"][0]["code"])


def test_the_charts_counts_are_those_of_the_input(
    client: TestClient, loaded: tuple[Ward, Plain]
) -> None:
    plain = loaded[1]
    expected = {name: of(plain, *where) for name, where in LISTS.items()}
    for patient in plain.resources["Patient"]:
        chart = client.get(f"/api/patients/{patient}/view").json()["parts"]["record"]["body"]
        for name, by_patient in expected.items():
            assert chart["totals"][name] == len(by_patient[patient]), (name, patient)
        assert chart["totals"]["notes"] == 0


def test_everything_holds_each_resource_of_the_patient_once(
    client: TestClient, loaded: tuple[Ward, Plain]
) -> None:
    plain = loaded[1]
    for patient in plain.resources["Patient"]:
        own = sum(
            any(
                resource.get(name, {}).get("reference") == f"Patient/{patient}"
                for name in ("subject", "patient")
            )
            for held in plain.resources.values()
            for resource in held.values()
        )
        found = client.get(f"/fhir/Patient/{patient}/$everything?_count=1").json()
        shared = 0
        for kind in ("Practitioner", "Organization"):
            shared += client.get(f"/fhir/Patient/{patient}/$everything?_type={kind}").json()[
                "total"
            ]
        assert found["total"] == own + 1 + shared


def test_the_graph_counts_observations_and_prescriptions_as_the_input_does(
    installation: Installation, loaded: tuple[Ward, Plain]
) -> None:
    ward, plain = loaded
    access = Access(ward.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    observed = of(plain, "Observation", "subject")
    prescribed = of(plain, "MedicationRequest", "subject")
    for patient in plain.resources["Patient"]:
        patch = installation.medical.graph.around(access, [patient])
        times = Counter(c for o in observed[patient] for c in _codes(o))
        found = [e for e in patch.edges if e.relation == "OBSERVED_IN"]
        assert sorted(int(e.properties["times"]) for e in found) == sorted(times.values())
        drugs = Counter(code(m, "medicationCodeableConcept") for m in prescribed[patient])
        given = [e for e in patch.edges if e.relation == "PRESCRIBED"]
        assert sorted(int(e.properties["times"]) for e in given) == sorted(drugs.values())


def _codes(observation: dict[str, Any]) -> list[str]:
    return [code(observation), *(code(c) for c in observation.get("component", []))]


def test_pathways_count_the_patients_that_the_input_counts(
    installation: Installation, loaded: tuple[Ward, Plain]
) -> None:
    ward, plain = loaded
    access = Access(ward.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    graph = installation.medical.graph
    conditions = of(plain, "Condition", "subject")
    medications = of(plain, "MedicationRequest", "subject")
    names = {
        code(c): c["code"]["coding"][0]["display"] for all_ in conditions.values() for c in all_
    }
    compared = 0
    for wanted, name in sorted(names.items()):
        since = {
            patient: min(c["onsetDateTime"] for c in all_ if code(c) == wanted)
            for patient, all_ in conditions.items()
            if any(code(c) == wanted for c in all_)
        }
        node = _node(installation, access, sorted(since), name)
        if node is None or graph.carriers(access, [node]) != len(since):
            continue  # two codes are one concept of the terminology, and are counted together
        treated: Counter[str] = Counter()
        for patient, begin in since.items():
            last: dict[str, str] = {}
            for each in medications[patient]:
                drug = code(each, "medicationCodeableConcept")
                last[drug] = max(each["authoredOn"], last.get(drug, ""))
            treated.update(drug for drug, at in last.items() if at >= begin)
        found = graph.treatments(access, [node], 500)
        given = sorted(t.patients for t in found if t.relation == "PRESCRIBED")
        assert given == sorted(treated.values()), name
        compared += 1
    assert compared >= 10


def _node(installation: Installation, access: Access, patients: list[str], name: str) -> str | None:
    patch = installation.medical.graph.around(access, patients)
    diagnosed = [e.target for e in patch.edges if e.relation == "DIAGNOSED_WITH"]
    return next((each for each in diagnosed if patch.nodes[each].name == name), None)


def test_the_page_prints_the_counts_of_the_chart(
    client: TestClient, loaded: tuple[Ward, Plain]
) -> None:
    ward, plain = loaded
    patient = next(iter(plain.resources["Patient"]))
    chart = client.get(f"/api/patients/{patient}/view").json()["parts"]["record"]["body"]
    form = re.search(r'name="form_token" value="([0-9a-f]+)"', client.get("/login").text)
    assert form is not None
    client.post(
        "/login",
        data={
            "form_token": form[1], "tenant": ward.tenant.code, "name": "clinician",
            "password": PASSWORD,
        },
    )  # fmt: skip
    text = client.get(f"/patients/{patient}").text.replace("\u2009", " ").replace("\xa0", " ")
    for name, noun in (("problems", "problem"), ("procedures", "procedure"),
                       ("encounters", "encounter")):  # fmt: skip
        number = chart["totals"][name]
        assert re.search(rf"\b{number} {noun}s?\b", text), name


def test_a_cohorts_counts_are_those_of_the_input(
    client: TestClient, loaded: tuple[Ward, Plain]
) -> None:
    """Each criterion by itself, and each step of who is left, for every code that is recorded."""
    plain = loaded[1]
    everyone = set(plain.resources["Patient"]) | set(OWN)
    women = {p for p, each in plain.resources["Patient"].items() if each["gender"] == "female"}
    women |= {p for p, sex in OWN.items() if sex == "female"}
    kinds = {
        "condition": (of(plain, "Condition", "subject"), "code"),
        "procedure": (of(plain, "Procedure", "subject"), "code"),
        "medication": (of(plain, "MedicationRequest", "subject"), "medicationCodeableConcept"),
    }  # fmt: skip
    compared = 0
    for kind, (by_patient, element) in kinds.items():
        having: dict[str, set[str]] = defaultdict(set)
        for patient, own in by_patient.items():
            for each in own:
                coding = each[element]["coding"][0]
                having[f"{coding['system']}:{coding['code']}"].add(patient)
        for named, patients in sorted(having.items())[:40]:
            sent = {"definition": f"a: {kind} {named}\nb: sex female\nkeep not b and a"}
            told = client.post("/api/cohorts", json=sent).json()
            assert [each["patients"] for each in told["attrition"]] == [
                len(everyone), len(everyone - women), len(patients - women),
            ], named  # fmt: skip
            assert [each["patients"] for each in told["criteria"]] == [len(patients), len(women)]
            assert {row["patient_id"] for row in told["rows"]} == patients - women
            compared += 1
    assert compared >= 40


def test_values_are_counted_as_in_the_input(client: TestClient, loaded: tuple[Ward, Plain]) -> None:
    plain = loaded[1]
    numbers: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for patient, own in of(plain, "Observation", "subject").items():
        for each in own:
            for part in (each, *each.get("component", [])):
                if "valueQuantity" in part:
                    named = f"http://loinc.org:{code(part)}", part["valueQuantity"]["unit"]
                    numbers[named][patient].append(float(part["valueQuantity"]["value"]))
    compared = 0
    for (named, unit), by_patient in sorted(numbers.items()):
        every = sorted(value for own in by_patient.values() for value in own)
        middle = every[len(every) // 2]
        expected = {p for p, own in by_patient.items() if any(v < middle for v in own)}
        sent = {"definition": f"value {named} < {middle} {unit}"}
        told = client.post("/api/cohorts", json=sent).json()
        assert {row["patient_id"] for row in told["rows"]} - set(OWN) == expected, (named, unit)
        compared += 1
    assert compared >= 20
