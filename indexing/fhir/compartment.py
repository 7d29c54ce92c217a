"""Whose record a resource stands in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from indexing.fhir.elements import objects, target_id
from indexing.fhir.reading import JsonObject

# Where the patient stands, when not in `subject` or `patient`.
# Source: R4, compartmentdefinition-patient.html.
_ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "Appointment": ("participant.actor",),
    "AppointmentResponse": ("actor",),
    "AuditEvent": ("entity.what", "agent.who"),
    "Coverage": ("beneficiary",),
    "EnrollmentRequest": ("candidate",),
    "Person": ("link.target",),
    "Provenance": ("target",),
    "ResearchSubject": ("individual",),
    "Schedule": ("actor",),
    "SupplyRequest": ("deliverTo",),
    "Task": ("for",),
}
_USUAL = ("subject", "patient")
# A list or a group is about many people; it stands in nobody's record.
_NOBODYS = frozenset(("Group", "Linkage"))


def patient_of(resource: JsonObject) -> str | None:
    """Return the id of the patient in whose record the resource stands (a Patient: its own).

    None when it names none, or only one that is not on this server.
    """
    kind = resource.get("resourceType")
    if kind == "Patient":
        own = resource.get("id")
        return own if isinstance(own, str) else None
    if kind in _NOBODYS or not isinstance(kind, str):
        return None
    for path in _ELSEWHERE.get(kind, _USUAL):
        for value in _at(resource, path.split(".") if "." in path else [path]):
            if found := target_id(value, "Patient"):
                return found
    return None


def _at(resource: JsonObject, steps: list[str]) -> Iterator[JsonObject]:
    inner = objects(resource.get(steps[0]))
    if len(steps) == 1:
        yield from inner
        return
    for item in inner:
        yield from _at(item, steps[1:])
