"""What was told of patients, held against what their records say since, kept in step by the feed.

An outcome is read from stays and deaths. A stay that comes in settles what was told of its patient;
whatever comes in moves the day up to which the hospital has heard, by which others' time is up.
What was settled is settled again when a record is corrected, withdrawn, restricted or merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from indexing.access import Access, Role
from indexing.model import ChangeEvent, Kind, TenantId

FOLLOWER = "follower:outcomes"  # who did it, in the audit
_TOLD_BY = ("Encounter/", "Patient/")
_AT_ONCE = 500  # a transaction that writes holds back what is younger: a late day settles many


class Fates(Protocol):
    """The predictions with their outcomes."""

    def touched(self, tenant_id: TenantId, keys: Sequence[str]) -> Sequence[str]:
        """Return the predictions whose outcome these news may change."""
        ...

    def settle(self, access: Access, ids: Sequence[str]) -> int:
        """Note what is known of each now; return of how many something is."""
        ...


class OutcomesFollower:
    """Settles predictions as the records tell."""

    name = "outcomes"
    kind = Kind.RESOURCE
    batch = 1000

    def __init__(self, fates: Fates) -> None:
        self._fates = fates

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Settle what these events may have a say in."""
        keys = [event.key for event in events if event.key.startswith(_TOLD_BY)]
        ids = self._fates.touched(tenant_id, keys) if keys else ()
        access = Access(tenant_id, FOLLOWER, frozenset({Role.CLINICIAN}), "HOPERAT")
        for start in range(0, len(ids), _AT_ONCE):
            self._fates.settle(access, ids[start : start + _AT_ONCE])
