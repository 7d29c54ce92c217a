"""Series in InfluxDB: a database per tenant, a series' key in its tags, hours counted when read.

A write is durable when it is acknowledged, and idempotent; it is whole only request by request
(5,000 points), since InfluxDB knows no transactions: who was not told of success writes again.
Points are corrected by writing them again with every field, and taken back by writing nothing over
them; `origins` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from indexing.access import Access
from indexing.backends.influxdb.connect import Connection, Missing
from indexing.backends.influxdb.origins import Claim, Claims, claims_of, lines_of_claims
from indexing.backends.influxdb.reads import STANDS, Reads, either
from indexing.backends.influxdb.schema import (
    EARLIEST,
    HOURS,
    LATEST,
    head_of,
    hours_of,
    lines_of,
    number_of,
    tag,
    taken_back,
)
from indexing.errors import EventRejected
from indexing.model import TenantId
from indexing.vitals.anomaly import MOST, baseline
from indexing.vitals.hours import joined, whole_hours
from indexing.vitals.model import (
    HOUR_US,
    MEASUREMENTS,
    Baseline,
    Batch,
    Extent,
    Points,
    Rollups,
    SeriesKey,
    Span,
    Window,
    last_of_each,
    micros,
    moment_of,
)

_EVERY: Final = ", ".join(MEASUREMENTS)


class InfluxVitals:
    """The database's name is a keyed hash of the tenant: nobody else can spell it.

    `inside` holds the gate of a tenant while its database is made: where it left meanwhile, it
    raises, and its erasure waits for whoever is inside.
    """

    def __init__(
        self,
        connection: Connection,
        inside: Callable[[TenantId], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._connection, self._inside = connection, inside
        self._reads, self._claims = Reads(connection), Claims(connection)

    def _database(self, tenant_id: TenantId) -> str:
        server = self._connection.server
        key = server.secret.encode()[:64]
        told = blake2b(tenant_id.bytes, key=key, digest_size=16, person=b"series").hexdigest()
        return f"{server.prefix}_{told}"

    def write(self, tenant_id: TenantId, batch: Batch, origins: Sequence[str] = ()) -> None:
        """Raises: EventRejected: a time that InfluxDB cannot hold; nothing is written then."""
        if not len(batch):
            return
        if ((batch.at < EARLIEST) | (batch.at >= LATEST)).any():
            raise EventRejected("InfluxDB holds the years 1678 to 2261 alone")
        database = self._database(tenant_id)
        # Who claims a point comes first: a point without that could never be taken back.
        if origins:
            self._claim(tenant_id, database, claims_of(tenant_id, batch, origins))
        self._write(tenant_id, database, lines_of(tenant_id, last_of_each(batch)))

    def retract(self, tenant_id: TenantId, origins: Sequence[str]) -> Sequence[str]:
        database, wanted = self._database(tenant_id), set(origins)
        own = self._claims.of(tenant_id, database, wanted)
        places = {claim.place for claim in own}
        others = {c for c in self._claims.at(tenant_id, database, places) if c.origin not in wanted}
        shared = {claim.place for claim in others}
        self._write(tenant_id, database, taken_back(sorted(places)))
        done = sorted(claim for claim in own if claim.place not in shared)
        self._claim(tenant_id, database, done, gone=True)
        return sorted({claim.origin for claim in others})

    def _claim(
        self, tenant_id: TenantId, database: str, claims: Iterable[Claim], *, gone: bool = False
    ) -> None:
        self._write(tenant_id, database, lines_of_claims(tenant_id, claims, gone=gone), "ns")

    def _write(
        self, tenant_id: TenantId, database: str, bodies: Iterable[str], precision: str = "u"
    ) -> None:
        for body in bodies:
            try:
                self._connection.write(database, body, precision)
            except Missing:
                with self._inside(tenant_id):
                    self._ask("make a database", "", [f'CREATE DATABASE "{database}"'])
                    self._connection.write(database, body, precision)

    def baselines(
        self, tenant_id: TenantId, keys: Sequence[SeriesKey]
    ) -> Mapping[SeriesKey, Baseline]:
        database, found = self._database(tenant_id), dict[SeriesKey, Baseline]()
        tomorrow = 1000 * micros(datetime.now(UTC) + timedelta(days=1))
        for where, bound in either("number", [number_of(key) for key in keys]):
            query = (
                f"SELECT value FROM {_EVERY} WHERE {where} AND time < $tomorrow "
                f"AND {STANDS} GROUP BY * ORDER BY time DESC LIMIT {MOST}"
            )
            bound["tomorrow"] = tomorrow
            for key, columns in self._reads.held(tenant_id, database, query, bound):
                if (own := baseline(columns["value"])) is not None:
                    found[key] = own
        return found

    def extents(self, access: Access, subjects: Sequence[str]) -> Sequence[Extent]:
        database, found = self._database(access.tenant_id), dict[SeriesKey, list[int]]()
        for where, bound in either("subject", subjects):
            for what in ("count(value)", "first(value)", "last(value)"):
                query = f"SELECT {what} FROM {_EVERY} WHERE {where} AND {STANDS} GROUP BY *"
                for key, own in self._reads.held(access.tenant_id, database, query, bound):
                    said = own["count"] if what.startswith("count") else own["time"]
                    found.setdefault(key, []).append(int(said[0]))
        return [
            Extent(key, n, moment_of(first), moment_of(last))
            for key, (n, first, last) in found.items()
            if key.opened_by(access)
        ]

    def points(self, access: Access, subjects: Sequence[str], span: Span) -> Sequence[Points]:
        return list(self._reads.points(access, self._database(access.tenant_id), subjects, span))

    def rollups(self, access: Access, subjects: Sequence[str], span: Span) -> Sequence[Rollups]:
        database, whole = self._database(access.tenant_id), whole_hours(span)
        found = {own.key: own for own in self._reads.hours(access, database, subjects, whole)}
        for past in self._reads.past(access, database, subjects, whole):
            own = found.get(past.key)
            found[past.key] = past if own is None else joined(past, own)
        return list(found.values())

    def window(self, access: Access, kind: str, start: datetime, end: datetime) -> Sequence[Window]:
        database = self._database(access.tenant_id)
        return list(self._reads.window(access, database, Span(start, end, [kind])))

    def settle(self, tenant_id: TenantId) -> int:
        del tenant_id  # hours are counted when they are asked for
        return 0

    def retain(
        self, tenant_id: TenantId, details_from: datetime, rollups_from: datetime
    ) -> tuple[int, int]:
        """The hours are written before their details are dropped: a crash between costs nothing."""
        database = self._database(tenant_id)
        before = micros(details_from) // HOUR_US * HOUR_US
        streamed = f"source <> 'fhir' AND time < {1000 * max(before, EARLIEST)}"
        dropped = self._rolled(tenant_id, database, streamed)
        drops = [f"DELETE FROM {of} WHERE {streamed}" for of in MEASUREMENTS]
        first = max(micros(rollups_from) // HOUR_US * HOUR_US, EARLIEST)
        counted = f"SELECT count(count) FROM {HOURS} WHERE time < {1000 * first} GROUP BY *"
        hours = sum(
            int(own["count"][0]) for _, own in self._reads.held(tenant_id, database, counted, {})
        )
        drops.append(f"DELETE FROM {HOURS} WHERE time < {1000 * first}")
        if dropped or hours:
            self._ask("drop what is past its time", database, drops)
        return dropped, hours

    def _rolled(self, tenant_id: TenantId, database: str, where: str) -> int:
        """Write the hours of these points for good; return how many points there are."""
        points = 0
        where = f"time >= {1000 * EARLIEST} AND {where}"
        for own in self._reads.counted(tenant_id, database, _EVERY, where, {}):
            points += int(own.count.sum())
            for body in hours_of(tenant_id, own):
                self._connection.write(database, body)
        return points

    def forget(self, tenant_id: TenantId, subject: str) -> None:
        database, bound = self._database(tenant_id), {"subject": tag(subject)}
        query = f"SELECT flag FROM {_EVERY} WHERE source = 'fhir' AND subject = $subject GROUP BY *"
        held = self._reads.held(tenant_id, database, query, bound)
        places = [(head_of(tenant_id, key), int(at)) for key, own in held for at in own["time"]]
        self._claim(tenant_id, database, self._claims.at(tenant_id, database, places), gone=True)
        self._ask("forget", database, ["DROP SERIES FROM /.*/ WHERE subject = $subject"], bound)

    def drop(self, tenant_id: TenantId) -> None:
        database = self._database(tenant_id)
        self._ask("remove a database", "", [f'DROP DATABASE "{database}"'])

    def _ask(
        self, what: str, database: str, statements: Sequence[str],
        bound: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        try:
            self._connection.ask(what, database, statements, bound or {})
        except Missing:
            return  # nothing was ever written there
