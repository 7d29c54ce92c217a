"""Observations of one chart as series: what a table with small lines needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from indexing.access import Access
from indexing.backends.postgres.connect import Connection
from indexing.charts import Reading, Series, thinned
from indexing.dated import width

MOST_ROWS = 4000
NEWEST = 24  # readings of a series that are told one by one
PLACES = 24  # of a small line

# 0001-01-01 stands for "not said" (30_projections.sql).
_UNSAID = datetime(2, 1, 1, tzinfo=UTC)

_READ = """
SELECT coalesce(o.code, ''), coalesce(o.display, o.code, ''), coalesce(o.value_unit, ''),
    o.observed_at, o.value_number, o.value_text, o.value_code, coalesce(o.value_comparator, ''),
    coalesce(o.interpretation_code, ''), o.range_low, o.range_high,
    coalesce(r.last_updated > %s, false), o.anomaly_score, o.observed_end
FROM observation o JOIN resource r
    ON r.tenant_id = o.tenant_id AND r.type = 'Observation' AND r.id = o.resource_id
WHERE o.tenant_id = %s AND o.patient_id = ANY(%s)
    AND NOT r.labels && %s
    AND coalesce(o.status, '') NOT IN ('cancelled', 'entered-in-error')
    AND (o.value_number IS NOT NULL OR o.value_text IS NOT NULL OR o.value_code IS NOT NULL)
ORDER BY o.observed_at DESC LIMIT %s
"""


def read_series(
    conn: Connection, access: Access, patient_ids: Sequence[str], since: datetime | None
) -> list[Series]:
    """Return one series per code and unit, those seen last first."""
    closed = sorted(access.closed_labels)
    rows = conn.execute(
        _READ, (since, access.tenant_id, list(patient_ids), closed, MOST_ROWS)
    ).fetchall()
    grouped: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in rows:
        grouped.setdefault((row[0] or row[1], row[2]), []).append(row)
    zone = ZoneInfo(access.time_zone)
    return [_series(group, zone) for group in grouped.values()]


def _series(newest_first: list[tuple[Any, ...]], zone: ZoneInfo) -> Series:
    last = newest_first[0]
    readings = tuple(
        Reading(row[3], row[4], row[8], width(row[3], row[13], zone))
        for row in reversed(newest_first)
        if row[4] is not None and row[3] > _UNSAID
    )
    shown = last[7] + format(last[4], "f") if last[4] is not None else last[5] or last[6] or ""
    return Series(
        last[0], last[1], last[2], readings[-NEWEST:], last[3], shown, last[8], last[9], last[10],
        any(row[11] for row in newest_first), thinned(readings, PLACES), len(readings),
        last[12], width(last[3], last[13], zone),
    )  # fmt: skip
