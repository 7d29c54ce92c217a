"""Who saw what: the row that every read of patient data writes, or the read fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Action = Literal["C", "R", "U", "D", "E"]  # FHIR AuditEvent.action


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One access. `subtype` names it ("search", "note", "patient", "ingest", "login" …).

    `patient_ids` and `entities` ("DocumentReference/abc", "page/…") are ids; `detail` holds counts
    and opaque ids only: no patient text and no query text.
    """

    action: Action
    subtype: str
    patient_ids: Sequence[str] = ()
    entities: Sequence[str] = ()
    detail: Mapping[str, int | str] = field(default_factory=dict)
    outcome: Literal["0", "4", "8", "12"] = "0"  # FHIR AuditEvent.outcome: 0 success
