"""Let vectors of notes be filtered by what kind of thing a note is, by conditions and by drugs."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """What was indexed before has none until `anamnesis index rebuild` fills it again."""
    op.execute(
        "ALTER TABLE vector_passage ADD COLUMN entity_type text COLLATE \"C\" NOT NULL DEFAULT '', "
        "ADD COLUMN conditions text[], ADD COLUMN medications text[]"
    )
