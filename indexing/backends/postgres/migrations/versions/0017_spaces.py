"""Keep the vector spaces beside the notes': patients, medical concepts, research."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"

_KEY = 'text COLLATE "C" NOT NULL'
_OF = f"tenant_id uuid NOT NULL, space {_KEY}, doc_id {_KEY}"


def upgrade() -> None:
    """`space` names the model and its dimension too: two models lie beside each other."""
    op.execute(
        f"CREATE TABLE space_document ({_OF}, version bigint NOT NULL, live boolean NOT NULL, "
        "PRIMARY KEY (tenant_id, space, doc_id))"
    )
    op.execute(
        f"CREATE TABLE space_vector ({_OF}, number integer NOT NULL, "
        'patient_id text COLLATE "C", date_start timestamptz, date_end timestamptz, labels text[], '
        "texts jsonb NOT NULL, amounts jsonb NOT NULL, embedding vector NOT NULL, "
        "PRIMARY KEY (tenant_id, space, doc_id, number))"
    )
    for table in ("space_document", "space_vector"):
        op.execute(f"SELECT protect('{table}')")
