"""Which records of treatment tell of something that came about: conditions on a record `t`, the
same for cohorts, for likeness and for the graph. Who asks more, as the ranking of treatments does,
says so beside it. Source: FHIR R4, medicationrequest-status, medication-statement-status,
event-status."""

from __future__ import annotations

from typing import Final

ORDERED: Final = "coalesce(t.status, '') NOT IN ('cancelled', 'draft', 'entered-in-error')"
TAKEN: Final = "coalesce(t.status, '') NOT IN ('not-taken', 'entered-in-error')"
DONE: Final = "coalesce(t.status, '') NOT IN ('not-done', 'preparation', 'entered-in-error')"
