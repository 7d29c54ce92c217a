"""The ward with what a medical graph is made of: visits, values, devices, studies, predictions."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

from app.following import catch_up
from app.wiring import Installation
from indexing.ingest import Ingest
from tests.ward import Ward, build

ADA = {"reference": "Patient/p-ada"}
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
MORE: list[dict[str, Any]] = [
    {"resourceType": "Practitioner", "id": "dr-q", "name": [{"family": "Quill"}]},
    {"resourceType": "Organization", "id": "house", "name": "St Elsewhere"},
    {
        "resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "AMB"},
        "type": [{"text": "Check-up"}], "subject": ADA, "period": {"start": "2024-03-02"},
        "participant": [{"individual": {"reference": "Practitioner/dr-q"}}],
        "serviceProvider": {"reference": "Organization/house"},
    },
    {
        "resourceType": "Observation", "id": "bp", "status": "final", "subject": ADA,
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "encounter": {"reference": "Encounter/e1"}, "device": {"reference": "Device/cuff"},
        "effectiveDateTime": "2024-03-02", "valueQuantity": {"value": 150, "unit": "mm[Hg]"},
    },
    {
        "resourceType": "Device", "id": "cuff", "patient": ADA, "manufacturer": "Maker",
        "type": {"text": "Cuff"},
    },
    {
        "resourceType": "Procedure", "id": "pr", "status": "completed", "subject": ADA,
        "code": {"text": "Exercise test"}, "performedDateTime": "2024-03-09",
        "bodySite": [{"text": "Heart"}], "outcome": {"text": "Successful"},
        "reasonCode": [{"coding": [{"code": "x"}], "text": "Angina"}],
        "complication": [{"text": "Syncope"}, {"coding": [{"display": "Bruise"}]}],
    },
    {
        "resourceType": "CarePlan", "id": "cp", "status": "active", "intent": "plan",
        "subject": ADA, "category": [{"text": "Salt restriction"}],
        "addresses": [{"reference": "Condition/c-htn"}], "period": {"start": "2016"},
    },
    {
        "resourceType": "MedicationRequest", "id": "m-war", "subject": ADA, "status": "active",
        "intent": "order", "authoredOn": "2024-04-01",
        "dosageInstruction": [{"text": "one tablet", "asNeededBoolean": False, "timing": {
            "repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}],
        "medicationCodeableConcept": {
            "coding": [{"system": RXNORM, "code": "855332", "display": "warfarin 5 MG Oral Tablet"}]
        },
    },
    {
        "resourceType": "ResearchStudy", "id": "st", "status": "active", "title": "A trial",
        "phase": {"coding": [{"code": "phase-3"}]},
    },
    {
        "resourceType": "ResearchSubject", "id": "rs", "status": "on-study", "individual": ADA,
        "study": {"reference": "ResearchStudy/st"},
    },
    {
        "resourceType": "RiskAssessment", "id": "ra", "status": "final", "subject": ADA,
        "method": {"text": "A model"}, "mitigation": "Stop smoking",
        "prediction": [{"outcome": {"text": "Stroke"}, "probabilityDecimal": 0.2}],
    },
]  # fmt: skip


def medical_ward(installation: Installation) -> Ward:
    """Make a ward of that."""
    made = build(installation)
    put(installation, made, *MORE)
    return made


def put(installation: Installation, ward: Ward, *resources: dict[str, Any]) -> None:
    """Take resources in, and let everything follow."""
    ingest = Ingest(installation.records, ward.access, ZoneInfo("UTC"))
    for resource in resources:
        outcome = ingest.submit(json.dumps(resource).encode())[0]
        assert outcome.rejected is None, outcome.rejected
    catch_up(installation, tenants=[ward.tenant.tenant_id])
