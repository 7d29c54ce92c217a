"""Keep cohorts: their versions, what each run found, and what reviewers said of the evidence."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """A definition may quote a patient like any question; members are ids."""
    op.execute(
        """
        CREATE TABLE saved_cohort (
            tenant_id uuid NOT NULL,
            cohort_id uuid NOT NULL DEFAULT gen_random_uuid(),
            name text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            definition text NOT NULL,
            changed_by text COLLATE "C" NOT NULL,
            changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            deidentified boolean NOT NULL,
            PRIMARY KEY (tenant_id, cohort_id),
            UNIQUE (tenant_id, name)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE cohort_version (
            tenant_id uuid NOT NULL,
            cohort_id uuid NOT NULL,
            version integer NOT NULL,
            definition text NOT NULL,
            changed_by text COLLATE "C" NOT NULL,
            changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (tenant_id, cohort_id, version)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE cohort_run (
            tenant_id uuid NOT NULL,
            run_id uuid NOT NULL DEFAULT gen_random_uuid(),
            cohort_id uuid NOT NULL,
            version integer NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            ran_by text COLLATE "C" NOT NULL,
            terminology text NOT NULL,
            model text NOT NULL,
            members text[] NOT NULL,
            counts jsonb NOT NULL,
            PRIMARY KEY (tenant_id, run_id)
        )
        """
    )
    op.execute("CREATE INDEX cohort_run_of ON cohort_run (tenant_id, cohort_id, at)")
    op.execute(
        """
        CREATE TABLE cohort_review (
            tenant_id uuid NOT NULL,
            cohort_id uuid NOT NULL,
            patient_id text COLLATE "C" NOT NULL,
            criterion text COLLATE "C" NOT NULL,
            reviewer text COLLATE "C" NOT NULL,
            verdict text NOT NULL CHECK (verdict IN ('accept', 'reject')),
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (tenant_id, cohort_id, patient_id, criterion, reviewer)
        )
        """
    )
    for table in ("saved_cohort", "cohort_version", "cohort_run", "cohort_review"):
        op.execute(f"SELECT protect('{table}')")
