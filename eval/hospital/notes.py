"""All notes of a patient, in the order of their dates."""

from __future__ import annotations

from eval.hospital import clinic, ward
from eval.hospital.case import Case
from eval.hospital.model import Note
from eval.hospital.scribe import Scribe


def write_notes(seed: int, case: Case) -> tuple[Note, ...]:
    """Write all notes of a case; fills its results and vital signs on the way."""
    scribe = Scribe(seed, case)
    write = {
        "before": clinic.routine,
        "illness": ward.stay if case.course.archetype.inpatient else clinic.visit,
        "follow-up": clinic.follow_up,
        "relapse": ward.relapse,
    }
    for meeting in case.encounters:
        write[meeting.phase](scribe, meeting)
    return tuple(sorted(scribe.notes, key=lambda note: note.when))
