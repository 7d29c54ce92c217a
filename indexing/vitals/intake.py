"""One way in for streams: read, judge by the patient's own history, store."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from indexing.model import TenantId
from indexing.vitals.anomaly import anomalous, scored
from indexing.vitals.lines import Fault, Parsed, Precision, parse
from indexing.vitals.model import Baseline, Batch, SeriesKey
from indexing.vitals.store import VitalsStore

DETAILS, ROLLUPS = timedelta(days=2 * 365), timedelta(days=10 * 365)
_LOOK_AGAIN_S = 3600.0  # a history that another hour was added to is much the same


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a body: `points` stand in the store, `refused` counts the lines that do not,
    `jumps` how often a clock went back, `anomalies` the points far from their series' history."""

    lines: int
    points: int
    refused: int
    jumps: int
    anomalies: int
    faults: tuple[Fault, ...]


class Intake:
    """Takes line protocol for a store; remembers histories for an hour."""

    def __init__(
        self,
        store: VitalsStore,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        erased: Callable[[TenantId, Collection[str]], Collection[str]] = lambda _tenant, _of: (),
    ) -> None:
        """`erased` returns those of these subjects whose points are not taken in."""
        self._store, self._clock, self._erased = store, clock, erased
        self._known: dict[tuple[TenantId, SeriesKey], tuple[float, Baseline | None]] = {}

    def lines(self, tenant_id: TenantId, body: bytes, precision: Precision = "ns") -> Taken:
        """Store every good line of a body, durably, and say what was wrong with the others."""
        return self.keep(tenant_id, self.read(body, precision))

    def read(self, body: bytes, precision: Precision = "ns") -> Parsed:
        """Read a body and store nothing yet."""
        now = self._clock()
        return parse(body, now=now, oldest=now - DETAILS, precision=precision)

    def keep(self, tenant_id: TenantId, parsed: Parsed) -> Taken:
        """Store what was read."""
        gone = self._erased(tenant_id, {key.subject for key in parsed.batch.series})
        if gone:
            parsed = _without(parsed, gone)
        batch = self.judged(tenant_id, parsed.batch)
        self._store.write(tenant_id, batch)
        return _taken(parsed, batch)

    def judged(self, tenant_id: TenantId, batch: Batch) -> Batch:
        """Return a batch with its anomaly scores."""
        if not len(batch):
            return batch
        return scored(batch, self._baselines(tenant_id, batch.series))

    def let_go(self, tenant_id: TenantId) -> None:
        """Remember nothing of a tenant's series."""
        for own in [own for own in self._known.copy() if own[0] == tenant_id]:
            self._known.pop(own, None)

    def _baselines(
        self, tenant_id: TenantId, keys: Sequence[SeriesKey]
    ) -> dict[SeriesKey, Baseline]:
        now = time.monotonic()
        held = {key: self._known.get((tenant_id, key)) for key in keys}
        wanted = [key for key, own in held.items() if own is None or now - own[0] >= _LOOK_AGAIN_S]
        if wanted:
            found = self._store.baselines(tenant_id, wanted)
            for key in wanted:
                held[key] = self._known[tenant_id, key] = (now, found.get(key))
        return {key: own[1] for key, own in held.items() if own is not None and own[1] is not None}


def _without(parsed: Parsed, gone: Collection[str]) -> Parsed:
    """Refuse the points of these subjects, series and all."""
    batch = parsed.batch
    kept = np.array([key.subject not in gone for key in batch.series])
    good = kept[batch.which]
    columns = {name: getattr(batch, name)[good]
               for name in ("at", "value", "quality", "battery", "score", "flag")}  # fmt: skip
    series = tuple(key for key in batch.series if key.subject not in gone)
    places = (np.cumsum(kept) - 1).astype(np.int32)
    left = replace(batch, series=series, which=places[batch.which[good]], **columns)
    refused = len(batch) - len(left)
    fault = Fault(1, 1, f"{refused} points of this body are of patients who were erased")
    return replace(
        parsed, batch=left, refused=parsed.refused + refused, faults=(*parsed.faults, fault)
    )


def _taken(parsed: Parsed, batch: Batch) -> Taken:
    return Taken(
        parsed.lines, len(batch), parsed.refused, parsed.jumps,
        int(anomalous(batch.score).sum()), parsed.faults,
    )  # fmt: skip
