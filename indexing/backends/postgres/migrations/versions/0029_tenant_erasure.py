"""Tenants that were erased: the register that stays of them, and the gate that it closes."""

from __future__ import annotations

from alembic import context, op

revision = "0029"
down_revision = "0028"

_REGISTER = """
CREATE TABLE tenant_erasure (
    code text COLLATE "C" PRIMARY KEY,        -- never given to another tenant
    erased_id uuid NOT NULL UNIQUE,           -- whose it was; random, tells nothing by itself
    asked_by text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    export_to text NOT NULL,                  -- where the audit goes to first, '' for nowhere
    places jsonb,                             -- [leg, engine, space]: where indexes lay
    audit_rows bigint,                        -- of the chain, once nobody could add to it
    audit_hash bytea,                         -- of its last row: an exported chain ends with it
    removed jsonb NOT NULL DEFAULT '{}',      -- rows by table
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    exported_at timestamptz,
    finished_at timestamptz                   -- a scan found nothing
)
"""
# Every transaction of a tenant passes it. Plans are made anew for each call of the application's
# role where a value is bound: the one statement here binds none, and is planned once a connection.
_GATE = """
CREATE FUNCTION tenant_gate(t uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    gone uuid[] := ARRAY(SELECT erased_id FROM public.tenant_erasure);
BEGIN
    IF t = ANY (gone) THEN
        RAISE EXCEPTION 'this tenant is being erased, or was' USING ERRCODE = 'AN410';
    END IF;
    RETURN t::text;
END $$
"""


def upgrade() -> None:
    """It names no tenant that is there, and no patient: it is nobody's."""
    roles = context.config.attributes["roles"]
    app, feed = roles["app"], roles["feed"]
    op.execute(_REGISTER)
    op.execute(_GATE)
    op.execute(f"GRANT SELECT (code, erased_id) ON tenant_erasure TO {app}, {feed}")
    op.execute("REVOKE ALL ON FUNCTION tenant_gate(uuid) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION tenant_gate(uuid) TO {app}, {feed}")
