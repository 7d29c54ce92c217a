"""Events of patients from the projections and the notes, for cohorts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from indexing.access import Access
from indexing.backends.postgres.came_about import DONE, ORDERED, TAKEN
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.vague import DATE_UNTIL, ONSET, ONSET_UNTIL
from indexing.cohorts import Coded, Event, Limit, Quote, Records
from indexing.dated import width
from indexing.model import Assertion

_UNDATED = datetime(1, 1, 2, tzinfo=UTC)  # what an observation without a time stands at
AROUND = 160  # characters of a note on either side of what is quoted

# Where each kind stands: table, resource type, its date and until when that may be, what must not
# count, what it is joined with.
_MEDICATION = (
    " LEFT JOIN medication m ON m.tenant_id = t.tenant_id AND m.resource_id = t.medication_id"
)
_MEDICATION_OPEN = (
    " AND NOT EXISTS (SELECT FROM resource c WHERE c.tenant_id = t.tenant_id "
    "AND c.type = 'Medication' AND c.id = t.medication_id AND c.labels && %(closed)s)"
)
_TABLES: Mapping[Records, tuple[tuple[str, str, tuple[str, str], str, str], ...]] = {
    "condition": (
        ("condition", "Condition", (ONSET, ONSET_UNTIL),
         "coalesce(t.verification_status, '') NOT IN ('refuted', 'entered-in-error')", ""),
    ),
    "medication": (
        ("medication_request", "MedicationRequest", ("t.authored_start", "t.authored_end"),
         ORDERED, _MEDICATION),
        ("medication_statement", "MedicationStatement", ("t.date_start", DATE_UNTIL),
         TAKEN, _MEDICATION),
    ),
    "procedure": (
        ("procedure", "Procedure", ("t.date_start", DATE_UNTIL),
         DONE, ""),
    ),
    "observation": (
        ("observation", "Observation", ("t.observed_at", "t.observed_end"),
         "coalesce(t.status, '') NOT IN ('entered-in-error', 'cancelled')", ""),
    ),
}  # fmt: skip
_OF_OPEN = (
    " AND EXISTS (SELECT FROM patient q WHERE q.tenant_id = t.tenant_id AND q.resource_id = "
    "surviving_patient(t.tenant_id, t.patient_id) AND (%(patients)s::text[] IS NULL OR "
    "q.resource_id = ANY(%(patients)s::text[])) AND NOT EXISTS (SELECT FROM resource p "
    "WHERE p.tenant_id = q.tenant_id AND p.type = 'Patient' AND p.id = q.resource_id "
    "AND (p.deleted OR p.labels && %(closed)s)))"
)
_OPERATORS = frozenset({"<", "<=", ">", ">=", "="})
_MERGED = (
    "SELECT DISTINCT patient_id, surviving_patient(tenant_id, patient_id) FROM patient_merge "
    "WHERE tenant_id = %s"
)

_OBSERVED: Final = """
WITH RECURSIVE c(code) AS (
    SELECT min(code) FROM observation WHERE tenant_id = %(tenant)s
    UNION ALL
    SELECT (SELECT min(code) FROM observation WHERE tenant_id = %(tenant)s AND code > c.code)
    FROM c WHERE c.code IS NOT NULL
)
SELECT o.system, c.code, o.display FROM c CROSS JOIN LATERAL (SELECT system, display
    FROM observation WHERE tenant_id = %(tenant)s AND code = c.code LIMIT 1) o
UNION
SELECT DISTINCT system, NULL::text, display FROM observation
WHERE tenant_id = %(tenant)s AND code IS NULL
"""


class PostgresCohortRecords:
    """The `CohortRecords` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def codes(self, access: Access, records: Records) -> Sequence[Coded]:
        """Return every way in which records of a kind are coded."""
        found: set[tuple[str, str, str]] = set()
        if records == "observation":
            return self._observed(access)
        with self._database.tenant(access.tenant_id) as conn:
            for table, _, _, valid, joined in _TABLES[records]:
                system, code, display = _coded(joined)
                found.update(
                    (row[0] or "", row[1] or "", row[2] or "") for row in conn.execute(
                        f"SELECT DISTINCT {system}, {code}, {display} FROM {table} t{joined} "
                        f"WHERE t.tenant_id = %s AND {valid}", (access.tenant_id,)
                    )
                )  # fmt: skip
        return [Coded(*each) for each in sorted(found)]

    def _observed(self, access: Access) -> list[Coded]:
        """Step from code to code through the index: there are a thousand values for each."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(_OBSERVED, {"tenant": access.tenant_id}).fetchall()
        return [Coded(row[0] or "", row[1] or "", row[2] or "") for row in rows]

    def seen(self, access: Access, records: Records, coded: Sequence[Coded]) -> bool:
        """Say whether any open record of an open patient stands under these codes."""
        patients = None if access.patients is None else sorted(access.patients)
        with self._database.tenant(access.tenant_id) as conn:
            for table, kind, date, valid, joined in _TABLES[records]:
                statement, bound = _statement(access, table, kind, date, valid, joined, coded)
                found = conn.execute(
                    statement.replace("{shown}", "") + _OF_OPEN + " LIMIT 1",
                    {**bound, "patients": patients},
                )
                if found.fetchone() is not None:
                    return True
        return False

    def events(
        self, access: Access, records: Records, coded: Sequence[Coded],
        date_from: datetime | None, date_to: datetime | None,
    ) -> Sequence[Event]:  # fmt: skip
        """Return what is recorded under these codes, oldest first."""
        return self._found(access, records, coded, "", {}, date_from, date_to)

    def units(self, access: Access, coded: Sequence[Coded]) -> Sequence[str]:
        """Return the units that open values under these codes are recorded in, "" for none."""
        if not coded:
            return []
        table, kind, date, valid, joined = _TABLES["observation"][0]
        statement, bound = _statement(access, table, kind, date, valid, joined, coded)
        asked = statement.replace("{shown}", "").partition(" FROM ")[2]
        patients = None if access.patients is None else sorted(access.patients)
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                f"SELECT DISTINCT coalesce(t.value_unit, '') FROM {asked} "
                "AND t.value_number IS NOT NULL AND (%(patients)s::text[] IS NULL "
                "OR t.patient_id = ANY(%(patients)s::text[])) ORDER BY 1",
                {**bound, "patients": patients},
            ).fetchall()
        return [row[0] for row in rows]

    def values(
        self, access: Access, coded: Sequence[Coded], operator: str, limits: Sequence[Limit],
        date_from: datetime | None, date_to: datetime | None,
    ) -> Sequence[Event]:  # fmt: skip
        """Return the observations under these codes whose value holds in one of these units."""
        assert operator in _OPERATORS
        if not limits:
            return []
        pieces, values = [], dict[str, Any]()
        for at, limit in enumerate(limits):
            held = f"t.value_number {operator} %(number{at})s"
            if limit.unit is not None:
                held += f" AND coalesce(t.value_unit, '') = %(unit{at})s"
            pieces.append(f"({held})")
            values |= {f"number{at}": limit.number, f"unit{at}": limit.unit}
        where = f" AND ({' OR '.join(pieces)})"
        return self._found(access, "observation", coded, where, values, date_from, date_to)

    def _found(
        self, access: Access, records: Records, coded: Sequence[Coded], where: str,
        values: Mapping[str, Any], date_from: datetime | None, date_to: datetime | None,
    ) -> list[Event]:  # fmt: skip
        if not coded:
            return []
        found: list[Event] = []
        zone = ZoneInfo(access.time_zone)
        with self._database.tenant(access.tenant_id) as conn:
            merged = dict(conn.execute(_MERGED, (access.tenant_id,)).fetchall())
            for table, kind, date, valid, joined in _TABLES[records]:
                statement, bound = _statement(access, table, kind, date, valid, joined, coded)
                limits, dated = _limits(date[0], date_from, date_to)
                shown = ", t.value_number, t.value_unit" if records == "observation" else ""
                rows = conn.execute(
                    statement.replace("{shown}", shown) + where + limits,
                    {**bound, **values, **dated},
                ).fetchall()
                found += [_event(row, kind, merged, zone) for row in rows]
        return sorted(
            (e for e in found if access.patients is None or e.patient_id in access.patients),
            key=lambda e: (e.at is None, e.at or _UNDATED, e.ref),
        )

    def notes(self, access: Access, doc_ids: Sequence[str]) -> Sequence[Event]:
        """Return whose the visible ones are, and of when, in the order given."""
        zone = ZoneInfo(access.time_zone)
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                "SELECT doc_id, patient_id, date_start, coalesce(date_until, date_end), version "
                "FROM document "
                "WHERE tenant_id = %s "
                "AND doc_id = ANY(%s) AND live AND patient_id IS NOT NULL AND NOT labels && %s",
                (access.tenant_id, list(doc_ids), sorted(access.closed_labels)),
            ).fetchall()
        found = {
            own: Event(patient, at, f"Document/{own}", "", version, width(at, until, zone))
            for own, patient, at, until, version in rows
            if access.patients is None or patient in access.patients
        }
        return [found[each] for each in doc_ids if each in found]

    def everyone(self, access: Access) -> frozenset[str]:
        """Return every patient that this access opens."""
        return self.people(access, "", (None, None))

    def people(
        self, access: Access, sex: str, ages: tuple[int | None, int | None]
    ) -> frozenset[str]:
        """Return the patients of a sex and of an age today, in completed years."""
        low, high = ages
        with self._database.tenant(access.tenant_id) as conn:
            merged = {r[0] for r in conn.execute(_MERGED, (access.tenant_id,)).fetchall()}
            rows = conn.execute(
                "SELECT p.resource_id FROM patient p WHERE p.tenant_id = %(tenant)s "
                "AND (%(sex)s = '' OR p.sex = %(sex)s) AND (%(low)s::int IS NULL OR "
                "p.birth_start <= current_date - make_interval(years => %(low)s::int)) "
                "AND (%(high)s::int IS NULL OR p.birth_start > current_date "
                "- make_interval(years => %(high)s::int + 1)) AND NOT EXISTS (SELECT FROM "
                "resource c WHERE c.tenant_id = p.tenant_id AND c.type = 'Patient' "
                "AND c.id = p.resource_id AND (c.deleted OR c.labels && %(closed)s))",
                {
                    "tenant": access.tenant_id, "sex": sex, "low": low, "high": high,
                    "closed": sorted(access.closed_labels),
                },
            ).fetchall()  # fmt: skip
        found = frozenset(row[0] for row in rows) - merged
        return found if access.patients is None else found & access.patients

    def quotes(
        self, access: Access, doc_ids: Collection[str], concepts: frozenset[str],
        words: Sequence[str],
    ) -> Mapping[str, Quote]:  # fmt: skip
        """Return the words around the place of each visible note that carries it."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                "SELECT d.doc_id, d.text, a.found FROM document d LEFT JOIN annotation a "
                "ON a.tenant_id = d.tenant_id AND a.doc_id = d.doc_id AND a.version = d.version "
                "WHERE d.tenant_id = %s AND d.doc_id = ANY(%s) AND d.live AND NOT d.labels && %s",
                (access.tenant_id, list(doc_ids), sorted(access.closed_labels)),
                binary=True,
            ).fetchall()
        return {own: _quote(text, found, concepts, words) for own, text, found in rows}


def _coded(joined: str) -> tuple[str, str, str]:
    if not joined:
        return "t.system", "t.code", "t.display"
    return (
        "coalesce(t.system, m.system)", "coalesce(t.code, m.code)",
        "coalesce(t.display, m.display)",
    )  # fmt: skip


def _statement(
    access: Access, table: str, kind: str, date: tuple[str, str], valid: str, joined: str,
    coded: Sequence[Coded],
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """Return the read of one table up to its further conditions, and its values."""
    system, code, display = _coded(joined)
    values: dict[str, Any] = {
        "tenant": access.tenant_id, "codes": sorted({each.code for each in coded if each.code}),
        "systems": sorted({each.system for each in coded}),
        "displays": sorted({each.display for each in coded if not each.code}),
        "closed": sorted(access.closed_labels),
    }  # fmt: skip
    return (
        f"SELECT t.patient_id, {', '.join(date)}, t.resource_id, {display}{{shown}} "
        f"FROM {table} t{joined} "
        f"WHERE t.tenant_id = %(tenant)s AND t.patient_id IS NOT NULL AND {valid} "
        f"AND ({code} = ANY(%(codes)s) OR {code} IS NULL AND {display} = ANY(%(displays)s)) "
        f"AND coalesce({system}, '') = ANY(%(systems)s) "
        "AND NOT EXISTS (SELECT FROM resource c WHERE c.tenant_id = "
        f"t.tenant_id AND c.type = '{kind}' AND c.id = t.resource_id AND c.labels && %(closed)s)"
        + (_MEDICATION_OPEN if joined else "")
    ), values


def _limits(
    date: str, date_from: datetime | None, date_to: datetime | None
) -> tuple[str, dict[str, Any]]:
    where, values = "", dict[str, Any]()
    if date_from is not None:
        where += f" AND {date} >= %(date_from)s"
        values["date_from"] = date_from
    if date_to is not None:
        where += f" AND {date} < %(date_to)s"
        values["date_to"] = date_to
    return where, values


def _event(
    row: tuple[Any, ...], kind: str, merged: Mapping[str, str], zone: ZoneInfo
) -> Event:  # fmt: skip
    patient, at, until, own, display, *value = row
    words = display or ""
    if value and value[0] is not None:
        words = f"{words} {value[0].normalize():f} {value[1] or ''}".strip()
    dated = at if at is not None and at > _UNDATED else None
    how = width(dated, until, zone)
    return Event(merged.get(patient, patient), dated, f"{kind}/{own}", words, width=how)


def _quote(text: str, found: bytes | None, concepts: frozenset[str], words: Sequence[str]) -> Quote:
    """Quote around the first mention that says it best, else around the first word."""
    raw = orjson.loads(found) if found else {"m": [], "s": []}
    places = [m for m in raw["m"] if m[2] in concepts]
    # A mention: start, end, concept, name, assertion, note-level status, section, cue, ambiguous.
    place = min(places, key=lambda m: (m[4] != "present", m[0]), default=None)
    if place is not None:
        return Quote(_around(text, place[0], place[1]), place[6], Assertion(place[4]))
    spelled = "|".join(re.escape(each) for each in words if each)
    match = re.search(rf"(?<!\w)(?:{spelled})", text, re.IGNORECASE) if spelled else None
    start, end = match.span() if match else (0, 0)
    section = next((s[3] for s in raw["s"] if s[0] <= start < s[2]), "")
    said = next((m[4] for m in raw["m"] if m[0] <= start < m[1]), None) if match else None
    return Quote(_around(text, start, end), section, Assertion(said) if said else None)


def _around(text: str, start: int, end: int) -> str:
    """Cut whole words around a place, on one line."""
    first, last = max(0, start - AROUND), min(len(text), end + AROUND)
    for mark in ("\n", ". "):
        before = text.rfind(mark, first, start)
        after = text.find(mark, end, last)
        first = before + len(mark) if before >= 0 else first
        last = after + 1 if after >= 0 else last
    return " ".join(text[first:last].split())
