"""Patients who left once, some of whom came back: what outcome models are measured on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.ingest import Ingest
from indexing.model import Tenant

COUNT = 520
LEFT = datetime(2024, 3, 1, tzinfo=UTC)


def found(installation: Installation) -> Access:
    """Make a tenant of patients with one stay; those with heart failure mostly come back."""
    tenant = Tenant(new_tenant_id(), f"o-{new_tenant_id().hex[:12]}", "H")
    installation.tenants.create(tenant)
    own = Access(tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    into = Ingest(installation.records, own, ZoneInfo("UTC"))
    for start in range(0, COUNT, 130):
        entries = [e for n in range(start, start + 130) for e in person(n)]
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": [
            {"resource": e, "request": {"method": "PUT", "url": f"{e['resourceType']}/{e['id']}"}}
            for e in entries
        ]}  # fmt: skip
        assert all(o.rejected is None for o in into.submit(json.dumps(bundle).encode()))
    with psycopg.connect(installation.conninfos.owner, autocommit=True) as conn:
        conn.execute("ANALYZE resource, patient, encounter, condition")  # autovacuum, in a minute
    return own


def person(number: int) -> list[dict[str, Any]]:
    who = {"reference": f"Patient/p{number}"}
    ill = number % 2 == 0
    back = (number // 2) % 5 != 0 if ill else (number // 2) % 5 == 0

    def stay(name: str, start: datetime, days: int) -> dict[str, Any]:
        period = {"start": start.isoformat(), "end": (start + timedelta(days=days)).isoformat()}
        kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
        return {"resourceType": "Encounter", "id": f"{name}{number}", "status": "finished",
                "class": kind, "subject": who, "period": period}  # fmt: skip

    def condition(name: str, at: datetime) -> dict[str, Any]:
        return {"resourceType": "Condition", "id": f"{name[:2]}{number}", "subject": who,
                "code": {"text": name}, "onsetDateTime": at.isoformat()}  # fmt: skip

    found = [
        {
            "resourceType": "Patient",
            "id": f"p{number}",
            "gender": "male",
            "birthDate": "1950-01-01",
        },
        stay("first", LEFT - timedelta(days=5), 5),
        condition("Heart failure" if ill else "Fracture", LEFT - timedelta(days=5)),
        condition(f"Z{number % 5}", LEFT - timedelta(days=9)),
        condition("Later finding", LEFT + timedelta(days=30)),
    ]
    if back:
        found.append(stay("again", LEFT + timedelta(days=20), 3))
    if number == 0:
        found.append(stay("last", LEFT + timedelta(days=200), 1))
    return found
