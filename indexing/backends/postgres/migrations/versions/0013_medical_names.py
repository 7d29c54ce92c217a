"""Find the first entry that names a node without reading every entry that does."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """A common condition stands in the entries of thousands of patients."""
    op.execute("DROP INDEX medical_node_id")
    op.execute("CREATE INDEX medical_node_id ON medical_node (tenant_id, node_id, key)")
