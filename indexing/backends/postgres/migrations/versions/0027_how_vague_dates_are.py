"""Keep how vague the ends of a Period and the day of recording are, and that of an edge's days."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"

# A Period begins in [date_start, date_until) and ends in [date_last, date_end); of a lone date,
# which is [date_start, date_end), neither is said.
COLUMNS = (
    *((table, name) for table in ("encounter", "procedure", "medication_statement", "care_plan")
      for name in ("date_until", "date_last")),
    ("condition", "onset_until"), ("condition", "abatement_until"), ("condition", "recorded_end"),
    ("allergy_intolerance", "onset_until"), ("allergy_intolerance", "recorded_end"),
)  # fmt: skip


def upgrade() -> None:
    """What was stored before has none until `anamnesis fhir fill` reads it again; edges are made
    anew by themselves."""
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} timestamptz")
    for column in ("start_width", "end_width"):
        op.execute(
            f'ALTER TABLE medical_edge ADD COLUMN {column} text COLLATE "C" '
            "NOT NULL DEFAULT 'day'"
        )
