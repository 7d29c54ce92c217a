"""Name the model whose vectors a tenant's index holds: another model's question has no answer in
it, and another model's vectors no place."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """ "" was written before this was known: it is taken for the reader's own until it is filled
    anew."""
    op.execute("""ALTER TABLE vector_size ADD COLUMN model text COLLATE "C" NOT NULL DEFAULT ''""")
