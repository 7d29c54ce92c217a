"""The port to the change feed: at least once, in commit order, below what still runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from indexing.model import ChangeEvent, Kind, Position, TenantId


@dataclass(frozen=True, slots=True)
class Batch:
    """`events` of the wanted kind; `end` is how far was read, `size` rows, other kinds included.

    `complete_to`: every change committed before it is in this batch or an earlier one; None when
    the read stopped at its limit.
    """

    events: Sequence[ChangeEvent]
    end: Position
    size: int
    complete_to: datetime | None


class ChangeFeed(Protocol):
    """One cursor per follower; a cursor moves only after the follower's work is durable."""

    def read(self, follower: str, kind: Kind, limit: int) -> Batch: ...
    def commit(self, follower: str, batch: Batch) -> None: ...
    def pending(self, follower: str, kind: Kind) -> int:
        """Count the events of that kind past the cursor, uncommitted ones aside."""
        ...

    def lock(self, name: str, *, wait_s: float = 0) -> AbstractContextManager[bool]:
        """Become the one holder of `name` while the context lasts; False: somebody stays it."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Return when something was written, or may have become readable: False after `timeout_s`
        without."""
        ...

    def park(self, follower: str, event: ChangeEvent, reason: str) -> None: ...
    def parked(self, follower: str, tenant_id: TenantId) -> frozenset[str]: ...
    def parked_events(self, follower: str, tenant_id: TenantId) -> Sequence[ChangeEvent]: ...
    def unpark(self, follower: str, event: ChangeEvent) -> None:
        """Forget a parked event that was applied; one of its key that came later stays."""
        ...
