"""Series read with their audit row: what was read is handed over only once the row is committed,
so that no engine's read goes unrecorded, wherever its points lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.outlook import PostgresOutlook
from indexing.vitals.drawing import Course, joined, of_hours, of_points
from indexing.vitals.model import Extent, Points, Rollups, SeriesKey, Span, Window
from indexing.vitals.store import VitalsStore

_CHARTS = """
WITH RECURSIVE own(id) AS (SELECT %(patient)s::text COLLATE "C" UNION
    SELECT m.patient_id FROM patient_merge m JOIN own ON m.into_id = own.id
    WHERE m.tenant_id = %(tenant)s)
SELECT id FROM own
"""
T = TypeVar("T", Extent, Points, Rollups, Window, Course)
MOST_DRAWN = 2_000  # points of a series that are drawn one by one


class WatchedVitals:
    """The reads of a store, each of them recorded or refused."""

    def __init__(self, store: VitalsStore, database: Database) -> None:
        self._store, self._database = store, database

    def extents(self, access: Access, subjects: Sequence[str]) -> Sequence[Extent]:
        """Say which series of these subjects hold points."""
        found = self._shown(access, self._store.extents(access, subjects))
        self._record(access, [each.key for each in found])
        return found

    def points(self, access: Access, subjects: Sequence[str], span: Span) -> Sequence[Points]:
        """Return points."""
        found = self._shown(access, self._store.points(access, subjects, span))
        self._record(access, [each.key for each in found])
        return found

    def rollups(self, access: Access, subjects: Sequence[str], span: Span) -> Sequence[Rollups]:
        """Return hours."""
        found = self._shown(access, self._store.rollups(access, subjects, span))
        self._record(access, [each.key for each in found])
        return found

    def charts(self, access: Access, patient_id: str) -> list[str]:
        """Return a patient and every chart that was merged into this one: points keep the name
        under which they came in."""
        with self._database.tenant(access.tenant_id) as conn:
            values = {"tenant": access.tenant_id, "patient": patient_id}
            return [row[0] for row in conn.execute(_CHARTS, values).fetchall()]

    def courses(self, access: Access, subject: str, span: Span) -> Sequence[Course]:
        """Return what to draw of a subject, with the series of charts that were merged into it:
        hours where there are many, points of the others."""
        subjects = self.charts(access, subject)
        hours = self._store.rollups(access, subjects, span)
        dense = {each.key for each in hours if each.count.sum() > MOST_DRAWN}
        sparse = [each.key.kind for each in hours if each.key not in dense]
        points = self._store.points(access, subjects, replace(span, kinds=sparse))
        drawn = [of_hours(each) for each in hours if each.key in dense]
        drawn += [of_points(each) for each in points if each.key not in dense]
        found = self._shown(access, drawn)
        self._record(access, [each.key for each in found])
        return joined(found, subject)

    def window(self, access: Access, kind: str, start: datetime, end: datetime) -> Sequence[Window]:
        """Summarise a kind over everybody."""
        found = self._shown(access, self._store.window(access, kind, start, end))
        self._record(access, [each.key for each in found])
        return found

    def complete_to(self) -> datetime | None:
        """Return up to when the series have followed the Observations, None for never yet."""
        with self._database.transaction() as conn:
            row = conn.execute(
                "SELECT complete_to FROM cursor_position WHERE follower = 'vitals'"
            ).fetchone()
        return row[0] if row else None

    def taken(self, access: Access, points: int, refused: int) -> None:
        """Record that points came in from outside."""
        row = AuditRow("C", "series", (), (), {"points": points, "refused": refused})
        with self._database.tenant(access.tenant_id) as conn:
            audit.record(conn, access, row)

    def _shown(self, access: Access, found: Sequence[T]) -> Sequence[T]:
        """Leave out what the tenant has turned off: predictions of models."""
        told = [each for each in found if each.key.measurement == "prediction"]
        if not told or PostgresOutlook(self._database).switches(access).predictions:
            return found
        return [each for each in found if each.key.measurement != "prediction"]

    def _record(self, access: Access, keys: Sequence[SeriesKey]) -> None:
        patients = list({key.subject for key in keys if key.of_patient})
        row = AuditRow("R", "series", patients, (), {"series": len(keys)})
        with self._database.tenant(access.tenant_id) as conn:
            audit.record(conn, access, row)
