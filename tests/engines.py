"""Real servers for tests: a site's own by the product's settings, else started beside the project.

`ANAMNESIS_ENGINES=require` (or CI=true) makes a missing server a failure instead of a skip.
A site tests its own cluster by setting the product's variables, such as ANAMNESIS_OPENSEARCH_URL.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from tests import known_gaps

if TYPE_CHECKING:  # no suite without its client needs it
    from indexing.backends.neo4j.connect import Address

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT.parent / "shared" / "engines"
EMBEDDED = frozenset({"memory", "tantivy", "postgres"})
PASSWORD = "a-password-for-tests"
PATIENT_S = 30.0  # for a sign of life: a busy machine is slow, not hung

# Three ranges of ports per checkout, the same each time: what a killed run left behind is found
# again. A run that says so has the second or third, and so servers of its own beside another's.
_SET = int(os.environ.get("ANAMNESIS_ENGINES_SET", "0"))
_OWN = 20_000 + 120 * (zlib.crc32(str(ROOT).encode()) % 100)
_FIRST_PORT = int(os.environ.get("ANAMNESIS_ENGINES_PORT", _OWN)) + 40 * _SET
_RUN = Path(f"/tmp/anamnesis-engines-{_FIRST_PORT}")
# Started by root, some servers run as somebody else, who must reach their programs.
_PUBLIC = "/var/cache/clinical-engines"
_OWN_CACHE = f"{Path.home()}/.cache/clinical-engines"
_PROGRAMS = os.environ.get("CLINICAL_ENGINES") or (_OWN_CACHE if os.geteuid() else _PUBLIC)
POOLED_ROLES = _RUN / "pgbouncer-roles"  # lines of PgBouncer's user list, read when it starts


def port(number: int) -> int:
    """Return the n-th port of this checkout."""
    return _FIRST_PORT + number


@dataclass(frozen=True, slots=True)
class Script:
    """How one server is started; `variables` go to its script, `settings` to the product."""

    command: tuple[str, ...]
    variables: Mapping[str, str]
    settings: Mapping[str, str]
    java: bool = False
    needs: tuple[str, ...] = ()


def _local(number: int, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{port(number)}"


# Weaviate takes five ports from its base on, the services six from theirs.
SERVERS: dict[str, Script] = {
    "opensearch": Script(
        ("jvm/opensearch.sh",),
        {
            "OPENSEARCH_PORT": f"{port(0)}", "OPENSEARCH_TRANSPORT_PORT": f"{port(1)}",
            "OPENSEARCH_JIT": "full",
        },
        {"opensearch_url": _local(0)},
        java=True,
    ),
    "neo4j": Script(
        ("jvm/neo4j.sh",),
        {"NEO4J_PORT": f"{port(2)}", "NEO4J_PASSWORD": PASSWORD},
        {
            "neo4j_url": _local(2, "bolt"), "neo4j_user": "neo4j", "neo4j_password": PASSWORD,
        },
        java=True,
    ),
    "weaviate": Script(
        ("native/weaviate.sh",),
        {"CLINICAL_WEAVIATE_PORT": f"{port(3)}", "CLINICAL_WEAVIATE_BASE_PORT": f"{port(4)}"},
        {"weaviate_url": _local(3), "weaviate_grpc": f"127.0.0.1:{port(4)}"},
    ),
    "postgres": Script(
        ("native/postgres.sh",),
        {"CLINICAL_PG_PORT": f"{port(10)}", "CLINICAL_PG_PASSWORD": PASSWORD},
        {"database_url": f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port(10)}/postgres"},
    ),
    "timescale": Script(
        ("native/timescale.sh",),
        {"CLINICAL_TIMESCALE_PORT": f"{port(17)}", "CLINICAL_PG_PASSWORD": PASSWORD},
        {"database_url": f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port(17)}/postgres"},
    ),
    "redis": Script(
        ("native/services.sh", "redis"),
        {"CLINICAL_SERVICES_PORT": f"{port(11)}"},
        {"redis_url": f"redis://127.0.0.1:{port(11)}/0"},
    ),
    "influxdb": Script(
        ("native/services.sh", "influxdb"),
        {"CLINICAL_SERVICES_PORT": f"{port(11)}"},
        {"influxdb_url": _local(15)},
    ),
    "victoriametrics": Script(
        ("native/services.sh", "victoriametrics"),
        {"CLINICAL_SERVICES_PORT": f"{port(11)}"},
        {"influxdb_url": _local(16)},
    ),
    "pgbouncer": Script(
        ("native/services.sh", "pgbouncer"),
        {
            "CLINICAL_SERVICES_PORT": f"{port(11)}", "CLINICAL_PG_PORT": f"{port(10)}",
            "CLINICAL_PG_PASSWORD": PASSWORD, "CLINICAL_PGBOUNCER_USERS": f"{POOLED_ROLES}",
        },
        {
            "database_url": f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port(12)}/postgres",
            "database_direct_url": f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port(10)}/postgres",
        },
        needs=("postgres",),
    ),
}  # fmt: skip


@dataclass(slots=True)
class EngineServer:
    """One running server: `settings` are the product's, to be given to `Settings(...)`."""

    name: str
    settings: Mapping[str, str]
    script: Script | None = None  # None: a site's own, which no test may kill

    def alive(self) -> bool:
        """Say whether a server that these tests may start runs already."""
        assert self.script is not None
        try:
            return _lives(self._pid(self.script))
        except (OSError, ValueError):
            return False

    def crash(self) -> None:
        """Kill it as a power cut would, and return when it is gone."""
        assert self.script is not None
        pid = self._pid(self.script)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        while _lives(pid):
            time.sleep(0.02)
        if self.script.java:  # its script takes a dead process that nobody buried for a live one
            self._pid_file(self.script).unlink(missing_ok=True)
        # PostgreSQL does not start while a dead process that nobody buried keeps its number.
        folder = _RUN / self.name
        for lock in (*folder.glob("postmaster.pid"), *folder.glob(".s.PGSQL.*.lock")):
            lock.unlink()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Let it hold its connections and answer nothing while the block runs."""
        assert self.script is not None
        pid = self._pid(self.script)
        os.killpg(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(pid, signal.SIGCONT)

    def _pid(self, script: Script) -> int:
        return int(self._pid_file(script).read_text())

    def _pid_file(self, script: Script) -> Path:
        if not script.java:
            return _RUN / f"{self.name}.pid"
        number = script.variables[f"{self.name.upper()}_PORT"]
        return Path(f"{_PROGRAMS}/run/{self.name}-{number}/pid")

    def start(self) -> None:
        """Start it again; returns when it answers."""
        assert self.script is not None
        _run(self.script, "start")


@contextmanager
def without_plugins(server: EngineServer, folder: Path) -> Iterator[EngineServer]:
    """Give a second OpenSearch of the same release that has no plugin, its files under `folder`."""
    if server.script is None:
        pytest.skip("a site's own server keeps its plugins")
    [whole] = Path(_PROGRAMS).glob("opensearch-*/opensearch-*")
    bare = folder / whole.parent.name / whole.name
    (bare / "plugins").mkdir(parents=True)
    (bare.parent / ".complete").touch()
    for each in whole.iterdir():
        if each.name == "bin":  # the scripts find everything else from where they lie themselves
            shutil.copytree(each, bare / each.name)
        elif each.name != "plugins":
            (bare / each.name).symlink_to(each)
    ports = {"OPENSEARCH_PORT": f"{port(20)}", "OPENSEARCH_TRANSPORT_PORT": f"{port(21)}"}
    own = {"opensearch_url": _local(20)}
    script = Script(server.script.command, {"CLINICAL_ENGINES": f"{folder}", **ports}, own, True)
    _run(script, "start")
    try:
        yield EngineServer("opensearch", own)
    finally:
        _run(script, "stop")


def _lives(pid: int) -> bool:
    """Say whether any thread of a process lives: its first may be dead while others hold its port.

    Read the threads before the first one's state: it has the last word when the others are gone.
    """
    process = Path(f"/proc/{pid}")
    try:
        threads = len(list((process / "task").iterdir()))
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return threads > 1 or state != "Z"


def _run(script: Script, verb: str) -> None:
    program, *names = script.command
    _RUN.mkdir(exist_ok=True)
    POOLED_ROLES.touch(mode=0o600)
    places = {"CLINICAL_RUN": f"{_RUN}", "CLINICAL_ENGINES": _PROGRAMS}
    environment = os.environ | places | dict(script.variables)
    with (_RUN / f"{program.replace('/', '-')}.log").open("ab") as log:
        subprocess.run(
            ["/usr/bin/env", "bash", str(SCRIPTS / program), verb, *names],
            env=environment, check=True, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            timeout=1800,
        )  # fmt: skip


def install(script: Script) -> None:
    """Download or build a server's programs where they are missing, one process at a time."""
    _RUN.mkdir(exist_ok=True)
    with (_RUN / "install.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _run(script, "install")


def _a_sites_own(script: Script) -> bool:
    return bool(os.environ.get(f"ANAMNESIS_{next(iter(script.settings)).upper()}"))


def running(name: str) -> Iterator[EngineServer]:
    """Give one server for the length of a session; stop what was started for it."""
    script = SERVERS[name]
    address = next(iter(script.settings))
    if _a_sites_own(script):
        own = {key: os.environ.get(f"ANAMNESIS_{key.upper()}", "") for key in script.settings}
        yield EngineServer(name, {key: value for key, value in own.items() if value})
        return
    if not SCRIPTS.is_dir():
        missing(f"no {name}: set ANAMNESIS_{address.upper()} to a server of your own")
    wanted = [*((each, SERVERS[each]) for each in script.needs), (name, script)]
    started = [each for each in wanted if not EngineServer(each[0], {}, each[1]).alive()]
    try:
        for _, each in started:
            install(each)
            _run(each, "start")
    except (subprocess.SubprocessError, OSError) as exc:
        missing(f"{name} does not start here: {type(exc).__name__}, see {_RUN}")
    yield EngineServer(name, dict(script.settings), script)
    for _, each in reversed(started):  # one that ran before stays
        with suppress(subprocess.SubprocessError):
            _run(each, "stop")


def missing(reason: str) -> None:
    """Skip the test, or fail it where servers must be there."""
    if os.environ.get("CI") or os.environ.get("ANAMNESIS_ENGINES") == "require":
        pytest.fail(reason)
    pytest.skip(reason)


def neo4j_address(own: Mapping[str, str]) -> Address:
    """Return where a Neo4j is, by the settings of its `EngineServer`."""
    from indexing.backends.neo4j.connect import Address

    return Address(own["neo4j_url"], own["neo4j_user"], own["neo4j_password"], patience_s=PATIENT_S)


def every(literal: Any) -> list[Any]:
    """Return a port's engines as parameters of a fixture; those with a server are marked."""
    return [
        name if name in EMBEDDED else pytest.param(name, marks=pytest.mark.engines)
        for name in get_args(literal)
    ]


def mark_known_gaps(items: list[pytest.Item]) -> None:
    """Expect each known gap to fail, strictly: one that is closed must leave the list."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        name = getattr(item, "originalname", item.name)
        for engine in (value for value in parameters.values() if isinstance(value, str)):
            if (reason := known_gaps.GAPS.get((engine, name))) is not None:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


if __name__ == "__main__":  # every server's programs, before workers want them
    for each in SERVERS.values():
        if not _a_sites_own(each):
            install(each)
