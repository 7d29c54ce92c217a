"""Fixtures that every suite shares: the public data, and one real embedded database per run."""

from __future__ import annotations

import functools
import gc
import os
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
import typer.testing
from psycopg import sql

from app.memory import collect_seldom
from app.settings import Settings
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.embedded import SUPERUSER, Server
from indexing.backends.postgres.installation import ROLES, load_secrets
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.model import Tenant
from tests import engines
from tests.engines import EngineServer

# A busy machine is slow, not wrong: no test is judged by its time.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")
os.environ.setdefault("ANAMNESIS_LEG_PATIENCE_S", f"{engines.PATIENT_S}")
os.environ.setdefault("ANAMNESIS_LEG_TIMEOUT_S", "30")  # its 2 s pass where others share the cores

# A CliRunner makes all commands anew of their functions each time, for a tenth of a second.
typer.testing._get_command = functools.cache(typer.testing._get_command)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data beside the project; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the public data beside the project is missing, and CI must not skip it")
        pytest.skip("needs the public data beside the project")
    return SHARED


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home folder whose embedded PostgreSQL runs for this test process."""
    folder = tmp_path_factory.mktemp("home")
    yield folder
    _end(Server(folder), signal.SIGQUIT)  # without a checkpoint: nobody reads it again


@pytest.fixture(scope="session")
def installation(home: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """One installation on a real embedded database, shared by the tests of this process.

    ANAMNESIS_LEXICAL, _VECTOR, _GRAPH, _MEDICAL, _VITALS and _CACHE choose its engines; their
    servers are started.
    """
    chosen = Settings(home=home)
    served: dict[str, str] = {}
    used = {
        chosen.lexical, chosen.vector, chosen.graph, chosen.medical, chosen.vitals, chosen.cache,
        chosen.concept_engine,
    }  # fmt: skip
    for name in used - engines.EMBEDDED - {"timescale", "none"}:  # a database of its own; no cache
        served |= request.getfixturevalue(name).settings
    built = Installation(Settings(home=home, **served))
    _ = built.conninfos
    _hurry(home)
    yield built
    built.close()


def _hurry(home: Path) -> None:
    """Let an embedded server wait for no disk: kill -9 loses nothing by it, and no power is cut.
    And let a login hash once, not 4,096 times: thousands of connections are opened."""
    if not (server := Server(home)).running():
        return
    known = load_secrets(home)
    root = server.conninfo(SUPERUSER, known.superuser, "postgres")
    with psycopg.connect(root, autocommit=True) as conn:
        conn.execute("ALTER SYSTEM SET fsync = off")
        conn.execute("SELECT pg_reload_conf()")
        conn.execute("SET scram_iterations = 1")
        for name in ("owner", "app", "feed"):
            role, password = sql.Identifier(ROLES[name]), sql.Literal(getattr(known, name))
            conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, password))


@pytest.fixture(scope="session")
def database(installation: Installation) -> Database:
    """The application's role on the embedded database."""
    return installation.database


@pytest.fixture
def new_tenant(installation: Installation) -> Callable[[], Tenant]:
    """Make a tenant that no other test knows."""

    def make() -> Tenant:
        tenant_id = new_tenant_id()
        tenant = Tenant(tenant_id, f"t-{tenant_id.hex[:16]}", "A hospital")
        installation.tenants.create(tenant)
        return tenant

    return make


@pytest.fixture
def tenant(new_tenant: Callable[[], Tenant]) -> Tenant:
    """A fresh tenant."""
    return new_tenant()


@pytest.fixture
def access(tenant: Tenant) -> Access:
    """A clinician of the fresh tenant, cleared for no restricting label."""
    return Access(tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))


@pytest.fixture(scope="session")
def opensearch() -> Iterator[EngineServer]:
    """A real OpenSearch."""
    yield from engines.running("opensearch")


@pytest.fixture(scope="session")
def weaviate() -> Iterator[EngineServer]:
    """A real Weaviate."""
    yield from engines.running("weaviate")


@pytest.fixture(scope="session")
def neo4j() -> Iterator[EngineServer]:
    """A real Neo4j."""
    yield from engines.running("neo4j")


@pytest.fixture(scope="session")
def redis() -> Iterator[EngineServer]:
    """A real Redis."""
    yield from engines.running("redis")


@pytest.fixture(scope="session")
def influxdb() -> Iterator[EngineServer]:
    """A real InfluxDB 1.x."""
    yield from engines.running("influxdb")


@pytest.fixture(scope="session")
def victoriametrics() -> Iterator[EngineServer]:
    """A real VictoriaMetrics, which speaks half of InfluxDB's interface."""
    yield from engines.running("victoriametrics")


@pytest.fixture(scope="session")
def timescale_server() -> Iterator[EngineServer]:
    """A real PostgreSQL with TimescaleDB."""
    yield from engines.running("timescale")


@pytest.fixture(scope="session")
def timescale(
    tmp_path_factory: pytest.TempPathFactory, timescale_server: EngineServer
) -> Iterator[Installation]:
    """An installation on it."""
    settings = {"home": tmp_path_factory.mktemp("timescale"), **timescale_server.settings}
    built = Installation(Settings(vitals="timescale", **settings))  # type: ignore[arg-type]
    _ = built.conninfos
    address = timescale_server.settings["database_url"].rpartition("/")[0] + "/anamnesis"
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    yield built
    built.close()


@pytest.fixture(scope="session")
def pgbouncer() -> Iterator[EngineServer]:
    """A real PgBouncer in transaction mode before a PostgreSQL server."""
    yield from engines.running("pgbouncer")


@pytest.fixture
def crash() -> Callable[[Server], None]:
    """Kill a postmaster as a power cut would, and return when it is gone."""
    return lambda server: _end(server, signal.SIGKILL)


def _end(server: Server, how: signal.Signals) -> None:
    if (pid := server.pid()) is not None:
        os.kill(pid, how)
        while server.pid() is not None:
            os.sched_yield()


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name bytes by their argument: packed ones hold the time, and workers must agree on names."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for garbage as a process that serves does, and never among what collecting made.

    Thousands of tests and every module stay until the end: to go through them again and again
    took a sixth of the suite's time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
        collect_seldom()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the known gaps of each engine to fail."""
    engines.mark_known_gaps(items)
