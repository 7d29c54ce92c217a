"""Let a question read what notes carry in a field without reading the notes."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Each is walked from value to value: a hospital of a million notes has hundreds of them. An
    entry of a B-tree has at most 2,704 bytes, and a note may name all who wrote it."""
    for name in ("type", "specialty", "author"):
        op.execute(
            f"CREATE INDEX document_{name} ON document (tenant_id, {name}) "
            f"WHERE live AND octet_length({name}) <= 2000"
        )
