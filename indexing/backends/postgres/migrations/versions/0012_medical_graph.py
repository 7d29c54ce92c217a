"""Keep the medical graph: entries, their nodes, their edges."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

_KEY = 'text COLLATE "C" NOT NULL'


def upgrade() -> None:
    """An entry's nodes and edges carry its patient, so that each is closed by itself."""
    op.execute(
        f"CREATE TABLE medical_entry (tenant_id uuid NOT NULL, key {_KEY}, "
        "version bigint NOT NULL, live boolean NOT NULL, PRIMARY KEY (tenant_id, key))"
    )
    op.execute(
        f"CREATE TABLE medical_node (tenant_id uuid NOT NULL, key {_KEY}, node_id {_KEY}, "
        f'kind {_KEY}, name text NOT NULL, patient_id text COLLATE "C", '
        "PRIMARY KEY (tenant_id, key, node_id))"
    )
    op.execute("CREATE INDEX medical_node_id ON medical_node (tenant_id, node_id)")
    op.execute(
        f"CREATE TABLE medical_edge (tenant_id uuid NOT NULL, key {_KEY}, source {_KEY}, "
        f'relation {_KEY}, target {_KEY}, patient_id text COLLATE "C", start_at timestamptz, '
        "end_at timestamptz, labels text[] NOT NULL, properties jsonb NOT NULL)"
    )
    op.execute("CREATE INDEX medical_edge_key ON medical_edge (tenant_id, key)")
    op.execute("CREATE INDEX medical_edge_patient ON medical_edge (tenant_id, patient_id)")
    op.execute("CREATE INDEX medical_edge_target ON medical_edge (tenant_id, target, relation)")
    op.execute("CREATE INDEX medical_edge_source ON medical_edge (tenant_id, source, relation)")
    for table in ("medical_entry", "medical_node", "medical_edge"):
        op.execute(f"SELECT protect('{table}')")
