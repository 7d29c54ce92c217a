"""A ward with fourteen patients of heart failure, for cohorts."""

from __future__ import annotations

import base64
from typing import Any

from app.cohorts import CohortDesk
from app.services import services_of
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.cohorts import CohortHead
from tests.attack import Hospital

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
N = 14  # patients with heart failure


def patient(own: str, sex: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": own, "gender": sex, "birthDate": "1950-02-03",
            "name": [{"family": f"Zq{own}", "given": ["Ada"]}]}  # fmt: skip


def condition(own: str, of: str, text: str, date: str, status: str = "confirmed") -> Any:
    return {"resourceType": "Condition", "id": own, "subject": {"reference": f"Patient/{of}"},
            "verificationStatus": {"coding": [{"system": VERIFICATION, "code": status}]},
            "code": {"text": text}, "onsetDateTime": date}  # fmt: skip


def value(own: str, of: str, number: float, date: str) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": own, "status": "final",
            "subject": {"reference": f"Patient/{of}"}, "code": {"text": "Hemoglobin"},
            "effectiveDateTime": date,
            "valueQuantity": {"value": number, "unit": "g/dL"}}  # fmt: skip


def note(own: str, of: str, text: str, date: str) -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return {"resourceType": "DocumentReference", "id": own, "status": "current",
            "subject": {"reference": f"Patient/{of}"}, "type": {"text": "Progress note"},
            "context": {"period": {"start": date}},
            "content": [{"attachment": {"contentType": "text/plain", "data": data}}]}  # fmt: skip


def people() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for i in range(N):
        own = f"p{i:02}"
        made += [
            patient(own, "female" if i % 2 else "male"),
            condition(f"hf{i}", own, "Heart failure", f"2020-01-{i + 1:02}"),
            value(f"hb{i}", own, 8 + i / 4, "2020-03-01"),
            note(f"t{i}", own, f"HPI:\nMrs Zq{own} tires easily. Rests.", "2021-05-01"),
        ]
    made += [
        patient("ruled-out", "female"),
        {
            **patient("closed", "female"),
            "meta": {"security": [{"system": CONFIDENTIALITY, "code": "R"}]},
        },
        {
            "resourceType": "Medication",
            "id": "med",
            "code": {"text": "Zqdrug"},
            "meta": {"security": [{"system": CONFIDENTIALITY, "code": "R"}]},
        },
        {
            "resourceType": "MedicationRequest",
            "id": "mr",
            "status": "active",
            "intent": "order",
            "subject": {"reference": "Patient/p01"},
            "medicationReference": {"reference": "Medication/med"},
        },
        condition("hfc", "closed", "Heart failure", "2020-01-01"),
        condition("hfx", "ruled-out", "Heart failure", "2020-01-01", "refuted"),
        note("n1", "p01", "HPI:\nZqp01 has orthopnea since March. Denies fever.", "2020-02-01"),
        note("n2", "p02", "HPI:\nDenies orthopnea.", "2020-02-01"),
        note("n3", "p03", "HPI:\n=cmd orthopnea at night.", "2022-02-01"),
    ]
    return made


def desk_of(
    installation: Installation, hospital: Hospital, role: Role, who: str = "dr"
) -> CohortDesk:
    """Return what somebody works with."""
    access = Access(hospital.tenant.tenant_id, who, frozenset({role}))
    return CohortDesk(services_of(installation), access)


def judge(desk: CohortDesk, head: CohortHead, patient_id: str, criterion: str, word: str) -> None:
    """Give a verdict on a cell as a page shows it now."""
    table = desk.table(desk.evaluate(head.definition), head, 0, N + 2)
    desk.review(head, patient_id, criterion, word, table.marks[patient_id, criterion])
