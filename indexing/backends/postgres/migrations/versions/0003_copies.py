"""Keep the prints of paragraphs, and which of them were copied from an earlier note."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """`marks` are n rows of one byte per permutation: no text can be read from them."""
    op.execute(
        """
        CREATE TABLE copy_print (
            tenant_id uuid NOT NULL,
            doc_id text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            patient_id text COLLATE "C",
            places integer[] NOT NULL,
            marks bytea STORAGE EXTERNAL NOT NULL,
            PRIMARY KEY (tenant_id, doc_id)
        )
        """
    )
    op.execute("CREATE INDEX copy_print_patient ON copy_print (tenant_id, patient_id)")
    op.execute("SELECT protect('copy_print')")
    op.execute(
        """
        CREATE TABLE copied_paragraph (
            tenant_id uuid NOT NULL,
            doc_id text COLLATE "C" NOT NULL,
            start_at integer NOT NULL,
            end_at integer NOT NULL,
            first_id text COLLATE "C" NOT NULL,
            first_start integer NOT NULL,
            first_end integer NOT NULL,
            PRIMARY KEY (tenant_id, doc_id, start_at)
        )
        """
    )
    op.execute("CREATE INDEX copied_paragraph_first ON copied_paragraph (tenant_id, first_id)")
    op.execute("SELECT protect('copied_paragraph')")
