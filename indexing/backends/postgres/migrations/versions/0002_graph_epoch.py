"""Number the writes to the graph, so that a reader takes in only what changed since it looked."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A dropped and refilled graph is another era: its numbers begin again."""
    op.execute("ALTER TABLE graph_document ADD COLUMN epoch bigint NOT NULL DEFAULT 0")
    op.execute("CREATE INDEX graph_document_epoch ON graph_document (tenant_id, epoch)")
    op.execute("CREATE INDEX graph_document_patient ON graph_document (tenant_id, patient)")
    op.execute("ALTER TABLE graph_size ADD COLUMN epoch bigint NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE graph_size ADD COLUMN era uuid NOT NULL DEFAULT gen_random_uuid()")
