"""Reading series by InfluxQL: every value bound, and whose each series is looked at on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count, islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indexing import strays
from indexing.access import Access
from indexing.backends.influxdb.connect import Connection, Missing
from indexing.backends.influxdb.schema import (
    EARLIEST,
    GONE,
    HOURS,
    LATEST,
    UNSAID,
    key_of,
    tag,
)
from indexing.model import TenantId
from indexing.vitals.model import Floats, Points, Rollups, SeriesKey, Span, Window, micros

NAMED_AT_ONCE: Final = 200  # subjects or series in one statement

# Points that were not taken back, as Observations' alone are; of streams no flag is read for this.
STANDS: Final = "(source <> 'fhir' OR flag >= 0)"

Held = tuple[SeriesKey, dict[str, NDArray[Any]]]  # a series and its columns


class Reads:
    """Reads in a tenant's database, whose name the caller knows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def held(
        self, tenant_id: TenantId, database: str, statement: str, bound: Mapping[str, Any]
    ) -> Iterator[Held]:
        """Run a statement that ends in GROUP BY *; yield its series, this tenant's alone."""
        try:
            [found] = self._connection.ask("read series", database, [statement], bound)
        except Missing:
            return
        own = strays.own("influxdb", "vitals", tenant_id, found, tenant_of)
        for each in sorted(own, key=lambda each: (_tag(each, "kind"), _tag(each, "number"))):
            columns = zip(each["columns"], zip(*each["values"], strict=True), strict=True)
            yield key_of(each["tags"]), {name: _column(name, own) for name, own in columns}

    def points(
        self, access: Access, database: str, subjects: Sequence[str], span: Span
    ) -> Iterator[Points]:
        """Read the points themselves."""
        query = (
            "SELECT value, score, flag, quality, battery FROM "
            f"{_measurements(span)} WHERE {{}} GROUP BY *"
        )
        for key, every in self._opened(access, database, subjects, span, query):
            own = _standing(every)
            if len(own["time"]):
                said = (_unsaid(own[name]) for name in ("quality", "battery"))
                yield Points(
                    key, own["time"], own["value"], _unsaid(own["score"]),
                    own["flag"].astype(np.int16), *said,
                )  # fmt: skip

    def _opened(
        self, access: Access, database: str, subjects: Sequence[str] | None, span: Span, query: str
    ) -> Iterator[Held]:
        """Run a query, `{}` its condition, over what is wanted; yield the series that `access`
        opens."""
        for where, bound in _asked(subjects, span):
            found = self.held(access.tenant_id, database, query.format(where), bound)
            yield from ((key, own) for key, own in found if key.opened_by(access))

    def hours(
        self, access: Access, database: str, subjects: Sequence[str], span: Span
    ) -> Iterator[Rollups]:
        """Count the hours from the points."""
        for where, bound in _asked(subjects, span):
            for own in self.counted(access.tenant_id, database, _measurements(span), where, bound):
                if own.key.opened_by(access):
                    yield own

    def counted(
        self, tenant_id: TenantId, database: str, measurements: str, where: str,
        bound: Mapping[str, Any],
    ) -> Iterator[Rollups]:  # fmt: skip
        """Count the hours of what a condition finds, whoever may see it."""
        query = (
            "SELECT count(value), mean(value), min(value), max(value), stddev(value), sum(odd) "
            f"FROM {measurements} WHERE {where} AND {STANDS} GROUP BY time(1h), * fill(none)"
        )
        for key, own in self.held(tenant_id, database, query, bound):
            yield _counted(key, own)

    def past(
        self, access: Access, database: str, subjects: Sequence[str], span: Span
    ) -> Iterator[Rollups]:
        """Read the hours that outlived their details."""
        query = (
            "SELECT count, mean, low, high, deviation, anomalies "
            f"FROM {HOURS} WHERE {{}} GROUP BY *"
        )
        for key, own in self._opened(access, database, subjects, span, query):
            if key.measurement in span.measurements:
                yield Rollups(
                    key, own["time"], own["count"].astype(np.int64), own["mean"], own["low"],
                    own["high"], own["deviation"], own["anomalies"].astype(np.int64),
                )  # fmt: skip

    def window(self, access: Access, database: str, span: Span) -> Iterator[Window]:
        """Summarise every series of a kind."""
        query = (
            "SELECT count(value), mean(value), min(value), max(value), sum(odd) FROM "
            f"{_measurements(span)} WHERE {{}} AND {STANDS} GROUP BY *"
        )
        for key, own in self._opened(access, database, None, span, query):
            yield Window(
                key, int(own["count"][0]), float(own["mean"][0]), float(own["min"][0]),
                float(own["max"][0]), int(own["sum"][0]),
            )  # fmt: skip


def either(name: str, values: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield conditions that a tag is one of so many values, and what is bound in them."""
    rest = iter(dict.fromkeys(filter(None, values)))
    while some := list(islice(rest, NAMED_AT_ONCE)):
        bound = {f"{name}{n}": tag(value) for n, value in zip(count(), some, strict=False)}
        yield "(" + " OR ".join(f"{name} = ${each}" for each in bound) + ")", bound


def _asked(subjects: Sequence[str] | None, span: Span) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the conditions of statements that find what is wanted, each series by one of them."""
    start, end = _limits(span.start, span.end)
    when = {"start": 1000 * start, "end": 1000 * end}
    everything: list[tuple[str, dict[str, Any]]] = [("", {})]
    kinds = everything if span.kinds is None else list(either("kind", span.kinds))
    of = everything if subjects is None else list(either("subject", subjects))
    for kind, bound in kinds:
        for subject, more in of:
            where = ["time >= $start AND time < $end", kind, subject]
            yield " AND ".join(filter(None, where)), {**when, **bound, **more}


def _limits(start: datetime | None, end: datetime | None) -> tuple[int, int]:
    """Return a span in microseconds, within what InfluxDB can hold."""
    first = EARLIEST if start is None else max(micros(start), EARLIEST)
    return first, LATEST if end is None else min(micros(end), LATEST)


def _measurements(span: Span) -> str:
    return ", ".join(sorted(span.measurements)) or "nothing"


def _counted(key: SeriesKey, own: Mapping[str, NDArray[Any]]) -> Rollups:
    n = own["count"].astype(np.int64)
    sample = np.where(n > 1, own["stddev"], 0.0)  # InfluxQL's is the sample's
    return Rollups(
        key, own["time"], n, own["mean"], own["min"], own["max"],
        sample * np.sqrt((n - 1) / n), own["sum"].astype(np.int64),
    )  # fmt: skip


def tenant_of(found: Mapping[str, Any]) -> str:
    """Return whose a series says that it is."""
    return _tag(found, "tenant")


def _standing(own: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    kept = own["flag"] != GONE
    return own if kept.all() else {name: column[kept] for name, column in own.items()}


def _tag(found: Mapping[str, Any], name: str) -> str:
    return str(found.get("tags", {}).get(name, ""))


def _column(name: str, values: tuple[Any, ...]) -> NDArray[Any]:
    if name == "time":  # which no float holds
        return np.array(values, np.int64)
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _unsaid(values: Floats) -> Floats:
    return np.where(values == UNSAID, np.nan, values)
