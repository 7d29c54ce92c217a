"""Record which engine serves each leg of a tenant, so that a move is one transaction that every
process follows."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """`index_namespace` was made for this and never used: it knew no engine."""
    op.execute("DROP TABLE index_namespace")
    op.execute(
        """
        CREATE TABLE index_place (
            tenant_id uuid NOT NULL,
            leg text COLLATE "C" NOT NULL CHECK (leg IN ('lexical', 'vector', 'graph')),
            stage text COLLATE "C" NOT NULL CHECK (stage IN ('serving', 'building', 'previous')),
            engine text COLLATE "C" NOT NULL,
            space uuid NOT NULL,
            behind boolean NOT NULL DEFAULT false,
            since timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (tenant_id, leg, stage)
        )
        """
    )
    op.execute("SELECT protect('index_place')")
