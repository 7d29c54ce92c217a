"""The product behind PgBouncer in transaction mode, and what it says where the way past it is not
given. The server itself is a PostgreSQL of its own, not the embedded one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from threading import Event, Thread
from typing import TypeVar

import pytest
from pydantic import SecretStr

from app.following import catch_up
from app.settings import Settings
from app.wiring import Installation
from indexing.audit import AuditRow
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.installation import ROLES, load_secrets, prepare
from indexing.errors import ConfigurationError, EngineUnavailable
from rankers.answer import SearchRequest
from tests import ward
from tests.engines import POOLED_ROLES, EngineServer
from tests.ward import Ward

T = TypeVar("T")

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def pooled(
    pgbouncer: EngineServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation whose roles PgBouncer knows."""
    if pgbouncer.script is None:
        pytest.skip("a site's own pooler has its roles set by hand")
    home = tmp_path_factory.mktemp("pooled")
    secrets = load_secrets(home)
    roles = {ROLES["app"]: secrets.app, ROLES["feed"]: secrets.feed}
    POOLED_ROLES.write_text("".join(f'"{name}" "{word}"\n' for name, word in roles.items()))
    pgbouncer.crash()
    pgbouncer.start()
    wanted = ("database_url", "database_direct_url")
    url, direct = (SecretStr(pgbouncer.settings[each]) for each in wanted)
    built = Installation(Settings(home=home, database_url=url, database_direct_url=direct))
    _ = built.conninfos
    yield built
    built.close()


@pytest.fixture(scope="module")
def hospital(pooled: Installation) -> Ward:
    return ward.build(pooled)


def test_a_ward_is_stored_followed_and_searched_through_the_pooler(
    pooled: Installation, hospital: Ward
) -> None:
    own = hospital.tenant.tenant_id
    assert pooled.derived.live(own).keys() == ward.NOTES.keys()
    for index in (pooled.lexical, pooled.vector, pooled.graph):
        assert index.entries(own).keys() == ward.NOTES.keys()
    for _ in range(12):  # past the fifth time, at which a driver would prepare a statement
        answer = pooled.search.answer(hospital.access, SearchRequest("chest pain"))
        assert answer.hits[0].doc_id == "note-angina"
        assert not answer.missing
        access = replace(hospital.access, user_id="piped")
        row = AuditRow("E", "search")
        with pooled.documents.reading(access, ["note-angina"], 1, row) as notes:
            assert notes.keys() == {"note-angina"}
    trail = hospital.services.trail
    rows = trail.read(hospital.access, patient_id=None, user="piped", before=None, limit=20)
    assert [list(row.entities) for row in rows] == [["Document/note-angina"]] * 12


def test_the_tenant_ends_with_its_transaction(pooled: Installation, hospital: Ward) -> None:
    """One server is lent to many: what one transaction set, the next must not find."""
    one = Database(pooled.conninfos.app, size=1, direct=pooled.conninfos.direct_app)
    with one.tenant(hospital.tenant.tenant_id) as conn:
        assert conn.execute("SELECT count(*) FROM document").fetchone() == (len(ward.NOTES),)
    for _ in range(20):
        with one.transaction() as conn:
            row = conn.execute(
                "SELECT count(*), coalesce(current_setting('app.tenant', true), '') FROM document"
            ).fetchone()
        assert row == (0, "")
    assert len(one.rows(hospital.tenant.tenant_id, "SELECT 1 FROM document")[0]) == len(ward.NOTES)
    one.close()


def test_news_and_locks_go_past_the_pooler(pooled: Installation, hospital: Ward) -> None:
    with pooled.feed.lock("pooled") as first, pooled.feed.lock("pooled") as second:
        assert (first, second) == (True, False)
    ears, heard, waiting = pooled.new_feed(), Event(), Event()
    ears.wait(0)  # listening from here on

    def listen() -> None:
        waiting.set()
        if ears.wait(60):
            heard.set()

    listener = Thread(target=listen)
    listener.start()
    waiting.wait(60)
    with pooled.database.tenant(hospital.tenant.tenant_id) as conn:
        conn.execute("NOTIFY anamnesis_feed")
    listener.join(60)
    assert heard.is_set()
    assert ears._ears is not None
    ears._ears.close()


def again(ask: Callable[[], T]) -> T:
    """Ask until every connection that died has been found out; each costs one question."""
    for _ in range(30):
        with suppress(EngineUnavailable):
            return ask()
    return ask()


@pytest.mark.parametrize("_time", range(3))
def test_a_killed_pooler_loses_nothing_and_is_found_again(
    pooled: Installation, hospital: Ward, pgbouncer: EngineServer, _time: int
) -> None:
    own = hospital.tenant.tenant_id
    before = pooled.derived.live(own)
    pgbouncer.crash()
    with pytest.raises(EngineUnavailable):
        pooled.derived.live(own)
    pgbouncer.start()
    assert again(lambda: pooled.derived.live(own)) == before
    again(lambda: catch_up(pooled))
    assert pooled.search.answer(hospital.access, SearchRequest("chest pain")).hits


def test_a_pooler_without_a_way_past_it_is_refused(
    pooled: Installation, pgbouncer: EngineServer
) -> None:
    with pytest.raises(ConfigurationError, match="through a pooler"):
        prepare(pooled.home, pgbouncer.settings["database_url"])
