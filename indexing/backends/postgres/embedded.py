"""The embedded PostgreSQL: a real server from a wheel, over a unix socket, one per home folder.

We run its programs ourselves rather than through the wheel's own API, which trusts every local
user and takes a killed server for a live one. Here: scram for everybody, the super-user for
set-up only, and a server counts as alive when its process is, zombies excluded.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from indexing.backends.postgres.programs import first_closed, passable, programs, programs_for
from indexing.errors import ConfigurationError, EngineUnavailable

SUPERUSER = "anamnesis_root"
_LEAST_FREE = 32 << 20  # bytes: less than two segments of the write-ahead log
_DAC_READ_SEARCH = 2  # its number. Source: linux/capability.h

# Neither statements nor parameters reach the log, nor errors, which quote both.
# fsync and full_page_writes keep their default, on.
_CONF = """\
listen_addresses = ''
unix_socket_permissions = 0700
shared_buffers = 256MB
effective_cache_size = 2GB
work_mem = 16MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
max_connections = 80
jit = off
random_page_cost = 1.1
password_encryption = scram-sha-256
log_statement = none
log_min_duration_statement = -1
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""


@dataclass(frozen=True, slots=True)
class Server:
    """One embedded server under `home`; nothing is touched until a method is called."""

    home: Path

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.home / "postgres" / "data"

    @property
    def log(self) -> Path:
        """The server's own log; holds no statements."""
        return self.home / "postgres" / "log"

    @property
    def sockets(self) -> Path:
        """The folder of the socket: in the home, unless that path is too long for a socket."""
        inside = self.home / "postgres" / "run"
        if len(os.fsencode(inside)) <= 80:
            return inside
        short = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"anamnesis-{os.geteuid()}-{short}"

    def create(self, password: str) -> None:
        """Run initdb when the data folder is absent or half-made; `password` is the super-user's.

        Raises:
            ConfigurationError: the folder cannot be used by the server's user.
        """
        if (self.data / "anamnesis.complete").exists():
            return
        if self.data.exists():
            shutil.rmtree(self.data)  # an initdb that was killed half-way holds nothing yet
        base = self.data.parent
        base.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(mode=0o700)
        secret = base / "initdb.password"
        secret.touch(mode=0o600)
        secret.write_text(password)
        self._give(base, self.data, secret)
        try:
            self._run(
                "initdb", "-D", str(self.data), "-U", SUPERUSER, "--auth=scram-sha-256",
                f"--pwfile={secret}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions",
            )  # fmt: skip
        finally:
            secret.unlink(missing_ok=True)
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(_CONF)
        (self.data / "anamnesis.complete").touch()

    def start(self) -> None:
        """Start the server when it is down, and wait until it answers.

        Raises:
            EngineUnavailable: it does not start; the message names its log.
        """
        if self.running():
            return
        self._clear_stale()
        self.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give(self.sockets)
        self.log.touch(mode=0o600)
        self._give(self.log)
        self._run(
            "pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "60",
            "-o", f"-k '{self.sockets}'", "start",
        )  # fmt: skip

    def stop(self) -> None:
        """Stop the server, letting transactions roll back; silent when it is down."""
        if self.running():
            self._run("pg_ctl", "-D", str(self.data), "-w", "-m", "fast", "stop")

    def pid(self) -> int | None:
        """Return the live postmaster's process id, or None."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if _alive(pid) else None

    def running(self) -> bool:
        """Say whether the server is up and accepts connections."""
        if self.pid() is None:
            return False
        with suppress(OSError, IndexError):
            return (self.data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        return False

    def conninfo(self, user: str, password: str, database: str) -> str:
        """Return a libpq connection string for one of the installation's roles."""
        return (
            f"host='{self.sockets}' port=5432 user={user} password={password} dbname={database} "
            "connect_timeout=10"
        )

    def _clear_stale(self) -> None:
        """Forget a killed server: wait for its children, and drop lock files that name nobody.

        PostgreSQL clears its own stale locks, except where their number still stands in the
        process table as a zombie's: there it believes in another live server.
        """
        deadline = time.monotonic() + 30
        while self.pid() is None and _anybody_in(self.data) and time.monotonic() < deadline:
            time.sleep(0.05)  # the children of a killed postmaster notice and leave
        if self.pid() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            (self.sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _give(self, *paths: Path) -> None:
        if (user := _server_user()) is not None:
            for path in paths:
                os.chown(path, user.pw_uid, user.pw_gid)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_server_user(), str(_programs() / program), *arguments]
        done = subprocess.run(  # noqa: S603
            command, cwd=self.data.parent, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )  # fmt: skip
        if done.returncode != 0 and shutil.disk_usage(self.data.parent).free < _LEAST_FREE:
            raise EngineUnavailable(
                f"the disk of the home folder is full: {program} failed",
                hint=f"make room below {self.data.parent}, and do it again",
            )
        if done.returncode != 0:
            raise EngineUnavailable(
                f"{program} failed with exit code {done.returncode}",
                hint=f"read {self.log}: {done.stdout.decode(errors='replace')[-400:]}",
            )

    def _as_server_user(self) -> list[str]:
        """Return a command prefix: PostgreSQL refuses to run as root.

        The home may lie under a folder that only root can pass (a private home, a test's
        temporary folder). Search permission then comes from one capability of the server's
        process, instead of from opening somebody's folder to everybody.
        """
        user = _server_user()
        if user is None:
            return []
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise ConfigurationError(
                "PostgreSQL does not run as root, and setpriv is not installed",
                hint="run as an ordinary user, or install util-linux",
            )
        command = [setpriv, "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid)]
        command += ["--clear-groups"]
        if not all(passable(path, user.pw_uid) for path in (self.data, self.sockets)):
            if not _may_lend_passage():
                closed = first_closed(self.data, user.pw_uid) or self.home
                raise ConfigurationError(
                    f"PostgreSQL runs as {user.pw_name}, who may not pass {closed}",
                    hint=f"set ANAMNESIS_HOME to a folder outside of it, chmod o+x {closed}, "
                    "or run as an ordinary user",
                )
            command += ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
        return command


def _programs() -> Path:
    user = _server_user()
    return programs() if user is None else programs_for(user.pw_uid)


def _server_user() -> pwd.struct_passwd | None:
    """Return whom the server runs as: an unprivileged user when we are root, else None: us."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise ConfigurationError("no unprivileged user to run PostgreSQL", hint="create `postgres`")


def _may_lend_passage() -> bool:
    """Say whether this process holds the capability that a private home needs lent.

    Containers are often given none of it.
    """
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        held = next(line for line in lines if line.startswith("CapPrm:"))
        return bool(int(held.split()[1], 16) >> _DAC_READ_SEARCH & 1)
    return False


def _alive(pid: int) -> bool:
    """Say whether the process runs; a zombie, dead but not yet reaped, does not."""
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}
    if Path("/proc/self").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _anybody_in(folder: Path) -> bool:
    """Say whether a process still works in the data folder (its backends do, cwd there)."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == folder and _alive(int(process.name)):
                return True
    return False
