"""Facts for the medical graph, read from the projections and the notes' annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.medical_lines import COMMON, PATIENT_LINES, LineQuery
from indexing.backends.postgres.packed import unpack
from indexing.backends.postgres.tenants import own_zone
from indexing.dated import width
from indexing.medical_facts import CommonFacts, End, Line, Made, PatientFacts, Said
from indexing.medical_graph import NodeKind, Relation, Value
from indexing.model import ChangeEvent, Kind, TenantId

# What never falls while the facts only grow newer: every transaction below it has been seen.
_NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
# Whose entry a resource's event may change: those whose record it stands or stood in.
_OF_RESOURCES = """
SELECT DISTINCT r.patient_id FROM unnest(%(types)s::text[], %(ids)s::text[]) AS w(type, id)
CROSS JOIN LATERAL (
    SELECT patient_id FROM resource
    WHERE tenant_id = %(tenant)s AND type = w.type AND id = w.id UNION ALL
    SELECT patient_id FROM resource_history
    WHERE tenant_id = %(tenant)s AND type = w.type AND id = w.id) r
WHERE r.patient_id IS NOT NULL
"""
_OF_NOTES = """
SELECT DISTINCT unnest(ARRAY[patient_id, subject_id]) FROM document
WHERE tenant_id = %(tenant)s AND doc_id = ANY(%(ids)s::text[])
"""
# A chart that was merged into another is a part of that one's entry.
_MERGED = """
SELECT w.id, surviving_patient(%(tenant)s, w.id) FROM unnest(%(ids)s::text[]) AS w(id)
"""
_PEOPLE = """
SELECT p.resource_id, coalesce(p.name, ''), r.labels FROM patient p JOIN resource r
    ON r.tenant_id = p.tenant_id AND r.type = 'Patient' AND r.id = p.resource_id
WHERE p.tenant_id = %(tenant)s AND p.resource_id = ANY(%(ids)s::text[]) AND NOT r.deleted
    AND NOT EXISTS (SELECT FROM patient_merge m
        WHERE m.tenant_id = p.tenant_id AND m.patient_id = p.resource_id)
"""
_PARTS = """
SELECT m.patient_id, surviving_patient(%(tenant)s, m.patient_id) FROM patient_merge m
WHERE m.tenant_id = %(tenant)s
    AND surviving_patient(%(tenant)s, m.patient_id) = ANY(%(ids)s::text[])
"""
_KEYS = """
SELECT 'Patient/' || p.resource_id FROM patient p JOIN resource r
    ON r.tenant_id = p.tenant_id AND r.type = 'Patient' AND r.id = p.resource_id
WHERE p.tenant_id = %(tenant)s AND NOT r.deleted AND NOT EXISTS (SELECT FROM patient_merge m
    WHERE m.tenant_id = p.tenant_id AND m.patient_id = p.resource_id)
UNION ALL SELECT type || '/' || id FROM resource WHERE tenant_id = %(tenant)s AND NOT deleted
    AND type = ANY(%(common)s::text[])
"""


class PostgresFacts:
    """The `FactSource` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def made(self, tenant_id: TenantId) -> Made | None:
        """Say with what the graph was made; None where that is not known."""
        with self._database.tenant(tenant_id) as conn:
            row = conn.execute(
                "SELECT made, upto FROM medical_made WHERE tenant_id = %s", (tenant_id,)
            ).fetchone()
        return None if row is None else Made(*row)

    def note_made(self, tenant_id: TenantId, made: Made) -> None:
        """Keep with what the graph is made."""
        with self._database.tenant(tenant_id, derived=True) as conn:
            conn.execute(
                "INSERT INTO medical_made VALUES (%s, %s, %s) ON CONFLICT (tenant_id) DO UPDATE "
                "SET made = excluded.made, upto = excluded.upto",
                (tenant_id, made.version, made.upto),
            )

    def touched(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> Mapping[str, int]:
        """Return the entries that events may have changed, {key: version now}."""
        names = [event.key.split("/", 1) for event in events if event.kind is Kind.RESOURCE]
        notes = [event.key for event in events if event.kind is Kind.LANGUAGE]
        with self._database.tenant(tenant_id, snapshot=True) as conn:
            values = {
                "tenant": tenant_id, "types": [n[0] for n in names], "ids": [n[1] for n in names],
            }  # fmt: skip
            of = {row[0] for row in conn.execute(_OF_RESOURCES, values).fetchall()}
            values = {"tenant": tenant_id, "ids": notes}
            of |= {row[0] for row in conn.execute(_OF_NOTES, values).fetchall() if row[0]}
            merged = conn.execute(_MERGED, {"tenant": tenant_id, "ids": sorted(of)}).fetchall()
            keys = {f"Patient/{each}" for row in merged for each in row if each}
            keys |= {"/".join(name) for name in names if name[0] in COMMON}
            version = _version(conn)
        return dict.fromkeys(sorted(keys), version)

    def patients(self, tenant_id: TenantId, patient_ids: Sequence[str]) -> Sequence[PatientFacts]:
        """Return the facts of those that are there; one who was merged into another is not."""
        values = {"tenant": tenant_id, "ids": list(patient_ids)}
        with self._database.tenant(tenant_id, snapshot=True) as conn:
            version = _version(conn)
            people = conn.execute(_PEOPLE, values).fetchall()
            owner = {row[0]: row[0] for row in people}
            for part, survivor in conn.execute(_PARTS, values).fetchall():
                if survivor in owner:
                    owner[part] = survivor
            zone = own_zone(conn)
            lines = _lines(conn, tenant_id, owner, zone)
            notes = _notes(conn, tenant_id, owner, zone)
        return [
            PatientFacts(
                name, shown, version, frozenset(labels), lines.get(name, ()), notes.get(name, ())
            )
            for name, shown, labels in people
        ]

    def common(self, tenant_id: TenantId, keys: Sequence[str]) -> Sequence[CommonFacts]:
        """Return the facts about nobody for those that are there."""
        found = []
        with self._database.tenant(tenant_id, snapshot=True) as conn:
            version = _version(conn)
            for kind, (query, node) in COMMON.items():
                ids = [k.split("/", 1)[1] for k in keys if k.startswith(f"{kind}/")]
                if not ids:
                    continue
                rows = conn.execute(query, {"tenant": tenant_id, "ids": ids}).fetchall()
                for name, shown, trial in rows:
                    sort = NodeKind.CLINICAL_TRIAL if trial else node
                    key = f"{kind}/{name}"
                    found.append(CommonFacts(key, version, End(sort, shown, key), ()))
        return found

    def complete_to(self) -> datetime | None:
        """Return up to when the graph has followed the records, None for never yet."""
        with self._database.transaction() as conn:
            row = conn.execute(_COMPLETE_TO).fetchone()
        return row[0] if row else None

    def keys(self, tenant_id: TenantId) -> Sequence[str]:
        """Return the key of every entry that the graph should hold."""
        values = {"tenant": tenant_id, "common": list(COMMON)}
        with self._database.tenant(tenant_id) as conn:
            return [row[0] for row in conn.execute(_KEYS, values).fetchall()]


_COMPLETE_TO = """
SELECT CASE WHEN count(complete_to) = 2 THEN min(complete_to) END FROM cursor_position
WHERE follower IN ('medical', 'medical-notes')
"""


def _version(conn: Connection) -> int:
    row = conn.execute(_NOW).fetchone()
    assert row is not None
    return int(row[0])


def _lines(
    conn: Connection, tenant_id: TenantId, owner: Mapping[str, str], zone: ZoneInfo
) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    values = {"tenant": tenant_id, "ids": list(owner)}
    for query in PATIENT_LINES:
        for row in conn.execute(query.sql, values).fetchall():
            found.setdefault(owner[row[0]], []).append(_line(query, row, zone))
    return found


def _line(query: LineQuery, row: Sequence[Any], zone: ZoneInfo) -> Line:
    """Read a row: patient, labels, the times (`medical_lines.Times`), properties, then the ends
    that are not the patient: (resource, system, code, name) each."""
    _, labels, start, until, end, last, ended, said, *rest = row
    places = [rest[at : at + 4] for at in range(0, len(rest), 4)]
    ends = [
        End(kind, name or "", resource or "", system or "", code or "")
        for kind, (resource, system, code, name) in zip(query.ends, places, strict=True)
    ]
    source = None if query.from_patient else ends.pop(0)
    target = ends.pop(0) if ends else None
    properties: dict[str, Value] = {
        name: float(value) if isinstance(value, int | float) else str(value)
        for name, value in (said or {}).items()
        if value not in (None, "")
    }
    return Line(
        source, Relation(query.relation), target, start, end, properties, frozenset(labels),
        width(start, until, zone), width(last, ended, zone),
    )  # fmt: skip


def _notes(
    conn: Connection, tenant_id: TenantId, owner: Mapping[str, str], zone: ZoneInfo
) -> dict[str, list[Said]]:
    rows = conn.execute(
        "SELECT d.patient_id, d.date_start, coalesce(d.date_until, d.date_end), d.labels, "
        "a.found FROM document d "
        "JOIN annotation a "
        "ON a.tenant_id = d.tenant_id AND a.doc_id = d.doc_id AND a.version = d.version "
        "WHERE d.tenant_id = %s AND d.patient_id = ANY(%s) AND d.live",
        (tenant_id, list(owner)),
    ).fetchall()
    notes: dict[str, list[Said]] = {}
    for patient_id, at, until, labels, packed in rows:
        notes.setdefault(owner[patient_id], []).append(
            Said(at, width(at, until, zone), frozenset(labels), unpack("", packed).mentions)
        )
    return notes
