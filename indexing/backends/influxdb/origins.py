"""Which points an Observation became, and what else claims a point, found without reading points.

Only tags are looked up, and a tag for each Observation would be a series for each. So a claim is
written twice, into the bucket of its Observation and into that of its place (a series at an
instant); what shares a bucket is told apart when read. Its time is a hash within one week, so that
no two claims fall together and all of them lie in one shard. Nothing is deleted, which takes this
server a tenth of a second each: what is taken out is written over with nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple
from urllib.parse import unquote

from indexing import strays
from indexing.backends.influxdb.connect import Connection, Missing
from indexing.backends.influxdb.reads import either, tenant_of
from indexing.backends.influxdb.schema import bodies, head_of, tag
from indexing.model import TenantId
from indexing.vitals.model import Batch

_CLAIMS: Final = "origins"  # the measurement
_BUCKETS: Final = 65_536  # short of the 100,000 values that a tag may have by default
_MONDAY_NS: Final = 4 * 86_400 * 10**9  # where a shard's week begins
_WEEK_NS: Final = 7 * 86_400 * 10**9

Place = tuple[str, int]  # the head of a series' lines, microseconds


class Claim(NamedTuple):
    """An origin, and a place that it wrote."""

    origin: str
    place: Place


class Claims:
    """Claims in a tenant's database, whose name the caller knows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, tenant_id: TenantId, database: str, origins: Iterable[str]) -> set[Claim]:
        """Return what these wrote."""
        wanted = set(origins) - {""}
        found = self._read(tenant_id, database, map(_bucket, wanted))
        return {claim for claim in found if claim.origin in wanted}

    def at(self, tenant_id: TenantId, database: str, places: Iterable[Place]) -> set[Claim]:
        """Return who wrote these."""
        wanted = set(places)
        found = self._read(tenant_id, database, map(_bucket, wanted))
        return {claim for claim in found if claim.place in wanted}

    def _read(self, tenant_id: TenantId, database: str, buckets: Iterable[str]) -> Iterator[Claim]:
        for where, bound in either("bucket", sorted(buckets)):
            query = f"SELECT origin, head, instant FROM {_CLAIMS} WHERE {where} GROUP BY *"
            try:
                [found] = self._connection.ask("read origins", database, [query], bound)
            except Missing:
                return
            for each in strays.own("influxdb", "vitals", tenant_id, found, tenant_of):
                for _, origin, head, instant in each["values"]:
                    if origin:
                        yield Claim(unquote(origin), (head, int(instant)))


def claims_of(tenant_id: TenantId, batch: Batch, origins: Sequence[str]) -> list[Claim]:
    """Return what a batch claims."""
    heads = [head_of(tenant_id, key) for key in batch.series]
    rows = zip(origins, batch.which.tolist(), batch.at.tolist(), strict=True)
    return [Claim(origin, (heads[which], at)) for origin, which, at in rows if origin]


def lines_of_claims(
    tenant_id: TenantId, claims: Iterable[Claim], *, gone: bool = False
) -> Iterator[str]:
    """Yield bodies of line protocol whose times are nanoseconds; `gone` writes nothing over them,
    since their last words would tell of patients."""
    return bodies(
        f"{_CLAIMS},bucket={bucket},tenant={tenant_id.hex} {_fields(None if gone else claim)} {at}"
        for claim in claims
        for bucket, at in _stands(claim)
    )


def _fields(claim: Claim | None) -> str:
    origin, (head, at) = claim or ("", ("", 0))
    return f'origin="{tag(origin)}",head="{head}",instant={at}i'


def _stands(claim: Claim) -> list[tuple[str, int]]:
    """Return the bucket and the time of both lines of a claim."""
    at = _MONDAY_NS + _hash(repr(claim)) % _WEEK_NS
    # Where both fall into one bucket they are one line, which is found by either.
    return [(bucket, at) for bucket in {_bucket(claim.origin), _bucket(claim.place)}]


def _bucket(told: str | Place) -> str:
    return str(_hash(repr(told)) % _BUCKETS)


def _hash(told: str) -> int:
    return int.from_bytes(blake2b(told.encode(), digest_size=8).digest())
