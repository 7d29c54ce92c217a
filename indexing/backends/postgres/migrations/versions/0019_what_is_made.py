"""Keep which records features were told of, and with what a tenant's medical graph was made."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """`medical_made.upto` is the last key of a graph while it is made anew, "" for a whole one."""
    op.execute(
        """
        CREATE TABLE record_feature (
            tenant_id uuid NOT NULL,
            key text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            live boolean NOT NULL,
            PRIMARY KEY (tenant_id, key)
        )
        """
    )
    op.execute("SELECT protect('record_feature')")
    op.execute(
        """
        CREATE TABLE medical_made (
            tenant_id uuid PRIMARY KEY,
            made text NOT NULL,
            upto text COLLATE "C" NOT NULL DEFAULT ''
        )
        """
    )
    op.execute("SELECT protect('medical_made')")
