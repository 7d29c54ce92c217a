"""Number the writes to the vectors, so that a reader takes in only what changed since it looked."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A dropped and refilled index is another era: its numbers begin again."""
    op.execute("ALTER TABLE vector_document ADD COLUMN epoch bigint NOT NULL DEFAULT 0")
    op.execute("CREATE INDEX vector_document_epoch ON vector_document (tenant_id, epoch)")
    op.execute(
        "CREATE TABLE vector_size (tenant_id uuid PRIMARY KEY, "
        "era uuid NOT NULL DEFAULT gen_random_uuid(), epoch bigint NOT NULL)"
    )
    op.execute("SELECT protect('vector_size')")
    # What a follower has still to read is of one kind: the page asks for it with every question.
    op.execute("CREATE INDEX outbox_kind ON outbox (tenant_id, kind, xid, row)")
    op.execute("DROP INDEX outbox_tenant")
