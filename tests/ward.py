"""A small ward for tests of the edge: two patients, a few notes, one account per role."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher

from app.auth.passwords import Passwords
from app.following import catch_up
from app.services import Services, services_of
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.ingest import Ingest
from indexing.model import Tenant

PASSWORD = "a long enough password"

ANGINA = """\
HISTORY OF PRESENT ILLNESS:
Chest pain on exertion for two weeks. She denies fever.

FAMILY HISTORY:
Mother had diabetes mellitus.

PLAN:
Start aspirin <81 mg> & arrange an exercise test. Call if chest pain recurs.
"""
DENIES = """\
REVIEW OF SYSTEMS:
Denies chest pain. No shortness of breath.

PLAN:
Return in a year.
"""
EDEMA = """\
HOSPITAL COURSE:
Shortness of breath from pulmonary edema, treated with furosemide.
The chest pain on arrival was musculoskeletal.
"""
# patient, date, title, type, author, text
NOTES = {
    "note-angina": (
        "p-ada", "2024-03-02T10:00:00Z", "Cardiology clinic", "Progress note", "Dr Quill", ANGINA,
    ),
    "note-denies": ("p-ada", "2024-05-11", "Annual visit", "Progress note", "Dr Quill", DENIES),
    "note-edema": (
        "p-ben", "2023-11", "Discharge from ward 4", "Discharge summary", "Dr Moss", EDEMA,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ward:
    """`services` with quick password hashing; accounts are named after their roles."""

    tenant: Tenant
    services: Services
    access: Access

    def user_id(self, role: Role) -> str:
        """Return the id of the account of that role."""
        return self.services.accounts.by_name(self.tenant.tenant_id, role.value).user_id

    def token(self, role: Role) -> str:
        """Return a bearer token of the account with that role."""
        return self.services.accounts.create_token(
            self.tenant.tenant_id, self.user_id(role), timedelta(days=1)
        )[1]

    def bearer(self, role: Role = Role.CLINICIAN) -> dict[str, str]:
        """Return the header of a fresh token."""
        return {"Authorization": f"Bearer {self.token(role)}"}


def found_hospital(
    installation: Installation, resources: Sequence[Mapping[str, Any]], name: str = "A hospital",
    *, demo: bool = False, time_zone: str = "UTC",
) -> Ward:  # fmt: skip
    """Make a tenant with one account per role and these resources, indexed."""
    tenant_id = new_tenant_id()
    tenant = Tenant(tenant_id, f"w-{tenant_id.hex[:12]}", name, demo=demo, time_zone=time_zone)
    installation.tenants.create(tenant)
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    services = replace(services_of(installation), passwords=quick)
    for role in Role:
        services.accounts.create(tenant_id, role.value, [role], quick.hash(PASSWORD))
    access = Access(tenant_id, "loader", frozenset({Role.ADMIN}))
    ingest = Ingest(installation.records, access, ZoneInfo(time_zone))
    for resource in resources:
        outcome = ingest.submit(json.dumps(resource).encode())[0]
        assert outcome.rejected is None, outcome.rejected
    catch_up(installation, tenants=[tenant_id])
    return Ward(tenant, services, access)


def build(installation: Installation) -> Ward:
    """Make the small ward: two patients, their facts and notes."""
    resources = [*_patients(), *_facts(), *map(_note, NOTES)]
    return found_hospital(installation, resources, "St Elsewhere", demo=True)


def _patients() -> list[dict[str, Any]]:
    return [
        {
            "resourceType": "Patient", "id": "p-ada", "gender": "female", "birthDate": "1951-02-03",
            "name": [{"family": "Example", "given": ["Ada"]}],
        },
        {
            "resourceType": "Patient", "id": "p-ben", "gender": "male", "birthDate": "1980",
            "name": [{"family": "Specimen", "given": ["Ben"]}],
        },
    ]  # fmt: skip


def _facts() -> list[dict[str, Any]]:
    ada = {"reference": "Patient/p-ada"}
    clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    return [
        {
            "resourceType": "Condition", "id": "c-htn", "subject": ada,
            "clinicalStatus": {"coding": [{"system": clinical, "code": "active"}]},
            "code": {"text": "Hypertension"}, "onsetDateTime": "2015",
        },
        {
            "resourceType": "AllergyIntolerance", "id": "a-pen", "patient": ada,
            "code": {"text": "Penicillin"}, "reaction": [{"manifestation": [{"text": "Rash"}]}],
        },
        {
            "resourceType": "MedicationRequest", "id": "m-asp", "subject": ada, "status": "active",
            "intent": "order", "medicationCodeableConcept": {"text": "Aspirin 81 mg"},
            "authoredOn": "2024-03-02",
        },
        *[
            {
                "resourceType": "Observation", "id": f"o-{year}", "status": "final", "subject": ada,
                "code": {"text": "Hemoglobin", "coding": [{"code": "718-7"}]},
                "effectiveDateTime": f"{year}-01-10",
                "valueQuantity": {"value": 11.0 + year - 2020, "unit": "g/dL"},
            }
            for year in (2021, 2022, 2023)
        ],
    ]  # fmt: skip


def _note(name: str) -> dict[str, Any]:
    patient, date, title, kind, author, text = NOTES[name]
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference", "id": name, "status": "current",
        "subject": {"reference": f"Patient/{patient}"}, "type": {"text": kind},
        "description": title, "author": [{"display": author}],
        "context": {"period": {"start": date}},
        "content": [{"attachment": {"contentType": "text/plain", "data": data, "title": title}}],
    }  # fmt: skip
