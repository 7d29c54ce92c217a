"""Notes read for a question: in one trip, and recorded beside being described."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from psycopg_pool import PoolTimeout

from app.answers import answered
from app.views import view_of
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.audit import AuditRow
from indexing.backends.postgres import connect
from indexing.backends.postgres.connect import Database, errors_mapped
from indexing.backends.postgres.documents import PostgresDocuments
from indexing.backends.postgres.identities import PostgresIdentities
from indexing.errors import AnamnesisError, EngineUnavailable, EventRejected, NotFound
from rankers.answer import SearchRequest
from tests.ward import Ward

ROW = AuditRow("E", "search")


@pytest.fixture
def access(ward: Ward) -> Access:
    """A clinician of the ward."""
    return Access(ward.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))


def recorded(ward: Ward) -> list[list[str]]:
    rows = ward.services.trail.read(ward.access, patient_id=None, user="dr", before=None, limit=9)
    return [list(row.entities) for row in rows]


def test_the_first_that_are_there_are_read_and_recorded(
    installation: Installation, ward: Ward, access: Access
) -> None:
    ids = ["gone", "note-edema", "note-angina", "note-denies"]
    with installation.documents.reading(access, ids, 2, ROW) as notes:
        assert list(notes) == ids[1:3]
    assert recorded(ward)[0] == ["Document/note-edema", "Document/note-angina"]


def test_a_read_is_recorded_whatever_becomes_of_it(
    installation: Installation, ward: Ward, access: Access
) -> None:
    before = len(recorded(ward))
    with (
        pytest.raises(ZeroDivisionError),
        installation.documents.reading(access, ["note-denies"], 1, ROW) as notes,
    ):
        _ = len(notes) / 0
    assert len(recorded(ward)) == before + 1


def test_a_statement_behind_an_error_serves_on(installation: Installation, access: Access) -> None:
    """The driver prepares what was asked five times; behind an error the server never does."""
    database = Database(installation.conninfos.app, size=1)
    for fault in ("SELECT 1 / 0", "SELECT 'x'::uuid"):
        asked = f"SELECT %s::int + {len(fault)}"
        for _ in range(5):
            with database.piped(access.tenant_id) as conn:
                conn.execute(asked, (1,))
        with suppress(AnamnesisError), database.piped(access.tenant_id) as conn:
            conn.execute(fault)
            conn.execute(asked, (1,))
        for _ in range(3):
            with database.piped(access.tenant_id) as conn:
                assert conn.execute(asked, (1,)).fetchone() == (1 + len(fault),)
    database.close()


def test_what_an_answer_reads_is_planned_once(installation: Installation, access: Access) -> None:
    database = Database(installation.conninfos.app, size=1)
    documents = PostgresDocuments(database)
    for number in range(9):
        documents.fetch(access, ["note-edema", f"note-{number}"])
    with database.transaction() as conn:
        planned = conn.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements "
            "WHERE statement LIKE '%annotation%' OR statement LIKE '%copied_paragraph%'"
        ).fetchall()
    assert len(planned) == 2
    assert all(once > 0 and anew == 0 for once, anew in planned)
    database.close()


def test_no_plan_is_kept_for_long(
    installation: Installation, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was planned for an empty table would read a full one from end to end."""
    database = Database(installation.conninfos.app, size=1)
    asked = "SELECT number FROM pg_temp.filling WHERE number = %s"
    filled = "INSERT INTO filling SELECT n, repeat('x', 900) FROM generate_series(%s::int, %s) n"

    def planned() -> str:
        with database.piped(access.tenant_id) as conn:
            conn.execute(asked, (1,)).fetchall()
            [(name,)] = conn.execute(
                "SELECT name FROM pg_prepared_statements WHERE statement LIKE '%filling%number = %'"
            ).fetchall()
            return str(conn.execute(f"EXPLAIN EXECUTE {name}(1)").fetchall())

    with database.transaction() as conn:
        conn.execute("CREATE TEMP TABLE filling (number int PRIMARY KEY, rest text)")
        conn.execute(filled, (1, 2))
        conn.execute("ANALYZE filling")
    for _ in range(6):
        with database.piped(access.tenant_id) as conn:
            conn.execute(asked, (1,))
    assert "Seq Scan" in planned()
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO filling SELECT n, repeat('x', 900) FROM generate_series(3, 9999) n"
        )
    assert "Seq Scan" in planned()
    monkeypatch.setattr(connect, "_CHECK_S", 0.0)
    monkeypatch.setattr(connect, "_REPLAN_S", 0.0)
    assert "Index" in planned()
    database.close()


def test_a_connection_plans_anew_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lent:
        autocommit = True

        def __init__(self) -> None:
            self.asked: list[str] = []

        def execute(self, statement: str) -> None:
            self.asked.append(statement)

    lent, moments = Lent(), (100.0, 100.5, 102.0, 131.0, 133.0, 160.0, 162.0)
    told = iter(moments)
    monkeypatch.setattr(connect.time, "monotonic", lambda: next(told))
    for _ in moments:
        connect._checked(lent)  # type: ignore[arg-type]
    assert lent.asked == ["", "", "DISCARD PLANS", "", "", "DISCARD PLANS"]


def test_what_a_block_refuses_itself_costs_no_connection(
    installation: Installation, access: Access
) -> None:
    database = Database(installation.conninfos.app, size=1)
    served = "SELECT pg_backend_pid()"
    with database.piped(access.tenant_id) as conn:
        before = conn.execute(served).fetchone()
    with pytest.raises(NotFound), database.piped(access.tenant_id) as conn:
        raise NotFound("no such note")
    with database.piped(access.tenant_id) as conn:
        assert conn.execute(served).fetchone() == before
    database.close()


def test_a_piped_transaction_is_its_tenants_alone(
    installation: Installation, access: Access
) -> None:
    database = installation.database
    count = "SELECT count(*) FROM document"
    with database.piped(access.tenant_id) as conn:
        own = conn.execute(count)
    assert own.fetchone() == (3,)
    with database.transaction() as conn:  # the setting has ended with it
        assert conn.execute(count).fetchone() == (0,)


def test_what_is_refused_in_a_pipe_fails_its_block_and_is_never_told(
    installation: Installation, access: Access, caplog: pytest.LogCaptureFixture
) -> None:
    database, wrong = installation.database, "SELECT %s::int"
    with pytest.raises(EventRejected) as told, database.piped(access.tenant_id) as conn:
        conn.execute(wrong, ("Ada Example",))
    assert "Ada" not in str(told.value)
    with suppress(ZeroDivisionError), database.piped(access.tenant_id) as conn:
        conn.execute(wrong, ("Ada Example",))
        _ = 1 / 0
    assert "Ada" not in caplog.text  # the driver would tell what failed beside, values and all
    with database.piped(access.tenant_id) as conn:  # the connection serves on
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_who_hides_asks_for_no_second_connection_with_one_in_hand(
    installation: Installation, ward: Ward, access: Access
) -> None:
    """As many as there are connections would each wait for another's."""
    one = Database(installation.conninfos.app, size=1)
    own = replace(ward.services, identities=PostgresIdentities(one))
    researcher = replace(access, roles=frozenset({Role.RESEARCHER}))
    request = SearchRequest("chest pain")
    for asking in (access, researcher):
        answer = answered(view_of(own, asking), PostgresDocuments(one), asking, request)
        assert len(answer.hits) == 2
    assert len(recorded(ward)[0]) == len(recorded(ward)[1]) == 2
    one.close()


def test_where_no_connection_comes_free_that_is_said() -> None:
    with pytest.raises(EngineUnavailable, match="came free"), errors_mapped():
        raise PoolTimeout


def test_a_connection_killed_in_a_pipe_fails_its_read_and_the_next_one_serves(
    installation: Installation, ward: Ward, access: Access
) -> None:
    one = Database(installation.conninfos.app, size=1, name="killed")
    documents, shown = PostgresDocuments(one), []

    def killed() -> None:
        with documents.reading(access, ["note-denies"], 1, ROW) as notes:
            shown.append(len(notes))
            with installation.database.transaction() as conn:
                conn.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE application_name = 'killed'"
                )

    for _ in range(3):
        with pytest.raises(EngineUnavailable):
            killed()
        assert documents.fetch(access, ["note-denies"]).keys() == {"note-denies"}
    assert shown == [1, 1, 1]
    one.close()
