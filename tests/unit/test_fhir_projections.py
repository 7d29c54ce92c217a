"""Typed rows: what stands in which column, and that no JSON can break a projection."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.fhir.dates import days
from indexing.fhir.projections import (
    COLUMNS,
    TABLES_OF,
    UNKNOWN_TIME,
    Row,
    entered_in_error,
    merged_into,
    patient_of,
    project,
    replaced_patients,
    tables_of,
)
from indexing.fhir.projections.rows import KEY_LENGTH, number, tokens
from indexing.fhir.reading import parse

ZONE = ZoneInfo("UTC")
SQL = Path(__file__).parents[2] / "indexing/backends/postgres/migrations/sql/30_projections.sql"


def rows_of(resource: dict[str, Any], table: str) -> list[dict[str, Any]]:
    rows = [row for row in project({"id": "r"} | resource, ZONE) if row.table == table]
    return [dict(zip(COLUMNS[table], row.values, strict=True)) for row in rows]


def row_of(resource: dict[str, Any], table: str) -> dict[str, Any]:
    (row,) = rows_of(resource, table)
    return {name: value for name, value in row.items() if value is not None}


@cache
def tables_in_sql() -> dict[str, tuple[list[str], tuple[str, ...]]]:
    """Return per table the columns that ingest fills, and the primary key."""
    found = {}
    for name, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", SQL.read_text(), re.DOTALL):
        plain, _, _ = body.partition("-- AI")
        lines = [line.split("--")[0].strip() for line in plain.splitlines()]
        names = [line.split()[0] for line in lines if line and not line.startswith("PRIMARY")]
        key = re.search(r"PRIMARY KEY \((.*?)\)", body)
        assert key
        found[name] = (names, tuple(key[1].split(", ")))
    versions = "indexing.backends.postgres.migrations.versions"
    for version in ("0023_graph_properties", "0027_how_vague_dates_are"):
        for table, column in import_module(f"{versions}.{version}").COLUMNS:
            found[table][0].append(column)
    return found


def test_columns_are_those_of_the_schema() -> None:
    schema = tables_in_sql()
    assert {name: ["tenant_id", *columns] for name, columns in COLUMNS.items()} == {
        name: columns for name, (columns, _) in schema.items()
    }
    protected = SQL.read_text().rpartition("SELECT protect(name")[2]
    assert set(re.findall(r"'(\w+)'", protected)) == set(schema)
    assert {table for tables in TABLES_OF.values() for table in tables} == set(schema)
    for index in re.findall(r"CREATE INDEX \w+ ON \w+ \((\w+)", SQL.read_text()):
        assert index == "tenant_id"


def check_keys(rows: list[Row]) -> None:
    """Rows fit their table, and no two share a primary key."""
    keys = {name: key for name, (_, key) in tables_in_sql().items()}
    seen = set()
    for row in rows:
        values = dict(zip(COLUMNS[row.table], row.values, strict=True))
        key = (row.table, *(values[name] for name in keys[row.table] if name != "tenant_id"))
        assert None not in key
        assert key not in seen
        seen.add(key)


def test_official_examples_fit_their_tables(shared_data: Path) -> None:
    kinds = set()
    with gzip.open(shared_data / "fhir-r4" / "examples_r4.jsonl.gz") as lines:
        for line in lines:
            resource = parse(line)["resource"]
            rows = project(resource, ZONE)
            check_keys(rows)
            tables = {row.table for row in rows}
            assert tables <= set(tables_of(resource["resourceType"]))
            if tables - {"resource_identifier"}:
                kinds.add(resource["resourceType"])
    assert kinds == set(TABLES_OF)


names = st.sampled_from(
    "id status code coding system display text reference subject patient period start end value "
    "identifier name family given component valueQuantity extension category type".split()
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["Patient/1", "2019-02-30", "2019", "9999-12-31", "x" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
ELEMENTS = (
    "subject patient code name identifier period effectivePeriod effectiveDateTime valueQuantity "
    "valueRange valueRatio component category type class reasonCode participant link birthDate "
    "deceasedDateTime member prediction dosage dosageInstruction medicationReference contained "
    "referenceRange interpretation content context author agent target series modality address "
    "status verificationStatus collection reaction activity relatesTo meta telecom"
).split()


@settings(max_examples=60)
@given(st.sampled_from(sorted(TABLES_OF)), st.dictionaries(st.sampled_from(ELEMENTS), anything))
def test_no_json_breaks_a_projection(kind: str, body: dict[str, Any]) -> None:
    check_keys(project(body | {"resourceType": kind, "id": "r"}, ZONE))


def test_patient() -> None:
    resource = {
        "resourceType": "Patient",
        "name": [
            {"use": "old", "family": "Old"},
            {"use": "official", "family": "Núñez-Soto", "given": ["José", "M"], "prefix": ["Dr"]},
        ],
        "gender": "male",
        "birthDate": "1970-02",
        "deceasedDateTime": "2020",
        "address": [{"city": "Springfield", "state": "MA"}],
        "identifier": [{"system": "urn:mrn", "value": "1"}, {"value": "2"}, {"system": "none"}],
        "link": [
            {"type": "replaced-by", "other": {"reference": "Patient/new"}},
            {"type": "replaces", "other": {"reference": "Patient/old"}},
            {"type": "replaced-by", "other": {"reference": "Patient/r"}},
        ],
    }
    row = row_of(resource, "patient")
    assert row["family"] == "Núñez-Soto"
    assert row["name"] == "Dr José M Núñez-Soto"
    assert (row["birth_start"], row["birth_end"]) == (date(1970, 2, 1), date(1970, 3, 1))
    assert row["deceased"] is True
    assert row["deceased_start"] == datetime(2020, 1, 1, tzinfo=UTC)
    assert (row["city"], row["replaced_by"]) == ("Springfield", "new")
    found = {(name["token"], name["part"]) for name in rows_of(resource, "patient_name")}
    assert found >= {("nunez", "family"), ("soto", "family"), ("jose", "given"), ("old", "family")}
    pairs = [(row["system"], row["value"]) for row in rows_of(resource, "resource_identifier")]
    assert pairs == [("", "2"), ("urn:mrn", "1")]
    assert merged_into(resource | {"id": "r"}) == "new"
    assert replaced_patients(resource | {"id": "r"}) == ["old"]


def test_observation_values_and_components() -> None:
    quantity = {"value": Decimal("120.50"), "unit": "mmHg", "comparator": "<"}
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "encounter": {"reference": "Encounter/e"},
        "effectiveDateTime": "2019-03-04T10:00:00Z",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": "l", "code": "85354-9", "display": "BP"}, {"code": "x"}]},
        "component": [
            {"code": {"coding": [{"code": "8480-6"}]}, "valueQuantity": quantity},
            {"code": {"text": "verdict"}, "valueCodeableConcept": {"coding": [{"code": "H"}]}},
        ],
        "referenceRange": [{"low": {"value": 1}, "high": {"value": Decimal("2.5")}}],
        "interpretation": [{"coding": [{"code": "H"}]}],
    }
    itself, systolic, verdict = rows_of(resource, "observation")
    assert (itself["code"], itself["display"], itself["category"]) == (
        "85354-9",
        "BP",
        "vital-signs",
    )
    assert itself["observed_at"] == datetime(2019, 3, 4, 10, tzinfo=UTC)
    assert (itself["range_low"], itself["range_high"]) == (1, Decimal("2.5"))
    assert itself["interpretation_code"] == "H"
    assert str(systolic["value_number"]) == "120.50"
    assert (systolic["value_unit"], systolic["value_comparator"]) == ("mmHg", "<")
    assert (systolic["component"], systolic["patient_id"]) == (1, "p")
    assert (verdict["display"], verdict["value_code"]) == ("verdict", "H")
    codes = {(row["role"], row["code"]) for row in rows_of(resource, "resource_code")}
    assert codes == {("code", "x"), ("value", "H")}


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        ({"valueString": "clear"}, "value_text", "clear"),
        ({"valueBoolean": True}, "value_text", "true"),
        ({"valueInteger": 3}, "value_number", 3),
        ({"valueDateTime": "2019"}, "value_start", datetime(2019, 1, 1, tzinfo=UTC)),
        ({"valueRange": {"low": {"value": 1, "unit": "g"}}}, "value_text", "1 g - "),
        ({"valueQuantity": {"value": Decimal("1E+999999999")}}, "value_number", None),
        ({"valueQuantity": "much"}, "value_number", None),
    ],
)
def test_observation_value(value: dict[str, Any], column: str, expected: object) -> None:
    (row,) = rows_of({"resourceType": "Observation"} | value, "observation")
    assert row[column] == expected
    assert row["observed_at"] == UNKNOWN_TIME


def test_drugs_are_named_by_concept_containment_or_reference() -> None:
    concept = {"coding": [{"system": "rx", "code": "1", "display": "aspirin"}]}
    base = {"resourceType": "MedicationRequest", "subject": {"reference": "Patient/p"}}
    own = row_of(base | {"medicationCodeableConcept": concept}, "medication_request")
    inside = base | {
        "medicationReference": {"reference": "#m"},
        "contained": [{"resourceType": "Medication", "id": "m", "code": concept}],
    }
    assert (own["code"], own["display"]) == ("1", "aspirin")
    assert row_of(inside, "medication_request")["code"] == "1"
    outside = base | {"medicationReference": {"reference": "Medication/9", "display": "aspirin 81"}}
    row = row_of(outside, "medication_request")
    assert (row["medication_id"], row["display"]) == ("9", "aspirin 81")


def test_what_was_entered_in_error_projects_to_nothing() -> None:
    coding = {"coding": [{"code": "entered-in-error"}]}
    for resource in ({"status": "entered-in-error"}, {"verificationStatus": coding}):
        assert entered_in_error(resource)
        assert project({"resourceType": "Condition", "id": "c"} | resource, ZONE) == []


@pytest.mark.parametrize(
    ("resource", "patient"),
    [
        ({"resourceType": "Patient", "id": "own"}, "own"),
        ({"resourceType": "Observation", "subject": {"reference": "Patient/p"}}, "p"),
        ({"resourceType": "Observation", "subject": {"reference": "Group/g"}}, None),
        ({"resourceType": "Observation", "subject": {"reference": "Patient/p/_history/2"}}, "p"),
        ({"resourceType": "Observation", "subject": {"reference": "http://x/Patient/p"}}, None),
        ({"resourceType": "Observation", "subject": {"reference": "#p"}}, None),
        ({"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/p"}}, "p"),
        ({"resourceType": "ResearchSubject", "individual": {"reference": "Patient/p"}}, "p"),
        ({"resourceType": "Account", "subject": [{"reference": "Patient/p"}]}, "p"),
        (
            {
                "resourceType": "Appointment",
                "participant": [{}, {"actor": {"reference": "Patient/p"}}],
            },
            "p",
        ),
        ({"resourceType": "Organization"}, None),
        ({"resourceType": "Observation", "subject": "Patient/p"}, None),
    ],
)
def test_whose_record(resource: dict[str, Any], patient: str | None) -> None:
    assert patient_of(resource) == patient


def test_links_of_groups_and_provenance() -> None:
    group = {
        "resourceType": "Group",
        "member": [
            {"entity": {"reference": "Patient/a"}},
            {"entity": {"reference": "Patient/b"}, "inactive": True},
        ],
    }
    assert [row["target_id"] for row in rows_of(group, "resource_link")] == ["a"]
    provenance = {"resourceType": "Provenance", "target": [{"reference": "Observation/o"}]}
    (link,) = rows_of(provenance, "resource_link")
    assert (link["role"], link["target_type"], link["target_id"]) == ("target", "Observation", "o")


def test_risk_predictions_are_a_row_each() -> None:
    resource = {
        "resourceType": "RiskAssessment",
        "prediction": [
            {"outcome": {"text": "heart attack"}, "probabilityDecimal": Decimal("0.02")},
            {"probabilityRange": {"low": {"value": 1}, "high": {"value": 2}}},
        ],
    }
    first, second = rows_of(resource, "risk_assessment")
    assert (first["display"], first["probability"]) == ("heart attack", Decimal("0.02"))
    assert (second["probability"], second["probability_high"]) == (1, 2)
    assert len(rows_of({"resourceType": "RiskAssessment"}, "risk_assessment")) == 1


def test_indexed_text_is_bounded_and_numbers_stay_within_reason() -> None:
    row = row_of({"resourceType": "Patient", "name": [{"family": "x" * 9000}]}, "patient")
    assert len(row["family"]) == KEY_LENGTH
    assert number(True) is None
    assert number(Decimal("1E-400")) is None
    assert number(10**250) is None
    assert number(Decimal("0.10")) == Decimal("0.10")


def test_names_are_searched_without_case_and_accents() -> None:
    assert tokens("Ångström O'Neill-ß") == ["angstrom", "o", "neill", "ss"]


def test_days_end_with_the_calendar() -> None:
    assert days("9999").end is None
    assert days("2019-12").end == date(2020, 1, 1)
