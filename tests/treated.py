"""Patients with hypertension, what they were given and how it went, for tests of the outlook."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

from app.following import catch_up
from app.wiring import Installation
from indexing.access import Access
from indexing.ingest import Ingest

# Drug -> (patients, of them better).
GIVEN = {"lisinopril": (24, 18), "metoprolol": (24, 12), "amlodipine": (24, 5)}
PATIENT = "asked"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def condition(patient: str, name: str, onset: str, number: int = 0) -> dict[str, Any]:
    """Return a problem by its name."""
    return {
        "resourceType": "Condition", "id": f"{patient}-c{number}",
        "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": "active"}]},
        "subject": {"reference": f"Patient/{patient}"}, "code": {"text": name, "coding": [
            {"system": "http://snomed.info/sct", "code": f"9{len(name)}", "display": name}]},
        "onsetDateTime": onset,
    }  # fmt: skip


def order(patient: str, drug: str, at: str, name: str = "m") -> dict[str, Any]:
    """Return a prescription."""
    return {
        "resourceType": "MedicationRequest", "id": f"{patient}-{name}", "status": "active",
        "intent": "order", "subject": {"reference": f"Patient/{patient}"}, "authoredOn": at,
        "medicationCodeableConcept": {"text": f"{drug.title()} 10 MG Oral Tablet"},
    }  # fmt: skip


def outcome(patient: str, words: str, at: str, name: str = "m") -> dict[str, Any]:
    """Return what was recorded of a prescription."""
    return {
        "resourceType": "Observation", "id": f"{patient}-{name}-o", "status": "final",
        "code": {"text": "Response to treatment"}, "effectiveDateTime": at,
        "subject": {"reference": f"Patient/{patient}"},
        "focus": [{"reference": f"MedicationRequest/{patient}-{name}"}],
        "valueCodeableConcept": {"text": words},
    }  # fmt: skip


def allergy(patient: str, name: str, number: int = 0) -> dict[str, Any]:
    """Return an allergy by its name."""
    return {
        "resourceType": "AllergyIntolerance", "id": f"{patient}-a{number}", "criticality": "high",
        "patient": {"reference": f"Patient/{patient}"}, "code": {"text": name},
        "reaction": [{"manifestation": [{"text": "lip swelling"}]}],
    }  # fmt: skip


def patients() -> list[dict[str, Any]]:
    """Return everybody: those that were given something, and the one asked about."""
    found: list[dict[str, Any]] = []
    for drug, (count, better) in GIVEN.items():
        for number in range(count):
            name = f"{drug[:3]}{number}"
            found += [
                {"resourceType": "Patient", "id": name, "gender": "female",
                 "name": [{"family": "Testperson", "given": [f"Zed{number}"]}]},
                condition(name, "Hypertension", "2020-01-01"),
                order(name, drug, "2020-02-01"),
                order(name, "ramipril" if number % 2 else "ibuprofen", "2019-01-01", "old"),
                outcome(name, "improved" if number < better else "not improved", "2020-06-01"),
            ]  # fmt: skip
    return [*found, *asked()]


def asked(patient: str = PATIENT) -> list[dict[str, Any]]:
    """Return the patient asked about, with asthma, on spironolactone, allergic to a class."""
    return [
        {"resourceType": "Patient", "id": patient, "gender": "female", "birthDate": "1960-05-05",
         "name": [{"family": "Verity", "given": ["Una"]}]},
        condition(patient, "Hypertension", "2021-01-01"), condition(patient, "Asthma", "2000", 1),
        order(patient, "spironolactone", "2021-01-02"), allergy(patient, "ACE inhibitor"),
        allergy(patient, "Zorblaxin", 1),
    ]  # fmt: skip


def fill(installation: Installation, access: Access, resources: list[dict[str, Any]]) -> None:
    """Store resources and let everything follow."""
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [
        {"resource": e, "request": {"method": "PUT", "url": f"{e['resourceType']}/{e['id']}"}}
        for e in resources
    ]}  # fmt: skip
    into = Ingest(installation.records, access, ZoneInfo("UTC"))
    assert all(o.rejected is None for o in into.submit(json.dumps(bundle).encode()))
    catch_up(installation, tenants=[access.tenant_id])
