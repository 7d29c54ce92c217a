"""Which live resources carry an identifier: asked for many at once, inside the writing
transaction."""

from __future__ import annotations

from collections.abc import Sequence

from indexing.access import Access
from indexing.backends.postgres.connect import Connection
from indexing.fhir.conditions import Criterion
from indexing.records import Found, Match

# The tenant is part of the lock's name: two tenants with one hospital number do not wait.
_GUARD = """
SELECT pg_advisory_xact_lock(hashtextextended(
    current_setting('app.tenant') || w.name, 7302)) FROM unnest(%s::text[]) AS w(name)
"""
_OPEN = """r.tenant_id = %(tenant)s AND NOT r.deleted AND r.labels <@ %(labels)s::text[]
    AND (%(patients)s::text[] IS NULL OR r.patient_id = ANY(%(patients)s::text[]))"""
# LATERAL: look-ups by key for each criterion, whatever the planner thinks of the tables. The type
# of `identifier` may be any; a criterion without a system takes every one.
_BY_IDENTIFIER = f"""
SELECT w.number, f.* FROM unnest(%(types)s::text[], %(values)s::text[], %(systems)s::text[])
    WITH ORDINALITY AS w(type, value, system, number) CROSS JOIN LATERAL (
    SELECT DISTINCT r.id, r.version, r.last_updated FROM resource_identifier i
    JOIN resource r ON {_OPEN} AND r.type = i.resource_type AND r.id = i.resource_id
    WHERE i.tenant_id = %(tenant)s AND i.value = w.value AND i.resource_type = w.type
    AND (w.system IS NULL OR i.system = w.system) LIMIT 2) f
"""
_BY_ID = f"""
SELECT w.number, f.* FROM unnest(%(types)s::text[], %(values)s::text[])
    WITH ORDINALITY AS w(type, id, number) CROSS JOIN LATERAL (
    SELECT r.id, r.version, r.last_updated FROM resource r
    WHERE {_OPEN} AND r.type = w.type AND r.id = w.id) f
"""


def search(
    conn: Connection, access: Access, wanted: Sequence[Criterion], guarded: Sequence[Criterion]
) -> Found:
    """Return the live resources that `access` opens, at most two for each of `wanted`.

    What is `guarded` is locked until the transaction ends, in one order for everybody, before the
    search looks: whoever asks the same next sees what this transaction wrote.
    """
    if guarded:
        conn.execute(_GUARD, ([repr(criterion) for criterion in sorted(guarded)],))
    found: dict[Criterion, list[Match]] = {criterion: [] for criterion in wanted}
    for query, by_id in ((_BY_IDENTIFIER, False), (_BY_ID, True)):
        asked = [criterion for criterion in wanted if criterion.by_id == by_id]
        if not asked:
            continue
        values = {
            "tenant": access.tenant_id,
            "labels": sorted(access.labels),
            "patients": None if access.patients is None else sorted(access.patients),
            "types": [criterion.resource_type for criterion in asked],
            "values": [criterion.value for criterion in asked],
            "systems": [None if c.any_system else c.system for c in asked],
        }
        for number, *match in conn.execute(query, values).fetchall():
            found[asked[number - 1]].append(Match(*match))
    return found
