"""The documents cut from resources: their rows, who supersedes whom, whose chart they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from indexing.backends.postgres.connect import Connection
from indexing.fhir.documents import DocumentText
from indexing.model import TenantId
from indexing.records import Incoming, Stored

Event = tuple[str, int, bool]  # doc_id, version, deleted

_UPSERT = """
INSERT INTO document AS d (tenant_id, doc_id, version, resource_type, resource_id, patient_id,
    subject_id, encounter_id, title, type, specialty, author, date_start, date_end, date_until,
    labels, replaced, live, text)
SELECT %(tenant)s, %(doc_id)s, 1, %(resource_type)s, %(resource_id)s,
    surviving_patient(%(tenant)s, %(patient_id)s), %(patient_id)s, %(encounter_id)s, %(title)s,
    %(type)s, %(specialty)s, %(author)s, %(date_start)s, %(date_end)s, %(date_until)s,
    %(labels)s, r.replaced, NOT r.replaced AND NOT %(gone)s, %(text)s
FROM (SELECT EXISTS (SELECT 1 FROM document_replacement
        WHERE tenant_id = %(tenant)s AND replaced_id = %(doc_id)s) AS replaced) r
ON CONFLICT (tenant_id, doc_id) DO UPDATE SET version = d.version + 1,
    resource_type = excluded.resource_type, resource_id = excluded.resource_id,
    patient_id = excluded.patient_id, subject_id = excluded.subject_id,
    encounter_id = excluded.encounter_id, title = excluded.title, type = excluded.type,
    specialty = excluded.specialty, author = excluded.author, date_start = excluded.date_start,
    date_end = excluded.date_end, date_until = excluded.date_until, labels = excluded.labels,
    replaced = excluded.replaced, live = excluded.live, text = excluded.text,
    stored_at = clock_timestamp()
RETURNING doc_id, version, NOT live
"""


def write(
    conn: Connection, tenant_id: TenantId, changed: Sequence[tuple[Incoming, Stored]]
) -> list[Event]:
    """Bring the documents in line with changed resources; return what changed, to be announced."""
    events: dict[str, Event] = {}
    for item, _ in changed:
        if item.resource_type == "Patient":
            _note(events, _merge(conn, tenant_id, item))
    for item, stored in changed:
        if stored.version > 1:
            named = {text.doc_id for text in item.texts}
            _note(events, _withdraw(conn, tenant_id, item, named))
        for text in item.texts:
            _note(events, _write_one(conn, tenant_id, text))
    return list(events.values())


def _note(events: dict[str, Event], more: Iterable[Event]) -> None:
    for event in more:
        events[event[0]] = event


def _write_one(conn: Connection, tenant_id: TenantId, text: DocumentText) -> list[Event]:
    row = conn.execute(
        _UPSERT,
        {
            "tenant": tenant_id, "doc_id": text.doc_id, "resource_type": text.resource_type,
            "resource_id": text.resource_id, "patient_id": text.patient_id,
            "encounter_id": text.encounter_id, "title": text.title, "type": text.type,
            "specialty": text.specialty, "author": text.author, "date_start": text.date_start,
            "date_end": text.date_end, "date_until": text.date_until,
            "labels": sorted(text.labels), "gone": text.gone,
            "text": "" if text.gone else text.text,
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    events: list[Event] = [(row[0], row[1], row[2])]
    return events + _supersede(conn, tenant_id, text.doc_id, () if text.gone else text.replaces)


def _supersede(
    conn: Connection, tenant_id: TenantId, doc_id: str, replaces: Sequence[str]
) -> list[Event]:
    """Record what `doc_id` supersedes now; what it no longer supersedes comes back."""
    wanted = [other for other in replaces if other != doc_id]
    released = conn.execute(
        "DELETE FROM document_replacement WHERE tenant_id = %s AND replacer_id = %s "
        "AND NOT replaced_id = ANY(%s) RETURNING replaced_id",
        (tenant_id, doc_id, wanted),
    ).fetchall()
    for other in wanted:
        conn.execute(
            "INSERT INTO document_replacement VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (tenant_id, other, doc_id),
        )
    touched = sorted({row[0] for row in released} | set(wanted))
    if not touched:
        return []
    rows = conn.execute(
        "WITH now AS (SELECT d.doc_id, EXISTS (SELECT 1 FROM document_replacement x "
        "WHERE x.tenant_id = d.tenant_id AND x.replaced_id = d.doc_id) AS replaced "
        "FROM document d WHERE d.tenant_id = %s AND d.doc_id = ANY(%s)) "
        "UPDATE document d SET version = version + 1, replaced = now.replaced, "
        "live = NOT now.replaced AND d.text <> '', stored_at = clock_timestamp() FROM now "
        "WHERE d.tenant_id = %s AND d.doc_id = now.doc_id AND d.replaced <> now.replaced "
        "RETURNING d.doc_id, d.version, NOT d.live",
        (tenant_id, touched, tenant_id),
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


def _withdraw(
    conn: Connection, tenant_id: TenantId, item: Incoming, named: set[str]
) -> list[Event]:
    """Empty the documents that the resource had and no longer has."""
    rows = conn.execute(
        "UPDATE document SET live = false, text = '', version = version + 1, "
        "stored_at = clock_timestamp() WHERE tenant_id = %s AND resource_type = %s "
        "AND resource_id = %s AND NOT doc_id = ANY(%s) AND (live OR text <> '') "
        "RETURNING doc_id, version, true",
        (tenant_id, item.resource_type, item.resource_id, sorted(named)),
    ).fetchall()
    events: list[Event] = [(row[0], row[1], row[2]) for row in rows]
    for doc_id, _, _ in list(events):
        events += _supersede(conn, tenant_id, doc_id, ())
    return events


def _merge(conn: Connection, tenant_id: TenantId, item: Incoming) -> list[Event]:
    """Move merged patients' documents to the surviving chart, or back when the link is gone."""
    said: set[tuple[str, str]] = set()
    if not item.deleted:
        said = {(other, item.resource_id) for other in item.replaced_patients}
        if item.merged_into:
            said.add((item.resource_id, item.merged_into))
    rows = conn.execute(
        "DELETE FROM patient_merge WHERE tenant_id = %s AND said_by = %s "
        "RETURNING patient_id, into_id",
        (tenant_id, item.resource_id),
    ).fetchall()
    before = {(row[0], row[1]) for row in rows}
    for gone, survivor in said:
        conn.execute(
            "INSERT INTO patient_merge VALUES (%s, %s, %s, %s)",
            (tenant_id, gone, survivor, item.resource_id),
        )
    moved = sorted({gone for gone, _ in before ^ said})
    return _move(conn, tenant_id, moved) if moved else []


def _move(conn: Connection, tenant_id: TenantId, patients: Sequence[str]) -> list[Event]:
    """Put the documents of these patients, and of whoever was merged into them, where they belong
    now."""
    rows = conn.execute(
        'WITH RECURSIVE subject(id) AS (SELECT unnest(%s::text[]) COLLATE "C" UNION '
        "SELECT m.patient_id FROM patient_merge m JOIN subject s ON m.into_id = s.id "
        "WHERE m.tenant_id = %s), target AS "
        "(SELECT id, surviving_patient(%s, id) AS chart FROM subject) "
        "UPDATE document d SET patient_id = t.chart, version = d.version + 1, "
        "stored_at = clock_timestamp() FROM target t WHERE d.tenant_id = %s "
        "AND d.subject_id = t.id AND d.patient_id <> t.chart "
        "RETURNING d.doc_id, d.version, NOT d.live",
        (list(patients), tenant_id, tenant_id, tenant_id),
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]
