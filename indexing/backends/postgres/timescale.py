"""Points in a TimescaleDB hypertable, where the extension is present.

Its Apache edition has no continuous aggregates, compression or retention, and aggregates are
refused on tables with row security: so it is a partitioned table here, and roll-ups and retention
stay our own. Chunks do not inherit the policy but do get the table's rights: both are set right in
the transaction that made them, so that nobody can ever name a chunk and read past the policy.
"""

from __future__ import annotations

from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.vitals import PostgresVitals
from indexing.errors import ConfigurationError

TABLE = "vital_hyper"

# The same columns as vital_point; chunks of a week keep a month of minutes in memory.
_MAKE = (
    f"CREATE TABLE {TABLE} (LIKE vital_point INCLUDING DEFAULTS)",
    f"ALTER TABLE {TABLE} ADD PRIMARY KEY (tenant_id, series_id, at)",
    f"SELECT create_hypertable('{TABLE}', by_range('at', INTERVAL '7 days'))",
    f"SELECT protect('{TABLE}')",
    """
    CREATE FUNCTION vital_seal() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    DECLARE chunk regclass;
    BEGIN
        FOR chunk IN
            SELECT i.inhrelid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'public.vital_hyper'::regclass
                AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner)
        LOOP
            EXECUTE format('REVOKE ALL ON %s FROM {app}', chunk);
        END LOOP;
    END $$
    """,
    "REVOKE ALL ON FUNCTION vital_seal() FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION vital_seal() TO {app}",
)


def timescale_vitals(database: Database, owner: Database, app: str) -> PostgresVitals:
    """Return the engine; its table is made when it is first asked for. `app` is the role's name.

    Raises:
        ConfigurationError: the extension is not in this database.
    """
    with owner.transaction() as conn:
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('vital_hyper', 0))")
        row = conn.execute(
            "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb'), "
            f"to_regclass('public.{TABLE}') IS NOT NULL"
        ).fetchone()
        assert row is not None
        if not row[0]:
            raise ConfigurationError(
                "this database has no TimescaleDB",
                hint="let its super-user CREATE EXTENSION timescaledb, or use postgres",
            )
        for statement in () if row[1] else _MAKE:
            conn.execute(statement.replace("{app}", app))
    return PostgresVitals(database, TABLE, _sealed)


def _sealed(conn: Connection) -> None:
    conn.execute("SELECT vital_seal()")
