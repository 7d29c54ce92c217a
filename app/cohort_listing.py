"""The cohorts of a view, with what the last run of each found, as the page and a command list them.

Who is told how many a run found has read of patients, though of no one: it is audited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.cohorts import CohortDesk
from indexing.cohorts import CohortHead


@dataclass(frozen=True, slots=True)
class ListedCohort:
    """A cohort and the last run that its reader may see: `ran_at` None for no such run, `patients`
    None where there are too few to be told."""

    head: CohortHead
    ran_at: datetime | None = None
    patients: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what the command answers."""
        head = self.head
        return {
            "cohort_id": head.cohort_id, "name": head.name, "version": head.version,
            "runs": head.runs, "changed_at": head.changed_at, "made_by": head.made_by,
            "last_run": self.ran_at and {"at": self.ran_at, "patients": self.patients},
        }  # fmt: skip


def listed(desk: CohortDesk) -> Sequence[ListedCohort]:
    """List the cohorts of the desk's view, the newest change first."""
    store = desk.own.cohort_store
    heads, last = store.heads(desk.access), store.last_runs(desk.access)
    store.shown(desk.access, "cohort-list", (), "", {"cohorts": len(heads)})
    return [
        ListedCohort(head, run.at, desk.told(len(run.members)))
        if (run := last.get(head.cohort_id))
        else ListedCohort(head)
        for head in heads
    ]
