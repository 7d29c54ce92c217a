"""Keep how vague the beginning of a note's Period is, where it ends at another time."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """A note begins in [date_start, date_until); where that is null its date is [date_start,
    date_end). What was stored before has none until `anamnesis fhir fill` reads it again."""
    op.execute("ALTER TABLE document ADD COLUMN date_until timestamptz")
