"""Cohorts out of the house: CSV, NDJSON, FHIR; with a purpose, a cap and a record of it."""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from app.cohort_leaving import leaving, shared, told_verdicts
from app.cohorts import CohortDesk
from indexing.access import Access, Role
from indexing.charts import Person
from indexing.cohorts import CohortHead
from indexing.dated import written
from indexing.errors import InvalidInput
from indexing.hidden import SMALLEST_CELL, birth_year
from rankers.cohorts import Cohort

Format = Literal["csv", "ndjson", "group", "bundle"]
MEDIA: dict[str, str] = {
    "csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson",
    "group": "application/fhir+json", "bundle": "application/fhir+json",
}  # fmt: skip
# Source: terminology.hl7.org/ValueSet/v3-PurposeOfUse
PURPOSES = {
    "HRESCH": "research", "HQUALIMP": "quality improvement", "PUBHLTH": "public health",
    "TREAT": "treatment", "HOPERAT": "operations",
}  # fmt: skip
PROFILES = ("as-written", "deidentified")
VERDICTS = "urn:anamnesis:cohort-verdicts"  # the extension of a Group's member
PSEUDONYMS = "urn:anamnesis:cohort-pseudonym"  # the identifiers of de-identified members
_FORMULA = frozenset("=+-@\u2212")
_BREAKS = frozenset("\t\r\n")
_encode = msgspec.json.Encoder(enc_hook=str).encode


def exported(
    desk: CohortDesk, head: CohortHead, form: str, purpose: str, profile: str = "as-written"
) -> bytes:
    """Return a cohort as a file, once its audit row stands.

    Raises:
        InvalidInput: no such form, purpose or profile; or there are more rows than may leave, or
            so few that a de-identified view does not tell how many.
    """
    if form not in MEDIA:
        raise InvalidInput("no such format", hint=f"there are {', '.join(MEDIA)}")
    if purpose not in PURPOSES:
        named = ", ".join(f"{code} ({words})" for code, words in PURPOSES.items())
        raise InvalidInput("an export needs a purpose", hint=f"one of {named}")
    if profile not in PROFILES:
        raise InvalidInput("no such profile", hint=f"there are {', '.join(PROFILES)}")
    if profile == "deidentified" and not desk.access.deidentified:
        desk = CohortDesk(desk.own, _hidden(desk.access))
    found = desk.evaluate(head.definition)
    if desk.told(len(found.members)) is None:
        raise InvalidInput(
            f"a cohort of fewer than {SMALLEST_CELL} patients does not leave de-identified",
            hint="widen it: so few rows tell how many there are",
        )
    cap = desk.own.settings.export_cap
    if len(found.members) > cap:
        raise InvalidInput(
            f"this cohort has more than {cap} patients, which is what may be exported at once",
            hint="narrow it, or ask who runs this installation to raise ANAMNESIS_EXPORT_CAP",
        )
    detail: dict[str, int | str] = {
        "rows": len(found.members),
        "format": form,
        "purpose": purpose,
        "profile": profile,
    }
    desk.own.cohort_store.shown(
        desk.access, "cohort-export", found.members, head.cohort_id, detail
    )  # fmt: skip
    return _written(desk, head, found, form)


def _hidden(access: Access) -> Access:
    return replace(access, roles=(access.roles - {Role.CLINICIAN}) | {Role.RESEARCHER})


def _written(desk: CohortDesk, head: CohortHead, found: Cohort, form: str) -> bytes:
    match form:
        case "csv":
            zone = ZoneInfo(desk.access.time_zone)
            return _csv(_rows(desk, head, found), desk.access.deidentified, found, zone)
        case "ndjson":
            return b"".join(_encode(row) + b"\n" for row in _rows(desk, head, found))
        case "group":
            return _encode(_group(desk, head, found))
        case _:
            return _encode(_bundle(desk, head, found))


def _rows(desk: CohortDesk, head: CohortHead, found: Cohort) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = leaving(desk, found, head, 0, max(len(found.members), 1))["rows"]
    return rows


_WRITTEN = ("date", "where", "words", "section", "assertion", "accepted", "rejected")
_HIDDEN = ("met", "where", "from day", "to day", "accepted", "rejected")
_MET = {True: "yes", False: "no", None: ""}


def _csv(rows: Sequence[Mapping[str, Any]], hidden: bool, found: Cohort, zone: tzinfo) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    heads = _HIDDEN if hidden else _WRITTEN
    names = [f"{name} {head}" for name in found.met for head in heads]
    writer.writerow([safe(each) for each in ("patient", *names)])
    for row in rows:
        cells: list[str] = [row["patient_id"]]
        for cell in row["cells"]:
            cells += _hidden_cells(cell) if hidden else _written_cells(cell, zone)
            cells += [str(cell["accepted"]), str(cell["rejected"])]
        writer.writerow([safe(each) for each in cells])
    return ("\ufeff" + out.getvalue()).encode()


def _written_cells(cell: Mapping[str, Any], zone: tzinfo) -> list[str]:
    at = written(cell["at"], cell["width"], zone) if cell["at"] else ""
    words = cell["quote"] or cell["words"]
    return [at, cell["ref"] or "", words, cell["section"], cell["assertion"] or ""]


def _hidden_cells(cell: Mapping[str, Any]) -> list[str]:
    days = ["" if cell[name] is None else str(cell[name]) for name in ("from_day", "to_day")]
    return [_MET[cell["met"]], cell["ref"] or "", *days]


def safe(cell: str) -> str:
    """Keep a spreadsheet from reading a cell as a formula, whatever invisible characters stand
    before its sign and in whichever width it is written. Source: OWASP, CSV injection."""
    seen = next((c for c in cell if unicodedata.category(c)[0] not in "ZC"), "")
    formula = unicodedata.normalize("NFKC", seen)[:1] in _FORMULA
    return f"'{cell}" if formula or cell[:1] in _BREAKS else cell


def _group(desk: CohortDesk, head: CohortHead, found: Cohort) -> dict[str, Any]:
    members = desk.ordered(found, head)
    group: dict[str, Any] = {
        "resourceType": "Group", "id": head.cohort_id, "type": "person", "actual": True,
    }  # fmt: skip
    if not desk.access.deidentified:  # a name may name somebody
        group |= {"name": head.name, "quantity": len(members)}
    if members:
        said = desk.verdicts(head, found)
        if desk.access.deidentified:
            said = told_verdicts(found, desk.untold(found), said)
        group["member"] = [
            {"entity": _entity(desk, desk.shown_member(each, found, head))}
            | _judged(said.get(each, {}))
            for each in members
        ]
    else:
        group.pop("quantity", None)
    return group


def _entity(desk: CohortDesk, shown: str) -> dict[str, Any]:
    if not desk.access.deidentified:
        return {"reference": f"Patient/{shown}"}
    return {"reference": f"Patient/{_fhir_id(shown)}", "identifier": _pseudonym(shown)}


def _pseudonym(shown: str) -> dict[str, str]:
    return {"system": PSEUDONYMS, "value": shown}


def _fhir_id(pseudonym: str) -> str:
    """Return an id of a pseudonym, which is longer than FHIR's ids may be."""
    return hashlib.sha256(pseudonym.encode()).hexdigest()[:32]


def _judged(said: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Say how many reviewers accepted and rejected each of a member's cells."""
    told = [
        {
            "url": VERDICTS,
            "extension": [
                {"url": "criterion", "valueString": criterion},
                {"url": "accepted", "valueInteger": votes.get("accept", 0)},
                {"url": "rejected", "valueInteger": votes.get("reject", 0)},
            ],
        }
        for criterion, votes in sorted(said.items())
    ]
    return {"extension": told} if told else {}


def _bundle(desk: CohortDesk, head: CohortHead, found: Cohort) -> dict[str, Any]:
    members = desk.ordered(found, head)
    people = desk.own.charts.people(desk.access, members, members)
    told = _sex_and_year(people, members) if desk.access.deidentified else None
    entries: list[dict[str, Any]] = [{"resource": _group(desk, head, found)}]
    for each in members:
        person, shown_id = people.get(each), desk.shown_member(each, found, head)
        own: dict[str, Any] = {"resourceType": "Patient", "id": shown_id}
        if told is not None:
            own |= {"id": _fhir_id(shown_id), "identifier": [_pseudonym(shown_id)]}
            named = zip(("gender", "birthDate"), told.get(each, ("", "")), strict=True)
            own |= {name: value for name, value in named if value}
        elif person is not None:
            own |= {"gender": person.sex} if person.sex else {}
            own |= {"birthDate": person.birth_start.isoformat()} if person.birth_start else {}
            own |= {"name": [{"text": person.name}]} if person.name else {}
        entries.append({"resource": own})
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _sex_and_year(
    people: Mapping[str, Person], members: Sequence[str]
) -> Mapping[str, tuple[str, str]]:  # fmt: skip
    """Return the sex and the year of birth of members who share both with ten others, or else the
    sex alone of those who share that; of nobody over 89 the year."""

    def sex(member: str) -> tuple[str, str]:
        return (people[member].sex or "" if member in people else "", "")

    def both(member: str) -> tuple[str, str]:
        own = people.get(member)
        year = birth_year(own.birth_start)[0] if own else None
        return (sex(member)[0], str(year.year) if year else "")

    return shared(members, [both, sex])
