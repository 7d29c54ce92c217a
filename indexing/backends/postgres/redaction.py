"""The audit chain lets a patient's ids go and holds all the same.

A row that named them keeps who read, when and why; ids become the patient's mark or "erased", and
its salt goes. What it looks like then is bound by the erasure's own row, which the chain binds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from psycopg.types.json import Jsonb

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Connection

SUBTYPE: Final = "erase"
GONE: Final = "erased"
_NAMING = """
SELECT seq, patient_ids, entities, detail FROM audit_event WHERE tenant_id = %(tenant)s
    AND (patient_ids && %(people)s::text[] OR entities && %(entities)s::text[] OR EXISTS (
        SELECT FROM jsonb_each_text(detail) d WHERE d.value = ANY(%(entities)s)))
ORDER BY seq
"""
_WRITE = """
UPDATE audit_event SET patient_ids = %s, entities = %s, detail = %s, salt = '', erased_in = %s
WHERE tenant_id = %s AND seq = %s
"""
_LEFT = """
INSERT INTO audit_redaction (tenant_id, erased_in, seq, digest)
SELECT e.tenant_id, e.erased_in, e.seq, sha256(convert_to(audit_words(e), 'UTF8'))
FROM audit_event e WHERE e.tenant_id = %s AND e.erased_in = %s
RETURNING seq, digest
"""


def redact(
    conn: Connection, access: Access, marks: Mapping[str, str], entities: Sequence[str],
    told: AuditRow,
) -> int:  # fmt: skip
    """Take ids out of every row and append `told`; return how many rows were changed.

    `marks` maps each patient's id to the mark that stands in its place; `entities` are names that
    go. In the caller's transaction, which owns the table.
    """
    tenant_id = access.tenant_id
    conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('audit:' || %s, 0))", (str(tenant_id),)
    )
    values = {"tenant": tenant_id, "people": [*marks], "entities": [*entities]}
    rows = conn.execute(_NAMING, values).fetchall()
    [top] = conn.execute(
        "SELECT coalesce(max(seq), 0) + 1 FROM audit_event WHERE tenant_id = %s", (tenant_id,)
    ).fetchall()
    gone = frozenset(entities)
    with conn.cursor() as cursor:
        cursor.executemany(
            _WRITE, [(*_without(row, marks, gone), top[0], tenant_id, row[0]) for row in rows]
        )
    _rename(conn, tenant_id, marks)
    left = conn.execute(_LEFT, (tenant_id, top[0])).fetchall()
    detail = {**told.detail, "redacted": len(left)}
    if left:
        detail["left"] = _digest([(row[0], bytes(row[1])) for row in left])
    row = AuditRow(told.action, SUBTYPE, told.patient_ids, told.entities, detail)
    number = audit.record(conn, access, row)
    assert number == top[0]  # the lock is held since before it was counted
    return len(left)


def _without(
    row: Sequence[Any], marks: Mapping[str, str], gone: frozenset[str]
) -> tuple[list[str], list[str], Jsonb]:
    _, people, entities, detail = row
    kept = {key: GONE if value in gone else value for key, value in detail.items()}
    return (
        sorted({marks.get(own, own) for own in people}),
        [GONE if each in gone else each for each in entities],
        Jsonb(kept),
    )


def _rename(conn: Connection, tenant_id: object, marks: Mapping[str, str]) -> None:
    for own, mark in marks.items():
        conn.execute(
            "INSERT INTO audit_patient SELECT tenant_id, %s, seq FROM audit_patient "
            "WHERE tenant_id = %s AND patient_id = %s ON CONFLICT DO NOTHING",
            (mark, tenant_id, own),
        )
        conn.execute(
            "DELETE FROM audit_patient WHERE tenant_id = %s AND patient_id = %s", (tenant_id, own)
        )


def _digest(left: Sequence[tuple[int, bytes]]) -> str:
    told = ",".join(f"{seq}:{digest.hex()}" for seq, digest in sorted(left))
    return hashlib.sha256(told.encode()).hexdigest()
