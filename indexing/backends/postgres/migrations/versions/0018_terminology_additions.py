"""Keep a tenant's own names of concepts and concepts of its own."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """What a house calls things is its own: another tenant never sees it."""
    op.execute(
        """
        CREATE TABLE terminology_addition (
            tenant_id uuid NOT NULL,
            concept_id text COLLATE "C" NOT NULL,
            name text COLLATE "C" NOT NULL,
            kind text COLLATE "C" NOT NULL,
            semantic_type text COLLATE "C" NOT NULL,
            parent_id text COLLATE "C",
            place bigint GENERATED ALWAYS AS IDENTITY,
            PRIMARY KEY (tenant_id, concept_id, name)
        )
        """
    )
    op.execute("SELECT protect('terminology_addition')")
