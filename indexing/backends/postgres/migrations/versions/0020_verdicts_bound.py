"""Bind a verdict to how its criterion was worded and to the evidence that was judged."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """What was said before is kept under no wording, so that it is asked again."""
    for column in ("wording text COLLATE \"C\" NOT NULL DEFAULT ''",
                   "evidence text COLLATE \"C\" NOT NULL DEFAULT ''",
                   "version integer NOT NULL DEFAULT 0"):  # fmt: skip
        op.execute(f"ALTER TABLE cohort_review ADD COLUMN {column}")
    op.execute("ALTER TABLE cohort_review DROP CONSTRAINT cohort_review_pkey")
    op.execute(
        "ALTER TABLE cohort_review ADD PRIMARY KEY "
        "(tenant_id, cohort_id, patient_id, criterion, reviewer, wording)"
    )
