"""A patient's chart from the projection tables, read with its audit row in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.documents import visible
from indexing.backends.postgres.series import read_series
from indexing.backends.postgres.vague import ABATEMENT_UNTIL, ONSET, ONSET_UNTIL
from indexing.charts import Chart, Item, Note, Person
from indexing.errors import NotFound
from indexing.ports import Derived

# Coming back within this time is the same visit: "new since" must not vanish on a reload.
VISIT = timedelta(minutes=30)
MOST_NOTES = 500
MOST_ITEMS = 200

_NEVER = "NULL::timestamptz"
# Of a Period both ends; a lone date is [date_start, date_end) without more.
_LASTS = (
    "coalesce(t.date_last, t.date_end)", "t.date_until",
    "CASE WHEN t.date_last IS NOT NULL THEN t.date_end END",
)  # fmt: skip
# What each list of the chart reads: table, resource type, text, status, detail, start, end, until,
# ended.
# A retraction projects to nothing, so that no query here needs to know of it.
_LISTS: Mapping[str, tuple[str, ...]] = {
    "problems": (
        "condition", "Condition", "coalesce(t.display, t.code)",
        "concat_ws(' · ', t.clinical_status, nullif(t.verification_status, 'confirmed'))",
        "concat_ws(' · ', t.severity, t.body_site)",
        ONSET, "t.abatement_start", ONSET_UNTIL,
        ABATEMENT_UNTIL,
    ),
    "medications": (
        "medication_request", "MedicationRequest",
        "coalesce(t.display, t.code, m.display, m.code)", "t.status", "t.dosage",
        "t.authored_start", _NEVER, "t.authored_end", _NEVER,
    ),
    "statements": (
        "medication_statement", "MedicationStatement",
        "coalesce(t.display, t.code, m.display, m.code)", "t.status", "t.dosage",
        "t.date_start", *_LASTS,
    ),
    "allergies": (
        "allergy_intolerance", "AllergyIntolerance", "coalesce(t.display, t.code)",
        "concat_ws(' · ', t.clinical_status, nullif(t.verification_status, 'confirmed'))",
        "concat_ws(' · ', t.reaction, nullif(t.criticality, 'unable-to-assess'))",
        ONSET, _NEVER, ONSET_UNTIL, _NEVER,
    ),
    "encounters": (
        "encounter", "Encounter", "coalesce(t.display, t.code, t.class_code)", "t.status",
        "t.reason_display", "t.date_start", *_LASTS,
    ),
    "procedures": (
        "procedure", "Procedure", "coalesce(t.display, t.code)", "t.status",
        "coalesce(t.reason_display, t.body_site)",
        "t.date_start", *_LASTS,
    ),
}  # fmt: skip
# What is open stands first.
_OPEN = {
    "problems": "(t.clinical_status IN ('active', 'recurrence', 'relapse')) IS TRUE",
    "medications": "(t.status IN ('active', 'on-hold')) IS TRUE",
    "statements": "(t.status IN ('active', 'intended', 'on-hold')) IS TRUE",
}
# A restricted Medication names nothing to who is not cleared for it.
_MEDICATION = (
    "LEFT JOIN medication m ON m.tenant_id = t.tenant_id AND m.resource_id = t.medication_id "
    "AND NOT EXISTS (SELECT FROM resource c WHERE c.tenant_id = m.tenant_id "
    "AND c.type = 'Medication' AND c.id = m.resource_id AND c.labels && %s) "
)
# A patient is known by the resource, or by a note of theirs.
_STANDING = """
SELECT s.id FROM (SELECT surviving_patient(%(tenant)s, %(patient)s) AS id) s WHERE EXISTS (
    SELECT FROM patient p JOIN resource r ON r.tenant_id = p.tenant_id AND r.type = 'Patient'
    AND r.id = p.resource_id WHERE p.tenant_id = %(tenant)s AND p.resource_id = s.id
    AND NOT r.labels && %(closed)s) OR EXISTS (
    SELECT FROM document d WHERE d.tenant_id = %(tenant)s AND d.patient_id = s.id AND d.live
    AND NOT d.labels && %(closed)s)
"""


class PostgresCharts:
    """Reads by access; each read is recorded or does not happen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, access: Access, doc_id: str) -> Derived:
        """Return one note with what was derived from it.

        Raises:
            NotFound: there is none that `access` opens.
        """
        with self._database.tenant(access.tenant_id) as conn:
            found = visible(conn, access, [doc_id]).get(doc_id)
            if found is None:
                raise NotFound("no such note, or it is not open to you")
            patient = found.document.patient_id
            row = AuditRow("R", "note", [patient] if patient else [], [f"Document/{doc_id}"])
            audit.record(conn, access, row)
        return found

    def people(
        self, access: Access, patient_ids: Sequence[str], recorded: Collection[str] = ()
    ) -> Mapping[str, Person]:
        """Return who these patients are; the row names those that no row of the page's did yet."""
        if not patient_ids:
            return {}
        with self._database.tenant(access.tenant_id) as conn:
            found = people(conn, access, patient_ids)
            if more := sorted(set(found).difference(recorded)):
                row = AuditRow("R", "patient-name", more, [f"Patient/{each}" for each in more])
                audit.record(conn, access, row)
        return found

    def survivor(self, access: Access, patient_id: str) -> str:
        """Return the patient that this one was merged into, itself when it was not."""
        if access.patients is not None and patient_id not in access.patients:
            return patient_id
        with self._database.tenant(access.tenant_id) as conn:
            row = conn.execute(
                "SELECT surviving_patient(%s, %s)", (access.tenant_id, patient_id)
            ).fetchone()
        return patient_id if row is None else str(row[0])

    def standing(self, access: Access, patient_id: str) -> str:
        """Return the patient in whose chart this one stands, merges followed.

        Raises:
            NotFound: no such patient that `access` opens.
        """
        if access.patients is None or patient_id in access.patients:
            with self._database.tenant(access.tenant_id) as conn:
                row = conn.execute(_STANDING, {
                    "tenant": access.tenant_id, "patient": patient_id,
                    "closed": sorted(access.closed_labels),
                }).fetchone()  # fmt: skip
            if row is not None and _opens(access, row[0]):
                return str(row[0])
        raise NotFound("no such patient, or the chart is not open to you")

    def chart(self, access: Access, patient_id: str, *, visit: bool) -> Chart:
        """Return a chart; `visit` notes that this reader was here.

        Raises:
            NotFound: no such patient that `access` opens.
        """
        if access.patients is not None and patient_id not in access.patients:
            raise NotFound("no such patient, or the chart is not open to you")
        with self._database.tenant(access.tenant_id) as conn:
            ids = [patient_id, *_merged(conn, access, patient_id)]
            since = _last_visit(conn, access, patient_id)
            notes, note_total = _notes(conn, access, ids, since)
            known = people(conn, access, [patient_id])
            if patient_id not in known and not notes:
                raise NotFound("no such patient, or the chart is not open to you")
            person = known.get(patient_id) or Person(patient_id, "")
            lists, totals = _lists(conn, access, ids, since)
            series = read_series(conn, access, ids, since)
            if visit:
                _visit(conn, access, patient_id)
            row = AuditRow("R", "patient", [patient_id], [f"Patient/{patient_id}"])
            audit.record(conn, access, row)
        medications = [*lists["medications"], *lists["statements"]]
        return Chart(
            person, lists["problems"], medications, lists["allergies"], lists["encounters"],
            lists["procedures"], notes, series, since, totals | {"notes": note_total},
            tuple(ids[1:]),
        )  # fmt: skip


def people(conn: Connection, access: Access, patient_ids: Sequence[str]) -> Mapping[str, Person]:
    """Return who these patients are; unknown ones are absent."""
    rows = conn.execute(
        "SELECT resource_id, coalesce(name, ''), coalesce(sex, ''), birth_start, birth_end, "
        "coalesce(deceased, false), deceased_start, concat_ws(', ', city, state), deceased_end "
        "FROM patient p "
        "JOIN resource r ON r.tenant_id = p.tenant_id AND r.type = 'Patient' "
        "AND r.id = p.resource_id WHERE p.tenant_id = %s AND p.resource_id = ANY(%s) "
        "AND NOT r.labels && %s",
        (access.tenant_id, list(patient_ids), sorted(access.closed_labels)),
    ).fetchall()
    marks: dict[str, list[str]] = {}
    for patient_id, value in conn.execute(
        "SELECT resource_id, value FROM resource_identifier WHERE tenant_id = %s "
        "AND resource_type = 'Patient' AND resource_id = ANY(%s) ORDER BY resource_id, value",
        (access.tenant_id, list(patient_ids)),
    ).fetchall():
        marks.setdefault(patient_id, []).append(value)
    return {r[0]: _person(r, marks.get(r[0], [])) for r in rows if _opens(access, r[0])}


def _person(row: tuple[Any, ...], identifiers: list[str]) -> Person:
    return Person(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], tuple(identifiers), row[8]
    )  # fmt: skip


def _opens(access: Access, patient_id: str) -> bool:
    return access.patients is None or patient_id in access.patients


def _merged(conn: Connection, access: Access, patient_id: str) -> list[str]:
    rows = conn.execute(
        'WITH RECURSIVE merged(id) AS (SELECT %s::text COLLATE "C" UNION '
        "SELECT m.patient_id FROM patient_merge m JOIN merged ON m.into_id = merged.id "
        "WHERE m.tenant_id = %s) SELECT id FROM merged WHERE id <> %s ORDER BY id",
        (patient_id, access.tenant_id, patient_id),
    ).fetchall()
    return [r[0] for r in rows]


def _last_visit(conn: Connection, access: Access, patient_id: str) -> datetime | None:
    row = conn.execute(
        "SELECT last_at, before FROM chart_visit "
        "WHERE tenant_id = %s AND user_id = %s AND patient_id = %s",
        (access.tenant_id, access.user_id, patient_id),
    ).fetchone()
    if row is None:
        return None
    last_at: datetime = row[0]
    before: datetime | None = row[1]
    return before if datetime.now(UTC) - last_at < VISIT else last_at


def _visit(conn: Connection, access: Access, patient_id: str) -> None:
    conn.execute(
        "INSERT INTO chart_visit AS v (tenant_id, user_id, patient_id, last_at) "
        "VALUES (%s, %s, %s, clock_timestamp()) "
        "ON CONFLICT (tenant_id, user_id, patient_id) DO UPDATE SET "
        "before = CASE WHEN clock_timestamp() - v.last_at < %s THEN v.before ELSE v.last_at END, "
        "last_at = clock_timestamp()",
        (access.tenant_id, access.user_id, patient_id, VISIT),
    )


def _notes(
    conn: Connection, access: Access, ids: list[str], since: datetime | None
) -> tuple[list[Note], int]:
    rows = conn.execute(
        "SELECT doc_id, title, type, specialty, author, date_start, "
        "coalesce(date_until, date_end), encounter_id, "
        "coalesce(stored_at > %s, false), count(*) OVER () FROM document WHERE tenant_id = %s "
        "AND patient_id = ANY(%s) AND live AND NOT labels && %s "
        "ORDER BY date_start DESC NULLS LAST, doc_id LIMIT %s",
        (since, access.tenant_id, ids, sorted(access.closed_labels), MOST_NOTES),
    ).fetchall()
    return [Note(*r[:-1]) for r in rows], rows[0][-1] if rows else 0


def _lists(
    conn: Connection, access: Access, ids: list[str], since: datetime | None
) -> tuple[dict[str, list[Item]], dict[str, int]]:
    found: dict[str, list[Item]] = {}
    totals: dict[str, int] = {}
    closed = sorted(access.closed_labels)
    for name, (table, kind, words, status, detail, start, end, until, ended) in _LISTS.items():
        named = name in ("medications", "statements")
        joined, hidden = (_MEDICATION, [closed]) if named else ("", [])
        is_open = _OPEN.get(name, "false")
        rows = conn.execute(
            f"SELECT t.resource_id, coalesce({words}, ''), coalesce({status}, ''), "
            f"coalesce({detail}, ''), {start}, {end}, coalesce(r.last_updated > %s, false), "
            f"{until}, {ended}, {is_open} AS is_open, count(*) OVER () FROM {table} t {joined}"
            "JOIN resource r ON r.tenant_id = t.tenant_id AND r.type = %s AND r.id = t.resource_id "
            "WHERE t.tenant_id = %s AND t.patient_id = ANY(%s) AND NOT r.labels && %s "
            f"ORDER BY is_open DESC, {start} DESC NULLS LAST, t.resource_id LIMIT %s",
            (since, *hidden, kind, access.tenant_id, ids, closed, MOST_ITEMS),
        ).fetchall()
        found[name] = [_item(kind, row) for row in rows]
        totals[name] = rows[0][-1] if rows else 0
    return found, totals


def _item(kind: str, row: tuple[Any, ...]) -> Item:
    return Item(kind, *row[:-1])
