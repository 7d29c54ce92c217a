"""Keep what resources are searched by, one table for each kind of value.

Equality and ranges on plain columns alone: under a policy nothing else reaches an index. Numbers
are double precision, whose comparison is leakproof; that of numeric is not.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

_KEY = 'text COLLATE "C" NOT NULL'
_NUMBER = "double precision NOT NULL"
# table -> its value columns, and what its index holds behind (tenant, type, name)
_TABLES = {
    "search_token": (f"code {_KEY}, system {_KEY}", "code, system"),
    "search_string": (f"value {_KEY}, folded text, exact text NOT NULL", "value"),
    "search_date": ("low timestamptz NOT NULL, high timestamptz NOT NULL", "low, high"),
    "search_reference": (f"target_type {_KEY}, target_id {_KEY}", "target_id, target_type"),
    "search_quantity": (
        f"low {_NUMBER}, high {_NUMBER}, code {_KEY}, system {_KEY}, unit {_KEY}",
        "low, high",
    ),
}


def upgrade() -> None:
    """A tenant that has resources already is marked: its search answers once they are filled in
    by `anamnesis fhir fill`."""
    for table, (columns, indexed) in _TABLES.items():
        op.execute(
            f"CREATE TABLE {table} (tenant_id uuid NOT NULL, resource_type {_KEY}, name {_KEY}, "
            f"{columns}, resource_id {_KEY})"
        )
        op.execute(
            f"CREATE INDEX {table}_value ON {table} (tenant_id, resource_type, name, {indexed})"
        )
        op.execute(f"CREATE INDEX {table}_resource ON {table} (tenant_id, resource_id)")
        op.execute(f"ALTER TABLE {table} SET (autovacuum_analyze_scale_factor = 0.02)")
        op.execute(f"SELECT protect('{table}')")
    op.execute(
        "CREATE TABLE search_unfilled (tenant_id uuid PRIMARY KEY, "
        "since timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    # The owner is under the policy too, so each tenant's rows are asked for in its own name.
    op.execute(
        """
        DO $$ DECLARE t uuid; BEGIN
            ALTER TABLE tenant NO FORCE ROW LEVEL SECURITY;
            FOR t IN SELECT tenant_id FROM tenant LOOP
                PERFORM set_config('app.tenant', t::text, true);
                INSERT INTO search_unfilled (tenant_id)
                SELECT t WHERE EXISTS (SELECT FROM resource WHERE tenant_id = t);
            END LOOP;
            ALTER TABLE tenant FORCE ROW LEVEL SECURITY;
            PERFORM set_config('app.tenant', '', true);
        END $$
        """
    )
    op.execute("SELECT protect('search_unfilled')")
