"""The reference engine for series: dicts and loops, and every roll-up counted when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from indexing.access import Access
from indexing.model import TenantId
from indexing.vitals.anomaly import MOST, anomalous, baseline
from indexing.vitals.hours import joined, kept, rolled, whole_hours
from indexing.vitals.model import (
    HOUR_US,
    Baseline,
    Batch,
    Extent,
    Points,
    Rollups,
    SeriesKey,
    Span,
    Window,
    micros,
    moment_of,
)


class _Point(NamedTuple):
    value: float
    score: float
    flag: int
    quality: float
    battery: float


class MemoryVitals:
    """Nothing is shared between tenants, and nothing outlives the process."""

    def __init__(self) -> None:
        self._held: dict[TenantId, dict[SeriesKey, dict[int, _Point]]] = {}
        # What each point was read from: more than one may have told of one instant.
        self._origins: dict[TenantId, dict[tuple[SeriesKey, int], set[str]]] = {}
        self._past: dict[TenantId, dict[SeriesKey, Rollups]] = {}  # hours without their details

    def write(self, tenant_id: TenantId, batch: Batch, origins: Sequence[str] = ()) -> None:
        own = self._held.setdefault(tenant_id, {})
        claims = self._origins.setdefault(tenant_id, {})
        named = origins or [""] * len(batch)
        columns = zip(
            batch.which, batch.at, batch.value, batch.score, batch.flag, batch.quality,
            batch.battery, named, strict=True,
        )  # fmt: skip
        for which, at, value, score, flag, quality, battery, origin in columns:
            key = batch.series[which]
            point = _Point(float(value), float(score), int(flag), float(quality), float(battery))
            own.setdefault(key, {})[int(at)] = point
            if origin:
                claims.setdefault((key, int(at)), set()).add(origin)

    def retract(self, tenant_id: TenantId, origins: Sequence[str]) -> Sequence[str]:
        held, claims = self._held.get(tenant_id, {}), self._origins.get(tenant_id, {})
        wanted, others = set(origins), set[str]()
        for key, at in [place for place, own in claims.items() if own & wanted]:
            held[key].pop(at, None)
            if shared := claims[key, at] - wanted:
                others |= shared
            else:
                del claims[key, at]
        return sorted(others)

    def baselines(
        self, tenant_id: TenantId, keys: Sequence[SeriesKey]
    ) -> Mapping[SeriesKey, Baseline]:
        found, tomorrow = {}, micros(datetime.now(UTC) + timedelta(days=1))
        for key in keys:
            points = self._held.get(tenant_id, {}).get(key, {})
            latest = [points[at].value for at in sorted(points) if at < tomorrow][-MOST:]
            if (own := baseline(np.array(latest))) is not None:
                found[key] = own
        return found

    def _visible(
        self, access: Access, subjects: Sequence[str] | None, span: Span
    ) -> Iterator[tuple[SeriesKey, dict[int, _Point]]]:
        for key, points in self._held.get(access.tenant_id, {}).items():
            if (
                (subjects is None or key.subject in subjects)
                and (span.kinds is None or key.kind in span.kinds)
                and key.measurement in span.measurements
                and key.opened_by(access)
            ):
                start = -(2**62) if span.start is None else micros(span.start)
                end = 2**62 if span.end is None else micros(span.end)
                yield key, {at: points[at] for at in sorted(points) if start <= at < end}

    def extents(self, access: Access, subjects: Sequence[str]) -> Sequence[Extent]:
        return [
            Extent(key, len(points), moment_of(min(points)), moment_of(max(points)))
            for key, points in self._visible(access, subjects, Span())
            if points
        ]

    def points(self, access: Access, subjects: Sequence[str], span: Span) -> Sequence[Points]:
        return [
            _points(key, points) for key, points in self._visible(access, subjects, span) if points
        ]

    def rollups(self, access: Access, subjects: Sequence[str], span: Span) -> Sequence[Rollups]:
        found, whole = [], whole_hours(span)
        for key, points in self._visible(access, subjects, whole):
            past = self._past.get(access.tenant_id, {}).get(key)
            own = rolled(_points(key, points))
            if past is not None:
                own = joined(_within(past, whole), own)
            if len(own.at):
                found.append(own)
        return found

    def window(self, access: Access, kind: str, start: datetime, end: datetime) -> Sequence[Window]:
        found = []
        for key, points in self._visible(access, None, Span(start, end, [kind])):
            if points:
                own = _points(key, points)
                value = own.value
                bad = int(anomalous(own.score).sum())
                found.append(
                    Window(
                        key, len(value), float(value.mean()), float(value.min()),
                        float(value.max()), bad,
                    )
                )  # fmt: skip
        return found

    def settle(self, tenant_id: TenantId) -> int:
        del tenant_id  # every roll-up is counted when it is asked for
        return 0

    def retain(
        self, tenant_id: TenantId, details_from: datetime, rollups_from: datetime
    ) -> tuple[int, int]:
        dropped, first = 0, micros(details_from) // HOUR_US * HOUR_US
        past = self._past.setdefault(tenant_id, {})
        hours = 0
        for key, points in self._held.get(tenant_id, {}).items():
            if key.source == "fhir":
                continue
            old = {at: points[at] for at in sorted(points) if at < first}
            for at in old:
                del points[at]
            dropped += len(old)
            known = rolled(_points(key, old))
            known = joined(past[key], known) if key in past else known
            young = known.at >= micros(rollups_from)
            hours += int((~young).sum())
            past[key] = kept(known, young)
        return dropped, hours

    def forget(self, tenant_id: TenantId, subject: str) -> None:
        for held in (self._held.get(tenant_id, {}), self._past.get(tenant_id, {})):
            for key in [key for key in held if key.subject == subject]:
                del held[key]
        claims = self._origins.get(tenant_id, {})
        for place in [place for place in claims if place[0].subject == subject]:
            del claims[place]

    def drop(self, tenant_id: TenantId) -> None:
        for held in (self._held, self._origins, self._past):
            held.pop(tenant_id, None)


def _points(key: SeriesKey, points: Mapping[int, _Point]) -> Points:
    rows = list(points.values())
    return Points(
        key, np.array(list(points), np.int64), np.array([p.value for p in rows]),
        np.array([p.score for p in rows]), np.array([p.flag for p in rows], np.int16),
        np.array([p.quality for p in rows]), np.array([p.battery for p in rows]),
    )  # fmt: skip


def _within(own: Rollups, span: Span) -> Rollups:
    start = -(2**62) if span.start is None else micros(span.start)
    end = 2**62 if span.end is None else micros(span.end)
    return kept(own, (own.at >= start) & (own.at < end))
