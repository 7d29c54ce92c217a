"""Write what resources are searched by; also for those that were stored before it was kept, with
what the medical graph reads of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import zstandard

from indexing.backends.postgres.bulk import insert_lines
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.projected import write_projected
from indexing.fhir.bundle import relink
from indexing.fhir.note_dates import BY_PERIOD, note_date
from indexing.fhir.projections import Row, project
from indexing.fhir.projections.rows import vague
from indexing.fhir.reading import parse
from indexing.fhir.search.values import SEARCH_COLUMNS, SearchLine, search_lines
from indexing.fhir.splice import served
from indexing.model import Tenant, TenantId

_BATCH = 500
# Types whose projections keep more than they once did.
_WIDENED = (
    "AllergyIntolerance", "CarePlan", "Condition", "Encounter", "MedicationRequest",
    "MedicationStatement", "Procedure", "RiskAssessment",
)  # fmt: skip
_unpack = zstandard.ZstdDecompressor().decompress
# Locked as ingest locks them: who writes one of them meanwhile waits for this batch.
_NEXT = """
SELECT type, id, version, last_updated, received, links FROM resource
WHERE tenant_id = %s AND NOT deleted AND (type, id) > (%s, %s)
ORDER BY type, id LIMIT %s FOR UPDATE
"""
# Not projected anew: what was judged of the numbers stands beside them.
_OBSERVED = "UPDATE observation SET observed_end = %s WHERE tenant_id = %s AND resource_id = %s"
# What a note's text, version and search are stays: only how vaguely its date is told is more.
_NOTED = """
UPDATE document SET date_end = coalesce(date_end, %s), date_until = %s WHERE tenant_id = %s
AND resource_type = %s AND resource_id = %s AND date_start IS NOT NULL
"""

# Of these a date that is filled has an end too.
_VAGUE = (
    ("condition", "recorded_start", "recorded_end"),
    ("allergy_intolerance", "recorded_start", "recorded_end"),
    ("encounter", "date_start", "date_until"), ("care_plan", "date_start", "date_until"),
)  # fmt: skip


def unfilled(database: Database, tenant_id: TenantId) -> bool:
    """Say whether projections were made before they kept more, so that they are to be filled."""
    lacking = " OR ".join(
        f"EXISTS (SELECT FROM {table} WHERE tenant_id = %(tenant)s AND {start} < '2200-01-01' "
        f"AND {until} IS NULL)"
        for table, start, until in _VAGUE
    )
    noted = (
        "EXISTS (SELECT FROM document WHERE tenant_id = %(tenant)s AND text <> '' "
        "AND date_start < '2200-01-01' AND date_end IS NULL)"
    )
    with database.tenant(tenant_id) as conn:
        row = conn.execute(f"SELECT {lacking} OR {noted}", {"tenant": tenant_id}).fetchone()
    return bool(row and row[0])


def fill_search(database: Database, tenant: Tenant) -> int:
    """Make every search value of a tenant anew, a batch at a time, with the projections that keep
    more now, then open its search; return how many resources were read. Graphs are made anew
    apart."""
    done, after = 0, ("", "")
    zone = ZoneInfo(tenant.time_zone)
    while True:
        with database.tenant(tenant.tenant_id) as conn:
            rows = conn.execute(_NEXT, (tenant.tenant_id, *after, _BATCH)).fetchall()
            if not rows:
                conn.execute(
                    "DELETE FROM search_unfilled WHERE tenant_id = %s", (tenant.tenant_id,)
                )
                return done
            _write(conn, tenant.tenant_id, rows, zone)
        done, after = done + len(rows), (rows[-1][0], rows[-1][1])


def _write(
    conn: Connection, tenant_id: TenantId, rows: Sequence[tuple[Any, ...]], zone: ZoneInfo
) -> None:
    stale: dict[str, list[str]] = {}
    lines: list[SearchLine] = []
    projected: list[Row] = []
    for kind, name, version, updated, packed, links in rows:
        stale.setdefault(kind, []).append(name)
        resource = parse(served(_unpack(packed), name, version, updated, links))
        relink(resource, links)
        lines += search_lines(resource, zone)
        if kind in _WIDENED:
            projected += project(resource, zone)
        if kind == "Observation" and (until := vague(resource.get("effectivePeriod"), zone)[0]):
            conn.execute(_OBSERVED, (until, tenant_id, name))
        if kind in BY_PERIOD:
            when = note_date(resource, zone)
            conn.execute(_NOTED, (when.end, when.until, tenant_id, kind, name))
    widened = {kind: names for kind, names in stale.items() if kind in _WIDENED}
    write_projected(conn, tenant_id, projected, widened)
    write_search(conn, tenant_id, lines, stale)


def write_search(
    conn: Connection, tenant_id: TenantId, lines: Iterable[SearchLine],
    stale: Mapping[str, Sequence[str]],
) -> None:  # fmt: skip
    """Write lines in the caller's transaction, in place of those that `stale` resources, ids by
    type, have."""
    for table in SEARCH_COLUMNS:
        for kind, names in stale.items():
            conn.execute(
                f"DELETE FROM {table} WHERE tenant_id = %s AND resource_id = ANY(%s) "
                "AND resource_type = %s",
                (tenant_id, list(names), kind),
            )
    by_table: dict[str, list[str]] = {}
    for table, line in lines:
        by_table.setdefault(table, []).append(line)
    for table, own in by_table.items():
        insert_lines(conn, tenant_id, table, SEARCH_COLUMNS[table], own)
