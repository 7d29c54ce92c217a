"""Keep what notes say of patients as features, and number the changes of each patient."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Structured features are read from the projections, which ingest keeps in step itself; of
    them only the change is noted. A note with a restricting label gives no features."""
    op.execute(
        """
        CREATE TABLE note_feature (
            tenant_id uuid NOT NULL,
            doc_id text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            live boolean NOT NULL,
            patient_id text COLLATE "C",
            at timestamptz,
            observed text[] NOT NULL,
            excluded text[] NOT NULL,
            PRIMARY KEY (tenant_id, doc_id)
        )
        """
    )
    op.execute("CREATE INDEX note_feature_patient ON note_feature (tenant_id, patient_id)")
    op.execute("SELECT protect('note_feature')")
    op.execute(
        """
        CREATE TABLE feature_change (
            tenant_id uuid NOT NULL,
            patient_id text COLLATE "C" NOT NULL,
            epoch bigint NOT NULL,
            PRIMARY KEY (tenant_id, patient_id)
        )
        """
    )
    op.execute("CREATE INDEX feature_change_epoch ON feature_change (tenant_id, epoch)")
    op.execute("SELECT protect('feature_change')")
    op.execute(
        "CREATE TABLE feature_epoch (tenant_id uuid PRIMARY KEY, "
        "era uuid NOT NULL DEFAULT gen_random_uuid(), epoch bigint NOT NULL, "
        "at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    op.execute("SELECT protect('feature_epoch')")
    # Who may not be shown: few, and asked for with every question about similar patients.
    op.execute(
        "CREATE INDEX resource_closed_patient ON resource (tenant_id, id) "
        "WHERE type = 'Patient' AND (deleted OR labels <> '{}')"
    )
