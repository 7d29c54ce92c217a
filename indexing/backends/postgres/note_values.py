"""What notes carry in a field, each value once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from indexing.access import Access
from indexing.backends.postgres.connect import Connection

FIELDS: Final = ("type", "specialty", "author")

# The index holds no longer ones: a B-tree's entry has at most 2,704 bytes.
_VISIBLE = (
    "d.tenant_id = %(tenant)s AND d.live AND NOT d.labels && %(closed)s "
    "AND octet_length(d.{name}) <= 2000"
)
# From value to value in the index: DISTINCT would read every note of the tenant.
_WALK = """
WITH RECURSIVE walked(value) AS (
    (SELECT d.{name} FROM document d WHERE {visible} ORDER BY d.{name} LIMIT 1)
    UNION ALL
    SELECT n.{name} FROM walked w CROSS JOIN LATERAL (SELECT d.{name} FROM document d
        WHERE {visible} AND d.{name} > w.value ORDER BY d.{name} LIMIT 1) n
) SELECT value FROM walked
"""
_OF_PATIENTS = """
SELECT DISTINCT d.{name} FROM document d WHERE {visible} AND d.patient_id = ANY(%(patients)s)
ORDER BY d.{name}
"""
_STATEMENTS: Final = {
    name: tuple(
        each.format(name=name, visible=_VISIBLE.format(name=name)) for each in (_WALK, _OF_PATIENTS)
    )
    for name in FIELDS
}


def values(conn: Connection, access: Access, name: str) -> Sequence[str]:
    """Return what the notes that `access` opens carry in one of `FIELDS`, up to 2,000 bytes each,
    in order."""
    every, of_patients = _STATEMENTS[name]
    asked: dict[str, object] = {
        "tenant": access.tenant_id, "closed": sorted(access.closed_labels),
    }  # fmt: skip
    if access.patients is None:
        return [row[0] for row in conn.execute(every, asked).fetchall()]
    asked["patients"] = sorted(access.patients)
    return [row[0] for row in conn.execute(of_patients, asked).fetchall()]
