"""Keep what the medical graph tells of a treatment: complications, how often, what is advised."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"

COLUMNS = (
    ("procedure", "complication"), ("medication_request", "frequency"),
    ("medication_statement", "frequency"), ("risk_assessment", "mitigation"),
)  # fmt: skip


def upgrade() -> None:
    """What was stored before has none until `anamnesis fhir fill` reads it again."""
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} text")
