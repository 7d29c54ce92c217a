"""Hits that a reader called wrong: candidates for the trap set, kept with their question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Wrong(StrEnum):
    """What is wrong with a hit."""

    DENIED = "denied"
    OTHER_PATIENT = "other_patient"
    OLD = "old"
    OFF_TOPIC = "off_topic"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One hit that somebody called wrong. `question` is what was asked, as a frozen page keeps it;
    `title` and `date` are the note's as it stands now."""

    candidate_id: int
    filed_at: datetime
    filed_by: str
    wrong: Wrong
    question: Mapping[str, Any]
    doc_id: str
    rank: int
    title: str
    date: datetime | None
    patient_id: str | None
