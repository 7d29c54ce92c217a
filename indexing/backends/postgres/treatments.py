"""What was given and what came of it, read from the projections with the audit row beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.came_about import DONE
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.packed import unpack
from indexing.treatments import Coded, Given, Note, TreatmentFacts

# Charts that were merged into another are a part of that one's.
_PARTS = """
WITH RECURSIVE own(id, chart) AS (
    SELECT p COLLATE "C", p FROM unnest(%(ids)s::text[]) p
    UNION SELECT m.patient_id, own.chart FROM patient_merge m JOIN own ON m.into_id = own.id
    WHERE m.tenant_id = %(tenant)s)
SELECT id, chart FROM own
"""
# A resource of type {type} behind the projection row `t` that is open to who asks.
_OPEN = (
    "JOIN resource r ON r.tenant_id = t.tenant_id AND r.type = '{type}' AND r.id = t.resource_id "
    "AND NOT r.labels && %(closed)s WHERE t.tenant_id = %(tenant)s "
    "AND t.patient_id = ANY(%(ids)s::text[])"
)
# A restricted Medication names nothing to who is not cleared for it.
_DRUG = (
    "SELECT t.patient_id, '{type}/' || t.resource_id, coalesce(t.system, m.system, ''), "
    "coalesce(t.code, m.code, ''), coalesce(t.display, t.code, m.display, m.code), "
    "coalesce(t.status, ''), coalesce(t.dosage, ''), {at} FROM {table} t "
    "LEFT JOIN medication m ON m.tenant_id = t.tenant_id AND m.resource_id = t.medication_id "
    "AND NOT EXISTS (SELECT FROM resource c WHERE c.tenant_id = m.tenant_id "
    "AND c.type = 'Medication' AND c.id = m.resource_id AND c.labels && %(closed)s) "
    + _OPEN
    + " AND coalesce(t.display, t.code, m.display, m.code) IS NOT NULL AND {where}"
)
_KINDS = (
    ("MedicationRequest", "medication_request", "t.authored_start",
     "('cancelled', 'entered-in-error', 'draft', 'unknown')", "('active', 'on-hold')"),
    ("MedicationStatement", "medication_statement", "t.date_start",
     "('not-taken', 'entered-in-error', 'unknown')", "('active', 'intended', 'on-hold')"),
)  # fmt: skip
_GIVEN = " UNION ALL ".join(
    _DRUG.format(type=kind, table=table, at=at, where=f"coalesce(t.status, '') NOT IN {never}")
    for kind, table, at, never, _ in _KINDS
)
_TAKEN = " UNION ALL ".join(
    _DRUG.format(type=kind, table=table, at=at, where=f"t.status IN {current}")
    for kind, table, at, _, current in _KINDS
)
# What an Observation says of the prescription that it is about.
_OUTCOMES = """
SELECT DISTINCT ON (f.target_type, f.target_id) f.target_type || '/' || f.target_id,
    coalesce(o.value_text, o.value_code), coalesce(o.value_code, ''),
    'Observation/' || o.resource_id
FROM search_reference f JOIN observation o ON o.tenant_id = f.tenant_id
    AND o.resource_id = f.resource_id JOIN resource r ON r.tenant_id = o.tenant_id
    AND r.type = 'Observation' AND r.id = o.resource_id AND NOT r.labels && %(closed)s
WHERE f.tenant_id = %(tenant)s AND f.resource_type = 'Observation' AND f.name = 'focus'
    AND f.target_id = ANY(%(about)s::text[])
    AND f.target_type IN ('MedicationRequest', 'MedicationStatement')
    AND o.patient_id = ANY(%(ids)s::text[])
    AND coalesce(o.status, '') NOT IN ('cancelled', 'entered-in-error')
    AND coalesce(o.value_text, o.value_code) IS NOT NULL
ORDER BY f.target_type, f.target_id, o.observed_at DESC, o.resource_id
"""
_PROCEDURES = (
    "SELECT t.patient_id, 'Procedure/' || t.resource_id, coalesce(t.system, ''), "
    "coalesce(t.code, ''), coalesce(t.display, t.code), coalesce(t.status, ''), t.outcome, "
    "t.date_start FROM procedure t "
    + _OPEN.format(type="Procedure")
    + " AND t.outcome IS NOT NULL AND coalesce(t.display, t.code) IS NOT NULL "
    f"AND {DONE}"
)
_ONSETS = (
    "SELECT t.patient_id, coalesce(t.system, ''), coalesce(t.code, ''), "
    "coalesce(t.display, t.code, ''), min(coalesce(t.onset_start, t.recorded_start)) "
    "FROM condition t "
    + _OPEN.format(type="Condition")
    + " AND coalesce(t.verification_status, '') NOT IN ('refuted', 'entered-in-error') "
    "GROUP BY 1, 2, 3, 4"
)
_ALLERGIES = (
    "SELECT 'AllergyIntolerance/' || t.resource_id, coalesce(t.system, ''), coalesce(t.code, ''), "
    "coalesce(t.display, t.code, ''), concat_ws(' · ', t.clinical_status, t.category), "
    "concat_ws(', ', CASE WHEN t.criticality = 'high' THEN 'high criticality' END, t.reaction) "
    "FROM allergy_intolerance t "
    + _OPEN.format(type="AllergyIntolerance")
    + " AND coalesce(t.verification_status, '') NOT IN ('refuted', 'entered-in-error') ORDER BY 1"
)
_PROBLEMS = (
    "SELECT 'Condition/' || t.resource_id, coalesce(t.system, ''), coalesce(t.code, ''), "
    "coalesce(t.display, t.code, ''), coalesce(t.clinical_status, ''), '' FROM condition t "
    + _OPEN.format(type="Condition")
    + " AND coalesce(t.verification_status, '') NOT IN ('refuted', 'entered-in-error') ORDER BY 1"
)
# The patient's own record first. Of others' no more than a code is asked for, as whoever is open
# words it; words would tell that somebody has what they name.
_WORDED = """
SELECT coalesce(t.system, ''), t.code, coalesce(t.display, '') FROM condition t JOIN resource r
    ON r.tenant_id = t.tenant_id AND r.type = 'Condition' AND r.id = t.resource_id
WHERE t.tenant_id = %(tenant)s AND NOT r.labels && %(closed)s
    AND (t.code = %(code)s OR t.patient_id = %(patient)s AND lower(t.display) = lower(%(words)s))
    AND (%(patients)s::text[] IS NULL OR t.patient_id = ANY(%(patients)s::text[]))
    AND NOT EXISTS (SELECT FROM resource p WHERE p.tenant_id = t.tenant_id AND p.type = 'Patient'
        AND p.id = t.patient_id AND (p.deleted OR p.labels && %(closed)s))
ORDER BY (t.patient_id = %(patient)s) IS TRUE DESC, t.resource_id LIMIT 1
"""
_NOTES = """
SELECT d.doc_id, d.date_start, d.text, a.language_version, a.found FROM document d
JOIN annotation a ON a.tenant_id = d.tenant_id AND a.doc_id = d.doc_id AND a.version = d.version
WHERE d.tenant_id = %(tenant)s AND d.patient_id = ANY(%(ids)s::text[]) AND d.live
    AND NOT d.labels && %(closed)s ORDER BY d.date_start DESC NULLS LAST, d.doc_id LIMIT 500
"""
_AFTER = """
SELECT w.place, n.doc_id FROM unnest(%(people)s::text[], %(at)s::timestamptz[])
    WITH ORDINALITY AS w(patient_id, at, place)
CROSS JOIN LATERAL (SELECT d.doc_id FROM document d WHERE d.tenant_id = %(tenant)s
    AND d.patient_id = w.patient_id AND d.live AND d.date_start >= w.at
    AND NOT d.labels && %(closed)s ORDER BY d.date_start, d.doc_id LIMIT 1) n
"""


class PostgresTreatments:
    """The `TreatmentRecords` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def facts(self, access: Access, patient_id: str, others: Sequence[str]) -> TreatmentFacts:
        """Return the facts with their audit row, which names the patient and the others."""
        base = {"tenant": access.tenant_id, "closed": sorted(access.closed_labels)}
        with self._database.tenant(access.tenant_id) as conn:
            mine = _charts(conn, base, [patient_id])
            theirs = _charts(conn, base, others)
            given = _given(conn, base, theirs)
            onsets = _onsets(conn, base, theirs)
            own = {**base, "ids": list(mine)}
            found = TreatmentFacts(
                given, onsets, _coded(conn, _ALLERGIES, own),
                [_drug(row) for row in conn.execute(_TAKEN, own).fetchall()],
                _coded(conn, _PROBLEMS, own), _notes(conn, own),
            )  # fmt: skip
            named = sorted({patient_id, *others})
            detail = {"patients": len(others), "given": len(given)}
            row = AuditRow("R", "treatments", named, [f"Patient/{patient_id}"], detail)
            audit.record(conn, access, row)
        return found

    def worded(self, access: Access, patient_id: str, condition: str) -> Coded | None:
        """Return how the records that `access` opens word a condition: by its code, or as the
        patient's own have it."""
        opened = access.patients
        values = {
            "tenant": access.tenant_id, "closed": sorted(access.closed_labels),
            "code": condition.rpartition(":")[2], "words": condition, "patient": patient_id,
            "patients": None if opened is None else sorted(opened),
        }  # fmt: skip
        with self._database.tenant(access.tenant_id) as conn:
            row = conn.execute(_WORDED, values).fetchone()
        return None if row is None else Coded("", *row)


def _charts(conn: Connection, base: Mapping[str, Any], ids: Sequence[str]) -> dict[str, str]:
    """Return whose chart each id's records belong to: these patients', merged ones' too."""
    return dict(conn.execute(_PARTS, {**base, "ids": list(ids)}).fetchall())


def _drug(row: Sequence[Any]) -> Coded:
    return Coded(row[1], row[2], row[3], row[4], row[5], row[6])


def _coded(conn: Connection, statement: str, values: Mapping[str, Any]) -> list[Coded]:
    return [Coded(*row) for row in conn.execute(statement, values).fetchall()]


def _given(conn: Connection, base: Mapping[str, Any], charts: Mapping[str, str]) -> list[Given]:
    values = {**base, "ids": list(charts)}
    drugs = conn.execute(_GIVEN, values).fetchall()
    about = [row[1].partition("/")[2] for row in drugs]
    said = {
        target: (words, code, by)
        for target, words, code, by in conn.execute(_OUTCOMES, {**values, "about": about})
    }
    found = [
        Given(charts[row[0]], _drug(row), row[7], *said.get(row[1], ("", "", ""))) for row in drugs
    ]
    found += [
        Given(charts[row[0]], _drug(row), row[7], row[6], "", row[1])
        for row in conn.execute(_PROCEDURES, values).fetchall()
    ]
    return _with_notes(conn, base, found)


def _with_notes(conn: Connection, base: Mapping[str, Any], given: Sequence[Given]) -> list[Given]:
    """Name the first note after each of which something is recorded."""
    told = [place for place, each in enumerate(given) if each.said_by and each.at is not None]
    values = {
        **base,
        "people": [given[n].patient_id for n in told],
        "at": [given[n].at for n in told],
    }
    notes = {told[place - 1]: doc for place, doc in conn.execute(_AFTER, values).fetchall()}
    return [
        Given(e.patient_id, e.what, e.at, e.outcome, e.outcome_code, e.said_by, notes.get(n, ""))
        for n, e in enumerate(given)
    ]


def _onsets(
    conn: Connection, base: Mapping[str, Any], charts: Mapping[str, str]
) -> dict[str, list[tuple[Coded, datetime]]]:
    found: dict[str, list[tuple[Coded, datetime]]] = {}
    for patient, system, code, name, at in conn.execute(_ONSETS, {**base, "ids": list(charts)}):
        if at is not None:
            found.setdefault(charts[patient], []).append((Coded("", system, code, name), at))
    return found


def _notes(conn: Connection, values: Mapping[str, Any]) -> list[Note]:
    return [
        Note(doc_id, at, text, unpack(version, found))
        for doc_id, at, text, version, found in conn.execute(_NOTES, values).fetchall()
    ]
