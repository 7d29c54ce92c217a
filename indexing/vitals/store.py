"""What the product asks of an engine of series, by the rules of `indexing.ports`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from indexing.access import Access
from indexing.model import TenantId
from indexing.vitals.model import (
    Baseline,
    Batch,
    Extent,
    Points,
    Rollups,
    SeriesKey,
    Span,
    Window,
)


class VitalsStore(Protocol):
    """Series of points, and what each hour of them comes to.

    A point is one series at one instant: writing it again corrects it. Hourly roll-ups always
    equal a recount of the details, settled or not, while the details are kept.
    """

    def write(self, tenant_id: TenantId, batch: Batch, origins: Sequence[str] = ()) -> None:
        """Write durably, all or nothing; of points at one instant the last counts. `origins` names
        what each point was read from, so that it can be retracted."""
        ...

    def retract(self, tenant_id: TenantId, origins: Sequence[str]) -> Sequence[str]:
        """Take back the points that were read from these; return which others were read into the
        same places. Those are to be read again: until then nothing stands there, and they are
        returned again."""
        ...

    def baselines(
        self, tenant_id: TenantId, keys: Sequence[SeriesKey]
    ) -> Mapping[SeriesKey, Baseline]:
        """Return the history of those series that have one (`indexing.vitals.anomaly`); points
        dated after tomorrow have not happened and are none."""
        ...

    def extents(self, access: Access, subjects: Sequence[str]) -> Sequence[Extent]:
        """Say which series of these subjects hold points."""
        ...

    def points(self, access: Access, subjects: Sequence[str], span: Span) -> Sequence[Points]: ...
    def rollups(self, access: Access, subjects: Sequence[str], span: Span) -> Sequence[Rollups]:
        """Return the hours that begin in the span."""
        ...

    def window(self, access: Access, kind: str, start: datetime, end: datetime) -> Sequence[Window]:
        """Summarise every visible series of a kind in [start, end)."""
        ...

    def settle(self, tenant_id: TenantId) -> int:
        """Roll up what was written since; return how many hours of a series were."""
        ...

    def retain(
        self, tenant_id: TenantId, details_from: datetime, rollups_from: datetime
    ) -> tuple[int, int]:
        """Settle, then drop older streamed points and older roll-ups of them; return how many of
        each. What the records hold stays as long as they do."""
        ...

    def forget(self, tenant_id: TenantId, subject: str) -> None: ...
    def drop(self, tenant_id: TenantId) -> None: ...
