"""Say by when a prediction is to be judged and what decided it; find the newest stay at once."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """What was filled in before stays, and is looked at again with the next news of its chart."""
    op.execute("ALTER TABLE outlook_prediction ADD COLUMN due_at timestamptz")
    op.execute(
        'ALTER TABLE outlook_prediction ADD COLUMN decided_by text[] COLLATE "C" '
        "NOT NULL DEFAULT '{}'"
    )
    op.execute(
        "CREATE INDEX encounter_heard ON encounter (tenant_id, (coalesce(date_end, date_start)))"
    )
