"""What comes in: every resource checked, cut into rows and texts, and stored in batches.

A transaction Bundle lands whole or not at all; of everything else the good resources land and the
bad ones are reported. At most `BATCH` resources share a database transaction, because a long one
holds the change feed back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from indexing.access import Access
from indexing.errors import AnamnesisError, Closed, Conflict, EventRejected, Stale
from indexing.fhir.bundle import read_submission
from indexing.fhir.conditions import Condition, read_criterion
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
    prepare_all,
    prepare_entries,
)
from indexing.records import Found, Incoming, Records, Stored
from indexing.settle import Settled, Standing, settle, wanted

BATCH = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry of a submission: stored, or rejected with its place and reason.

    Neither, and `deleted`, for a conditional deletion of what is not there.
    """

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
    """Takes submissions into one tenant; `strict` refuses whatever has a validation error, `bases`
    are this server's own addresses of FHIR, in references."""

    def __init__(
        self, records: Records, access: Access, zone: ZoneInfo, *, strict: bool = False,
        reason: str = "", bases: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._records, self._access, self._reason = records, access, reason
        self._rules = Rules(zone, strict, bases)

    def submit(
        self, data: bytes, *, where: Where | None = None, request: Mapping[str, str] | None = None
    ) -> list[Outcome]:
        """Take one text, a Bundle or a resource, and return one outcome per entry.

        `request` is what came with a single resource, as Bundle.entry.request would say it.

        Raises:
            Unusable: the text as a whole cannot be used.
        """
        where = where or Where()
        submission = read_submission(data, file=where.file, line=where.line, request=request)
        prepared = prepare_entries(submission, where, self._rules)
        outcomes = [o for each in self._batches(prepared) for o in each.result()]
        if len(outcomes) == 1 and outcomes[0].index is None and outcomes[0].rejected is not None:
            rejected = outcomes[0].rejected
            if not rejected.resource_type:
                raise Unusable(rejected.reason, rejected.where)
        return outcomes

    def delete(self, resource_type: str, search: str) -> Outcome:
        """Delete the one resource that matches; nothing happens where none does."""
        criterion = read_criterion(resource_type, search)
        gone = Incoming(resource_type, "", b"", deleted=True)
        item = Ready(None, Where(), gone, Condition("DELETE", criterion))
        return self._store([item])[0]

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

    def _store_whole(self, items: Sequence[Item]) -> list[Outcome]:
        """Store a transaction: whole, or nothing with the reason at each entry at fault."""
        if any(isinstance(item, Refused) for item in items):
            return [
                _refused(item) if isinstance(item, Refused) else _beside(item) for item in items
            ]
        try:
            return self._attempt(items, whole=True)
        except (Conflict, EventRejected, Closed) as exc:
            return [_refused_by_store(item, exc, whole=True) for item in _takeable(items)]

    def _store(self, items: Sequence[Item]) -> list[Outcome]:
        """Store a batch; what changes with a search is asked and stored one by one."""
        refused = [_refused(item) for item in items if isinstance(item, Refused)]
        rest = [item for item in _takeable(items) if item.condition is None]
        plain = [item for item in rest if isinstance(item, Ready)]
        referring = [item for item in rest if isinstance(item, Unresolved)]
        outcomes = refused + self._store_halving(plain) + self._store_halving(referring)
        for item in _takeable(items):
            if item.condition is not None:
                outcomes += self._store_halving([item])
        return outcomes

    def _store_halving(self, items: Sequence[Ready | Unresolved]) -> list[Outcome]:
        """Where the store refuses a batch, halve it until the culprit stands alone."""
        if not items:
            return []
        try:
            return self._attempt(items, whole=False)
        except (Conflict, EventRejected, Closed) as exc:
            if len(items) == 1:
                return [_refused_by_store(items[0], exc)]
            half = len(items) // 2
            return self._store_halving(items[:half]) + self._store_halving(items[half:])

    def _attempt(self, items: Sequence[Item], *, whole: bool) -> list[Outcome]:
        """Search, decide and write in one transaction; with `whole` one refusal stops it all."""
        settled: list[Settled] = []
        once: dict[tuple[str, str], Incoming] = {}

        def decide(found: Found) -> Sequence[Incoming]:
            nonlocal settled, once
            settled = settle(items, found, self._rules, whole=whole, again=bool(settled))
            once = {_key(item): item.incoming for item in settled if isinstance(item, Ready)}
            if whole and any(isinstance(item, Refused) for item in settled):
                once = {}
            return list(once.values())

        asked, guarded = wanted(items)
        stored = self._records.settle(self._access, asked, guarded, decide, reason=self._reason)
        return _outcomes(settled, dict(zip(once, stored, strict=True)))


def _grouped(prepared: Iterable[Item | Whole]) -> Iterator[list[Item] | Whole]:
    """Group singles up to `BATCH`, never two of one id together; transactions stand alone."""
    batch: list[Item] = []
    seen: set[tuple[str, str]] = set()
    for item in prepared:
        key = None if isinstance(item, (Whole, Refused)) or item.condition else _key(item)
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


def _takeable(items: Sequence[Item]) -> list[Ready | Unresolved]:
    return [item for item in items if not isinstance(item, Refused)]


def _outcomes(
    settled: Sequence[Settled], stored: Mapping[tuple[str, str], Stored]
) -> list[Outcome]:
    """Say what became of each; of what was not written because of another, that."""
    outcomes = []
    for item in settled:
        if isinstance(item, Refused):
            outcomes.append(_refused(item))
        elif isinstance(item, Standing):
            outcomes.append(_standing(item, stored))
        elif (found := stored.get(_key(item))) is not None:
            outcomes.append(_accepted(item, found))
        else:
            outcomes.append(_beside(item))
    return outcomes


def _accepted(item: Ready, stored: Stored) -> Outcome:
    return Outcome(
        item.index, stored.resource_type, stored,
        deleted=item.incoming.deleted, issues=item.incoming.issues,
    )  # fmt: skip


def _standing(standing: Standing, written: Mapping[tuple[str, str], Stored]) -> Outcome:
    """Point at what stands there already; with a twin, at what the twin made of it."""
    item, match = standing.item, standing.match
    kind = _key(item)[0]
    if match is not None:
        there = Stored(kind, match.resource_id, match.version, False, match.last_updated)
        return Outcome(_index(item), kind, there)
    if not standing.twin:
        return Outcome(_index(item), kind, deleted=True)
    twin = written.get((kind, standing.twin.partition("/")[2]))
    if twin is None:
        return _beside(item)
    return Outcome(_index(item), kind, replace(twin, changed=False, created=False))


def _index(item: Ready | Unresolved) -> int | None:
    return item.index if isinstance(item, Ready) else item.entry.index


def _refused(item: Refused) -> Outcome:
    return Outcome(item.index, item.rejected.resource_type, rejected=item.rejected)


def _rejected(item: Ready | Unresolved, reason: str, code: str = "processing") -> Outcome:
    return _refused(Refused(_index(item), Rejected(item.where, reason, *_key(item), code)))


def _beside(item: Ready | Unresolved) -> Outcome:
    return _rejected(item, "not stored: another entry of this transaction was rejected")


def _refused_by_store(
    item: Ready | Unresolved, exc: AnamnesisError, *, whole: bool = False
) -> Outcome:
    if isinstance(exc, (Stale, Closed)):
        if whole and exc.name != "/".join(_key(item)):
            return _beside(item)
        return _rejected(item, str(exc), "conflict" if isinstance(exc, Stale) else "forbidden")
    return _rejected(item, str(exc))
