"""Keep the hits that readers called wrong, for the lab."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """`question` holds what was asked: patient data like any note."""
    op.execute(
        """
        CREATE TABLE trap_candidate (
            tenant_id uuid NOT NULL,
            candidate_id bigint GENERATED ALWAYS AS IDENTITY,
            page_id text COLLATE "C" NOT NULL,
            user_id text COLLATE "C" NOT NULL,
            doc_id text COLLATE "C" NOT NULL,
            wrong text NOT NULL CHECK (wrong IN ('denied', 'other_patient', 'old', 'off_topic')),
            rank integer NOT NULL,
            question jsonb NOT NULL,
            filed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (tenant_id, candidate_id),
            UNIQUE (tenant_id, page_id, user_id, doc_id)
        )
        """
    )
    op.execute("SELECT protect('trap_candidate')")
