"""Patient, Practitioner, Organization, Device and Group."""

from __future__ import annotations

from typing import Any

from indexing.fhir.elements import objects, string, target_id
from indexing.fhir.projections.rows import (
    Row,
    Subject,
    calendar,
    code_of,
    code_rows,
    flag,
    identifier_rows,
    key,
    link_rows,
    plain,
    shown,
    tokens,
    when,
    whole,
)
from indexing.fhir.reading import JsonObject

# Names by how well they name a person today. Source: R4 valueset-name-use.
_USES = ("official", "usual", None, "nickname", "anonymous", "temp", "maiden", "old")
_MAX_NAME_TOKENS = 64


def patient(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a Patient, its searchable names and its links."""
    names = objects(resource.get("name"))
    best = _best_name(names)
    birth = calendar(resource.get("birthDate"))
    died = when(resource.get("deceasedDateTime"), subject.zone)
    deceased = flag(resource.get("deceasedBoolean"))
    if deceased is None and "deceasedDateTime" in resource:
        deceased = True
    home = _address(resource)
    values = (
        subject.resource_id,
        flag(resource.get("active")),
        key(best.get("family")),
        _given(best),
        name_of(best),
        key(resource.get("gender")),
        birth.start,
        birth.end,
        deceased,
        died.start,
        died.end,
        key(home.get("city")),
        key(home.get("state")),
        key(home.get("postalCode")),
        key(home.get("country")),
        merged_into(resource),
    )
    return [
        Row("patient", values),
        *_name_rows(subject, names),
        *identifier_rows(subject, resource.get("identifier")),
        *link_rows(subject, *_patient_links(resource)),
    ]


def merged_into(resource: JsonObject) -> str | None:
    """Return the patient that replaced this one (Patient.link, replaced-by)."""
    for link in objects(resource.get("link")):
        if link.get("type") == "replaced-by":
            other = target_id(link.get("other"), "Patient")
            if other and other != resource.get("id"):
                return other
    return None


def replaced_patients(resource: JsonObject) -> list[str]:
    """Return the patients that this one replaces (Patient.link, replaces)."""
    links = [link for link in objects(resource.get("link")) if link.get("type") == "replaces"]
    found = [target_id(link.get("other"), "Patient") for link in links]
    return sorted({other for other in found if other and other != resource.get("id")})


def _patient_links(resource: JsonObject) -> list[tuple[str, object]]:
    links = objects(resource.get("link"))
    return [(key(link.get("type")) or "", link.get("other")) for link in links]


def practitioner(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a Practitioner."""
    best = _best_name(objects(resource.get("name")))
    qualifications = objects(resource.get("qualification"))
    values = (
        subject.resource_id,
        flag(resource.get("active")),
        key(best.get("family")),
        _given(best),
        name_of(best),
        key(resource.get("gender")),
        shown(qualifications[0].get("code")) if qualifications else None,
    )
    return [
        Row("practitioner", values),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def organization(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of an Organization."""
    kind = code_of(resource.get("type"))
    place = _address(resource)
    name = string(resource.get("name"))
    values = (
        subject.resource_id,
        flag(resource.get("active")),
        key(name),
        key(plain(name)) if name else None,
        kind.code,
        kind.display,
        target_id(resource.get("partOf"), "Organization"),
        key(place.get("city")),
        key(place.get("state")),
    )
    return [
        Row("organization", values),
        *code_rows(subject, ("type", resource.get("type"))),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def device(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a Device."""
    kind = code_of(resource.get("type"))
    values = (
        subject.resource_id,
        subject.patient_id,
        key(resource.get("status")),
        kind.system,
        kind.code,
        kind.display,
        key(resource.get("manufacturer")),
        key(resource.get("modelNumber")),
        key(resource.get("serialNumber")),
    )
    return [
        Row("device", values),
        *code_rows(subject, ("type", resource.get("type"))),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def group(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a Group, with its present members."""
    code = code_of(resource.get("code"))
    values = (
        subject.resource_id,
        flag(resource.get("active")),
        key(resource.get("type")),
        flag(resource.get("actual")),
        code.system,
        code.code,
        code.display,
        key(resource.get("name")),
        whole(resource.get("quantity")),
    )
    members = [
        member.get("entity")
        for member in objects(resource.get("member"))
        if member.get("inactive") is not True
    ]
    return [
        Row("cohort", values),
        *code_rows(subject, ("code", resource.get("code"))),
        *identifier_rows(subject, resource.get("identifier")),
        *link_rows(subject, ("member", members)),
    ]


def name_of(name: dict[str, Any]) -> str | None:
    """Return a HumanName as shown."""
    if text := key(name.get("text")):
        return text
    parts = [*_strings(name.get("prefix")), *_strings(name.get("given"))]
    parts += [*_strings(name.get("family")), *_strings(name.get("suffix"))]
    return key(" ".join(parts))


def _best_name(names: list[dict[str, Any]]) -> dict[str, Any]:
    def worth(name: dict[str, Any]) -> int:
        use = name.get("use")
        known = use if use is None or type(use) is str else None
        return _USES.index(known) if known in _USES else len(_USES)

    return min(names, key=worth, default={})


def _given(name: dict[str, Any]) -> str | None:
    return key(" ".join(_strings(name.get("given"))))


def _strings(value: object) -> list[str]:
    items = value if type(value) is list else [value]
    return [item for item in items if type(item) is str and item]


def _name_rows(subject: Subject, names: list[dict[str, Any]]) -> list[Row]:
    found: dict[tuple[str, str], None] = {}
    for name in names:
        for part in ("family", "given", "text"):
            for text in _strings(name.get(part)):
                found.update(dict.fromkeys((token, part) for token in tokens(text)))
    head = subject.resource_id
    return [Row("patient_name", (head, *pair)) for pair in list(found)[:_MAX_NAME_TOKENS]]


def _address(resource: JsonObject) -> dict[str, Any]:
    addresses = objects(resource.get("address"))
    home = [address for address in addresses if address.get("use") in ("home", None)]
    return (home or addresses or [{}])[0]
