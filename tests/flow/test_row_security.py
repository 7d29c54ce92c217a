"""Row-level security: every relation, every write, and generated probes across tenants."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.documents import PostgresDocuments
from indexing.backends.postgres.installation import check_role
from indexing.errors import ConfigurationError, Forbidden, InvalidInput
from indexing.model import Tenant, TenantId

# Tables that hold no tenant's data; each is here with its reason.
WITHOUT_TENANT = {
    "cursor_position",  # how far each follower is: positions alone
    "login_failure",  # throttling: hashes of account and address, before any tenant is known
    "schema_version",  # Alembic's
    "tenant_erasure",  # the register of those who left: codes, when, why; no patient, no row theirs
}

RELATIONS = """
SELECT c.relname, c.relkind::text, c.relrowsecurity, c.relforcerowsecurity,
    EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
        AND a.attnotnull) AS has_tenant,
    EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant') AS policy
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""


def test_every_relation_is_a_tenants_or_on_the_list(
    installation: Installation, tenant: Tenant
) -> None:
    with installation.owner_database.transaction() as conn:
        rows = conn.execute(RELATIONS).fetchall()
    assert len(rows) > 15
    for name, kind, enabled, forced, has_tenant, policy in rows:
        assert kind not in {"m", "f"}, f"{name}: a materialised view or foreign table leaks"
        if name in WITHOUT_TENANT:
            continue
        assert has_tenant, f"{name} has no tenant_id NOT NULL"
        assert enabled, f"{name} has row security off"
        assert forced, f"{name} does not force it on its owner"
        assert policy, f"{name} has no tenant policy"


def test_every_key_and_index_of_a_tenants_table_starts_with_the_tenant(
    installation: Installation,
) -> None:
    with installation.owner_database.transaction() as conn:
        rows = conn.execute(
            "SELECT c.relname, i.relname, a.attname, x.indisunique FROM pg_index x "
            "JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_am am ON am.oid = i.relam "
            "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0] "
            "WHERE n.nspname = 'public' AND am.amname = 'btree'"
        ).fetchall()
    exempt = WITHOUT_TENANT | {"outbox"}  # the feed reads all tenants in order of position
    for table, index, column, unique in rows:
        if table in exempt or index == "tenant_code_key":  # the registry's codes are global
            continue
        if index.endswith("_secret") and not unique:
            continue  # a session or token is looked up by its hash before the tenant is known
        assert column == "tenant_id", f"{index} on {table} (unique: {unique})"


def test_no_foreign_key_crosses_tenants(installation: Installation) -> None:
    with installation.owner_database.transaction() as conn:
        rows = conn.execute(
            "SELECT conname, a.attname FROM pg_constraint k "
            "JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] "
            "WHERE k.contype = 'f'"
        ).fetchall()
    assert all(first == "tenant_id" for _, first in rows)


def _tables(installation: Installation) -> list[str]:
    with installation.owner_database.transaction() as conn:
        rows = conn.execute(RELATIONS).fetchall()
    partitions = {r[0] for r in rows if r[0].rpartition("_")[2].isalnum() and len(r[0]) > 40}
    return sorted({r[0] for r in rows} - WITHOUT_TENANT - partitions)


def test_no_tenant_no_rows(installation: Installation, tenant: Tenant, access: Access) -> None:
    with installation.database.tenant(tenant.tenant_id) as conn:
        audit.record(conn, access, AuditRow("R", "note", ["p1"]))
    for table in _tables(installation):
        try:
            with installation.database.transaction() as conn:
                row = conn.execute(
                    sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
                ).fetchone()
        except Forbidden:
            continue  # not even the right to ask
        assert row == (0,), table


def test_the_setting_ends_with_its_transaction(database: Database, tenant: Tenant) -> None:
    for _ in range(30):
        with database.tenant(tenant.tenant_id) as conn:
            assert conn.execute("SELECT count(*) FROM tenant").fetchone() == (1,)
        with database.transaction() as conn:
            assert conn.execute("SELECT count(*) FROM tenant").fetchone() == (0,)


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_generated_probes_across_tenants_read_and_write_nothing(
    installation: Installation, new_tenant: Callable[[], Tenant], count: int
) -> None:
    """SQL as the application's role, as one tenant after another's rows."""
    mine, theirs = new_tenant(), new_tenant()
    theirs_access = Access(theirs.tenant_id, "u", frozenset({Role.CLINICIAN}))
    with installation.database.tenant(theirs.tenant_id) as conn:
        for number in range(20):
            audit.record(conn, theirs_access, AuditRow("R", "note", [f"p{number}"]))
            conn.execute(
                "INSERT INTO document (tenant_id, doc_id, version, resource_type, resource_id, "
                "title, type, specialty, author, labels, live, text) VALUES "
                "(%s, %s, 1, 'DocumentReference', %s, '', '', '', '', '{}', true, 'secret')",
                (theirs.tenant_id, f"d{number}", f"d{number}"),
            )
    probes = _probes(random.Random(7), theirs.tenant_id, _tables(installation))
    with psycopg.connect(installation.conninfos.app, autocommit=True) as conn:
        for number in range(count):
            statement = next(probes)
            with conn.transaction(force_rollback=True):
                conn.execute("SELECT set_config('app.tenant', %s, true)", (str(mine.tenant_id),))
                try:
                    cursor = conn.execute(statement)
                except psycopg.errors.InsufficientPrivilege:
                    continue
                found = cursor.fetchall() if cursor.description else []
                touched = cursor.rowcount if not cursor.description else 0
                assert not found, f"probe {number} read rows"
                assert touched <= 0, f"probe {number} changed rows"


def _probes(chance: random.Random, theirs: TenantId, tables: list[str]):  # type: ignore[no-untyped-def]
    where = [
        sql.SQL("tenant_id = {}").format(theirs),
        sql.SQL("tenant_id::text LIKE {}").format(sql.Literal(str(theirs)[:8] + "%")),
        sql.SQL("tenant_id <> nullif(current_setting('app.tenant', true), '')::uuid"),
        sql.SQL("tenant_id IN (SELECT {})").format(theirs),
        sql.SQL("true AND tenant_id = {} OR tenant_id = {}").format(theirs, theirs),
    ]
    shapes = [
        "SELECT * FROM {t} WHERE {w} LIMIT 5",
        "SELECT 1 FROM {t} x WHERE EXISTS (SELECT 1 FROM {t} WHERE {w})",
        "SELECT string_agg(x::text, ',') FROM {t} x WHERE {w} HAVING count(*) > 0",
        "DELETE FROM {t} WHERE {w}",
        "UPDATE {t} SET tenant_id = tenant_id WHERE {w}",
        "WITH z AS (SELECT * FROM {t}) SELECT * FROM z WHERE {w}",
    ]
    while True:
        table = sql.Identifier(chance.choice(tables))
        yield sql.SQL(chance.choice(shapes)).format(t=table, w=chance.choice(where))


def test_a_row_for_another_tenant_is_refused(
    database: Database, new_tenant: Callable[[], Tenant]
) -> None:
    mine, theirs = new_tenant(), new_tenant()
    with pytest.raises(Forbidden), database.tenant(mine.tenant_id) as conn:
        conn.execute(
            "INSERT INTO outbox (tenant_id, kind, key, version) VALUES (%s, 'resource', 'x', 1)",
            (theirs.tenant_id,),
        )


def test_the_feed_role_reads_positions_and_nothing_else(
    installation: Installation, tenant: Tenant
) -> None:
    with installation.feed_database.transaction() as conn:
        conn.execute("SELECT count(*) FROM outbox")
    for table in set(_tables(installation)) - {"outbox"}:
        with pytest.raises(Forbidden), installation.feed_database.transaction() as conn:
            conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))


def test_a_partition_cannot_be_named_directly(installation: Installation, tenant: Tenant) -> None:
    suffix = tenant.tenant_id.hex
    with installation.owner_database.transaction() as conn:
        names = [
            r[0]
            for r in conn.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE %s",
                (f"%{suffix}",),
            )
        ]
    for name in names:
        with pytest.raises(Forbidden), installation.database.tenant(tenant.tenant_id) as conn:
            conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))


def test_a_role_that_bypasses_is_refused(installation: Installation) -> None:
    with pytest.raises(ConfigurationError, match="bypasses"):
        check_role(installation.conninfos.owner)


def test_audit_rows_chain_and_a_changed_one_is_found(
    installation: Installation, tenant: Tenant, access: Access
) -> None:
    with installation.database.tenant(tenant.tenant_id) as conn:
        for number in range(5):
            audit.record(conn, access, AuditRow("R", "note", [f"p{number}"], [f"D/{number}"]))
        assert audit.broken_at(conn) is None
    with pytest.raises(Forbidden), installation.database.tenant(tenant.tenant_id) as conn:
        conn.execute("UPDATE audit_event SET user_id = 'nobody'")
    with installation.owner_database.tenant(tenant.tenant_id) as conn:
        conn.execute("UPDATE audit_event SET user_id = 'nobody' WHERE seq = 3")
    with installation.database.tenant(tenant.tenant_id) as conn:
        assert audit.broken_at(conn) == 3


def test_an_unknown_tenant_id_reads_nothing(database: Database) -> None:
    with database.tenant(TenantId(uuid4())) as conn:
        assert conn.execute("SELECT count(*) FROM tenant").fetchone() == (0,)


@pytest.mark.parametrize("zone", ["CEST", "Mars/Olympus", "../etc/passwd", "", "Europe"])
def test_a_tenant_lives_in_a_time_zone_that_both_of_us_know(
    installation: Installation, zone: str
) -> None:
    """PostgreSQL takes CEST, and every read of the tenant failed after it."""
    own = uuid4()
    with pytest.raises(InvalidInput, match="no time zone"):
        installation.tenants.create(Tenant(TenantId(own), f"z-{own.hex[:12]}", "Z", time_zone=zone))


def test_a_plan_that_one_tenant_made_shows_another_nothing(
    installation: Installation, new_tenant: Callable[[], Tenant]
) -> None:
    """What a pipe prepares is planned once for a connection, which serves one tenant after another:
    the plan must hold whoever asks, not who asked first, nor what was open to them."""
    tenants = [new_tenant().tenant_id for _ in range(2)]
    for own in tenants:
        with installation.database.tenant(own) as conn:
            for doc_id, patient, labels in (("a", "p1", []), ("b", "p2", ["R"])):
                conn.execute(
                    "INSERT INTO document (tenant_id, doc_id, version, resource_type, resource_id, "
                    "title, type, specialty, author, patient_id, labels, live, text) VALUES "
                    "(%s, %s, 1, 'DocumentReference', %s, '', '', '', '', %s, %s, true, %s)",
                    (own, doc_id, doc_id, patient, labels, f"of {own}"),
                )
    database = Database(installation.conninfos.app, size=1)
    documents = PostgresDocuments(database)
    whole = frozenset({Role.CLINICIAN})
    for _ in range(9):
        for own in tenants:
            with database.piped(own) as conn:
                rows = conn.execute("SELECT text FROM document WHERE live").fetchall()
            assert rows == [(f"of {own}",)] * 2
            wide = Access(own, "u", whole, labels=LABELS)
            for access, open_ in (
                (wide, ["a", "b"]), (replace(wide, labels=frozenset()), ["a"]),
                (replace(wide, patients=frozenset({"p2"})), ["b"]),
                (replace(wide, patients=frozenset()), []),
            ):  # fmt: skip
                found = documents.fetch(access, ["a", "b"])
                assert [*found] == open_
                assert all(note.document.text == f"of {own}" for note in found.values())
    with database.transaction() as conn:
        [(kept,)] = conn.execute(
            "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE '%WHERE live'"
        ).fetchall()
        assert conn.execute("SHOW plan_cache_mode").fetchone() != ("force_generic_plan",)
    assert kept > 9
    database.close()
