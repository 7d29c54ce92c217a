"""Keys and points as InfluxDB keeps them: tags that any text survives, fields that say nothing as a
number of their own, since a field that is left out would keep what stood there before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import islice
from typing import Any, Final
from urllib.parse import quote, unquote

import numpy as np

from indexing.model import TenantId
from indexing.vitals.anomaly import anomalous
from indexing.vitals.model import Batch, Floats, Rollups, SeriesKey

LINES_AT_ONCE: Final = 5_000  # as its makers advise
UNSAID: Final = -1e9  # no quality, battery or score is: scores end at a million
GONE: Final = -1  # the flag of a point that was taken back
# The times that InfluxDB can hold, in microseconds: nanoseconds in 64 bits, short of the ends.
EARLIEST, LATEST = -(2**63) // 1000 + 10**6, 2**63 // 1000 - 10**6
HOURS: Final = "hours"  # the measurement of roll-ups that outlive their details

_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "%,=\\\"' ")
_NAMES = ("subject", "kind", "unit", "device", "place", "source")


def tag(text: str) -> str:
    """Write a tag's value so that neither line protocol nor InfluxQL finds anything to read in."""
    return quote(text, safe=_PLAIN)


def number_of(key: SeriesKey) -> str:
    """Return what names a series in one tag."""
    told = "\0".join([key.measurement, *(getattr(key, n) for n in _NAMES), *sorted(key.labels)])
    return blake2b(told.encode(), digest_size=12).hexdigest()


def tags_of(tenant_id: TenantId, key: SeriesKey) -> str:
    """Return a series' tags as line protocol has them; an empty one is left out, as it must be."""
    said = {name: tag(getattr(key, name)) for name in _NAMES}
    said |= {"labels": tag("\n".join(sorted(key.labels))), "of": key.measurement}
    said |= {"number": number_of(key), "tenant": tenant_id.hex}
    return "".join(f",{name}={value}" for name, value in sorted(said.items()) if value)


def head_of(tenant_id: TenantId, key: SeriesKey) -> str:
    """Return what a series' lines begin with."""
    return f"{key.measurement}{tags_of(tenant_id, key)}"


def key_of(tags: Mapping[str, str]) -> SeriesKey:
    """Return the key of a series that was read with all its tags."""
    subject, kind, unit, device, place, source = (unquote(tags.get(name, "")) for name in _NAMES)
    labels = frozenset(unquote(tags.get("labels", "")).split("\n")) - {""}
    return SeriesKey(tags["of"], subject, kind, unit, device, place, source, labels)  # type: ignore[arg-type]


def lines_of(tenant_id: TenantId, batch: Batch) -> Iterator[str]:
    """Yield bodies of line protocol."""
    heads = [head_of(tenant_id, key) for key in batch.series]
    odd = anomalous(batch.score).astype(int)
    columns: list[Any] = [
        batch.which, batch.value, _said(batch.quality), _said(batch.battery), _said(batch.score),
        batch.flag, odd, batch.at,
    ]  # fmt: skip
    rows = zip(*(column.tolist() for column in columns), strict=True)
    yield from bodies(
        f"{heads[of]} value={value!r},quality={quality!r},battery={battery!r},score={score!r},"
        f"flag={flag}i,odd={far}i {at}"
        for of, value, quality, battery, score, flag, far, at in rows
    )


def taken_back(places: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Yield bodies that write nothing over points, told by the head of their series and when."""
    fields = f"value=0,quality={UNSAID},battery={UNSAID},score={UNSAID},flag={GONE}i,odd=0i"
    return bodies(f"{head} {fields} {at}" for head, at in places)


def hours_of(tenant_id: TenantId, own: Rollups) -> Iterator[str]:
    """Yield roll-ups as line protocol."""
    head = f"{HOURS}{tags_of(tenant_id, own.key)} "
    columns = (own.at, own.count, own.mean, own.low, own.high, own.deviation, own.anomalies)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    yield from bodies(
        f"{head}count={count}i,mean={mean!r},low={low!r},high={high!r},deviation={deviation!r},"
        f"anomalies={anomalies}i {at}"
        for at, count, mean, low, high, deviation, anomalies in rows
    )


def bodies(lines: Iterator[str]) -> Iterator[str]:
    """Put lines together as far as one request takes them."""
    while some := list(islice(lines, LINES_AT_ONCE)):
        yield "\n".join(some)


def _said(values: Floats) -> Floats:
    return np.where(np.isnan(values), UNSAID, values)
