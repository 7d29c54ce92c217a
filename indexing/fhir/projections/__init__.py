"""Resources to typed rows beside the bytes: what is searched and joined.

The tables are those of `backends/postgres/migrations/sql/30_projections.sql`; a test holds the two
together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from indexing.fhir.compartment import patient_of
from indexing.fhir.elements import objects
from indexing.fhir.projections.clinical import (
    allergy_intolerance,
    care_plan,
    condition,
    encounter,
    immunization,
    procedure,
    risk_assessment,
)
from indexing.fhir.projections.columns import COLUMNS
from indexing.fhir.projections.medications import (
    medication,
    medication_request,
    medication_statement,
)
from indexing.fhir.projections.observations import observation
from indexing.fhir.projections.people import (
    device,
    group,
    merged_into,
    organization,
    patient,
    practitioner,
    replaced_patients,
)
from indexing.fhir.projections.reports import (
    diagnostic_report,
    document_reference,
    imaging_study,
    specimen,
)
from indexing.fhir.projections.research import provenance, research_study, research_subject
from indexing.fhir.projections.rows import (
    UNKNOWN_TIME,
    Row,
    Subject,
    identifier_rows,
    identifiers_of,
)
from indexing.fhir.reading import JsonObject

Projection = Callable[[JsonObject, Subject], list[Row]]

_PROJECTIONS: Mapping[str, Projection] = {
    "AllergyIntolerance": allergy_intolerance,
    "CarePlan": care_plan,
    "Condition": condition,
    "Device": device,
    "DiagnosticReport": diagnostic_report,
    "DocumentReference": document_reference,
    "Encounter": encounter,
    "Group": group,
    "ImagingStudy": imaging_study,
    "Immunization": immunization,
    "Medication": medication,
    "MedicationRequest": medication_request,
    "MedicationStatement": medication_statement,
    "Observation": observation,
    "Organization": organization,
    "Patient": patient,
    "Practitioner": practitioner,
    "Procedure": procedure,
    "Provenance": provenance,
    "ResearchStudy": research_study,
    "ResearchSubject": research_subject,
    "RiskAssessment": risk_assessment,
    "Specimen": specimen,
}
_OWN_TABLES: Mapping[str, tuple[str, ...]] = {
    **{kind: (made.__name__,) for kind, made in _PROJECTIONS.items()},
    "Group": ("cohort",),
    "Patient": ("patient", "patient_name"),
}
_SHARED = ("resource_code", "resource_identifier", "resource_link")

TABLES_OF: Mapping[str, tuple[str, ...]] = {
    kind: (*tables, *_SHARED) for kind, tables in _OWN_TABLES.items()
}


def tables_of(kind: str) -> tuple[str, ...]:
    """Return the tables that a type writes.

    On a new version, delete by (tenant_id, resource_id) from each, and by resource_type too where
    the table has that column; then insert.
    """
    return TABLES_OF.get(kind, ("resource_identifier",))


def project(resource: JsonObject, zone: ZoneInfo) -> list[Row]:
    """Return the rows of a resource; only its identifiers for a type without a projection.

    A resource that was entered in error projects to nothing. Whatever is misshapen reads as
    absent: this never raises on parsed JSON with an id.
    """
    kind, resource_id = resource["resourceType"], resource["id"]
    made = _PROJECTIONS.get(kind)
    if entered_in_error(resource):
        return []
    subject = Subject(kind, resource_id, patient_of(resource), zone)
    if made is None:
        return identifier_rows(subject, resource.get("identifier"))
    return made(resource, subject)


def entered_in_error(resource: JsonObject) -> bool:
    """Say whether the resource was never true: status or verificationStatus says so."""
    if resource.get("status") == "entered-in-error":
        return True
    concept = resource.get("verificationStatus")
    if type(concept) is not dict:
        return False
    return any(code.get("code") == "entered-in-error" for code in objects(concept.get("coding")))


__all__ = [
    "COLUMNS",
    "Row",
    "TABLES_OF",
    "UNKNOWN_TIME",
    "entered_in_error",
    "identifiers_of",
    "merged_into",
    "patient_of",
    "project",
    "replaced_patients",
    "tables_of",
]
