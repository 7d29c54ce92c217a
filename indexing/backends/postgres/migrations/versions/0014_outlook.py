"""Outcome models, what they told and what happened then; a tenant's switches, off until set."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"

_TABLES = {
    "outlook_switch": """
        tenant_id uuid PRIMARY KEY,
        predictions boolean NOT NULL DEFAULT false,
        treatments boolean NOT NULL DEFAULT false,
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
    """,
    "outlook_model": """
        tenant_id uuid NOT NULL,
        name text COLLATE "C" NOT NULL,
        version text COLLATE "C" NOT NULL,
        kind text COLLATE "C" NOT NULL CHECK (kind IN ('nearest', 'onnx')),
        type text COLLATE "C" NOT NULL,
        description text NOT NULL,
        parameters jsonb NOT NULL,
        training jsonb NOT NULL,
        metrics jsonb NOT NULL,
        status text COLLATE "C" NOT NULL CHECK (status IN ('active', 'retired')),
        digest text COLLATE "C" NOT NULL,         -- sha256 of `body`, '' for what is built in
        body bytea STORAGE EXTERNAL,
        registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant_id, name, version)
    """,
    "outlook_prediction": """
        tenant_id uuid NOT NULL,
        prediction_id text COLLATE "C" NOT NULL,  -- also the id of its RiskAssessment
        patient_id text COLLATE "C" NOT NULL,
        model text COLLATE "C" NOT NULL,
        version text COLLATE "C" NOT NULL,
        type text COLLATE "C" NOT NULL,
        chance double precision,                  -- NULL: withheld
        low double precision NOT NULL,
        high double precision NOT NULL,
        likeness double precision NOT NULL,
        why text NOT NULL,
        evidence jsonb NOT NULL,                  -- ids of patients alike, shared features, counts
        made_at timestamptz NOT NULL,
        made_by text COLLATE "C" NOT NULL,
        actual boolean,
        actual_at timestamptz,
        PRIMARY KEY (tenant_id, prediction_id),
        FOREIGN KEY (tenant_id, model, version) REFERENCES outlook_model (tenant_id, name, version)
    """,
}


def upgrade() -> None:
    """Each is a tenant's alone."""
    for name, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {name} ({columns})")
        op.execute(f"SELECT protect('{name}')")
    op.execute(
        "CREATE INDEX outlook_prediction_patient ON outlook_prediction "
        "(tenant_id, patient_id, made_at)"
    )
