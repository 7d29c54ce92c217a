"""What comes in: every resource checked, cut into rows and texts, and stored in batches.

A transaction Bundle lands whole or not at all; of everything else the good resources land and the
bad ones are reported. At most `BATCH` resources share a database transaction, because a long one
holds the change feed back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from indexing.access import Access
from indexing.errors import Conflict, EventRejected
from indexing.fhir.faults import Rejected, Unusable, Where
from indexing.fhir.issues import Issue
from indexing.fhir.sources import Source
from indexing.prepare import (
    Item,
    Ready,
    Refused,
    Rules,
    Unresolved,
    Whole,
    cut,
    prepare,
    prepare_all,
)
from indexing.records import Records, Stored

BATCH = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry of a submission: stored, or rejected with its place and reason."""

    index: int | None
    resource_type: str
    stored: Stored | None = None
    rejected: Rejected | None = None
    deleted: bool = False
    issues: tuple[Issue, ...] = ()


@dataclass(slots=True)
class Tally:
    """Counts over everything taken in; `by_type` counts accepted entries, repeats included."""

    accepted: int = 0
    rejected: int = 0
    by_type: dict[str, int] = field(default_factory=dict)

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Count more outcomes."""
        for outcome in outcomes:
            if outcome.rejected is not None:
                self.rejected += 1
            else:
                self.accepted += 1
                kind = outcome.resource_type
                self.by_type[kind] = self.by_type.get(kind, 0) + 1


class Ingest:
    """Takes submissions into one tenant; `strict` refuses whatever has a validation error."""

    def __init__(
        self, records: Records, access: Access, zone: ZoneInfo, *, strict: bool = False,
        reason: str = "",
    ) -> None:  # fmt: skip
        self._records, self._access, self._reason = records, access, reason
        self._rules = Rules(zone, strict)

    def submit(self, data: bytes, *, where: Where | None = None) -> list[Outcome]:
        """Take one text, a Bundle or a resource, and return one outcome per entry.

        Raises:
            Unusable: the text as a whole cannot be used.
        """
        where = where or Where()
        prepared = prepare(Source(where.file, where.line, data), self._rules)
        outcomes = [o for each in self._batches(prepared) for o in each.result()]
        if len(outcomes) == 1 and outcomes[0].index is None and outcomes[0].rejected is not None:
            rejected = outcomes[0].rejected
            if not rejected.resource_type:
                raise Unusable(rejected.reason, rejected.where)
        return outcomes

    def run(
        self,
        sources: Iterable[Source | Rejected],
        *,
        on_outcomes: Callable[[list[Outcome]], None],
    ) -> Tally:
        """Take every source in, preparing the next batch while the last is being written."""
        tally = Tally()
        for each in self._batches(prepare_all(sources, self._rules)):
            done = each.result()
            tally.add(done)
            on_outcomes(done)
        return tally

    def _batches(self, prepared: Iterable[Item | Whole]) -> Iterator[Future[list[Outcome]]]:
        """Write in the background, one batch at a time, at most one batch ahead of the reader."""
        with ThreadPoolExecutor(1, thread_name_prefix="ingest") as writer:
            waiting: Future[list[Outcome]] | None = None
            for batch in _grouped(prepared):
                if isinstance(batch, Whole):
                    submitted = writer.submit(self._store_whole, batch.items)
                else:
                    submitted = writer.submit(self._store, batch)
                if waiting is not None:
                    yield waiting
                waiting = submitted
            if waiting is not None:
                yield waiting

    def _settled(self, item: Item) -> Ready | Refused:
        """Resolve what only the store can: conditional references."""
        if not isinstance(item, Unresolved):
            return item
        found = self._records.resolve(self._access, item.entry.conditional)
        return cut(item, found, self._rules)

    def _store_whole(self, items: Sequence[Item]) -> list[Outcome]:
        """Store a transaction: whole, or nothing with the reason at each entry at fault."""
        settled = [self._settled(item) for item in items]
        ready = [item for item in settled if isinstance(item, Ready)]
        if len(ready) == len(settled):
            once = {_key(item): item.incoming for item in ready}
            try:
                stored = self._records.store(self._access, list(once.values()), reason=self._reason)
            except (Conflict, EventRejected) as exc:
                return [_refused_by_store(item, exc) for item in ready]
            by_key = dict(zip(once, stored, strict=True))
            return [_accepted(item, by_key[_key(item)]) for item in ready]
        reason = "not stored: another entry of this transaction was rejected"
        return [
            _refused(item) if isinstance(item, Refused) else _rejected(item, reason)
            for item in settled
        ]

    def _store(self, items: Sequence[Item]) -> list[Outcome]:
        """Store a batch; where the store refuses it, halve it until the culprit stands alone."""
        settled = [self._settled(item) for item in items]
        ready = [item for item in settled if isinstance(item, Ready)]
        refused = [_refused(item) for item in settled if isinstance(item, Refused)]
        return refused + self._store_halving(ready)

    def _store_halving(self, ready: list[Ready]) -> list[Outcome]:
        if not ready:
            return []
        try:
            stored = self._records.store(
                self._access, [item.incoming for item in ready], reason=self._reason
            )
            return [_accepted(item, s) for item, s in zip(ready, stored, strict=True)]
        except (Conflict, EventRejected) as exc:
            if len(ready) == 1:
                return [_refused_by_store(ready[0], exc)]
            half = len(ready) // 2
            return self._store_halving(ready[:half]) + self._store_halving(ready[half:])


def _grouped(prepared: Iterable[Item | Whole]) -> Iterator[list[Item] | Whole]:
    """Group singles up to `BATCH`, never two of one id together; transactions stand alone."""
    batch: list[Item] = []
    seen: set[tuple[str, str]] = set()
    for item in prepared:
        key = None if isinstance(item, (Whole, Refused)) else _key(item)
        if batch and (isinstance(item, Whole) or len(batch) >= BATCH or key in seen):
            yield batch
            batch, seen = [], set()
        if isinstance(item, Whole):
            yield item
            continue
        batch.append(item)
        if key is not None:
            seen.add(key)
    if batch:
        yield batch


def _key(item: Ready | Unresolved) -> tuple[str, str]:
    named = item.incoming if isinstance(item, Ready) else item.entry
    return named.resource_type, named.resource_id


def _accepted(item: Ready, stored: Stored) -> Outcome:
    return Outcome(
        item.index, stored.resource_type, stored,
        deleted=item.incoming.deleted, issues=item.incoming.issues,
    )  # fmt: skip


def _refused(item: Refused) -> Outcome:
    return Outcome(item.index, item.rejected.resource_type, rejected=item.rejected)


def _rejected(item: Ready, reason: str) -> Outcome:
    kind, name = _key(item)
    return _refused(Refused(item.index, Rejected(item.where, reason, kind, name)))


def _refused_by_store(item: Ready, exc: Exception) -> Outcome:
    return _rejected(item, str(exc))
