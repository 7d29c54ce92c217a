"""Set-up of a database: roles, the database itself, migrations, and the check before every start.

Secrets are made at random per installation and kept in `<home>/secrets.json`, mode 0600.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from indexing.backends.postgres.connect import errors_mapped, login_refused
from indexing.backends.postgres.embedded import SUPERUSER, Server
from indexing.errors import ConfigurationError

DATABASE = "anamnesis"
_MIGRATIONS = Path(__file__).parent / "migrations"
_REVISION = re.compile(r"^(revision|down_revision) = (?:\"(\w+)\"|None)$", re.MULTILINE)
ROLES = {
    "owner": "anamnesis_owner",
    "app": "anamnesis_app",
    "feed": "anamnesis_feed",
    "lookup": "anamnesis_lookup",
}


@dataclass(frozen=True, slots=True)
class Secrets:
    """Random passwords of one installation."""

    superuser: str
    owner: str
    app: str
    feed: str
    pepper: str  # keys opaque ids and hashes that must not be guessable


@dataclass(frozen=True, slots=True)
class Conninfos:
    """A connection string per role; `owner` migrates and creates partitions, nothing else. Where
    `app` and `feed` lead through a pooler, `direct_app` and `direct_feed` lead past it."""

    owner: str
    app: str
    feed: str
    direct_app: str | None = None
    direct_feed: str | None = None


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home's lock: one process at a time sets up, others wait.

    Raises: ConfigurationError: the folder cannot be made, or not written to.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = (home / "lock").open("a")
    except OSError as exc:
        raise ConfigurationError(
            f"the home folder {home} cannot be used: {exc.strerror}",
            hint="set ANAMNESIS_HOME to a folder that you may write to",
        ) from exc
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def load_secrets(home: Path) -> Secrets:
    """Return the installation's secrets, made on the first call. Call it under `locked`.

    Raises: ConfigurationError: the file does not read.
    """
    path = home / "secrets.json"
    if path.exists():
        try:
            return Secrets(**json.loads(path.read_bytes()))
        except (ValueError, TypeError):
            raise ConfigurationError(
                "secrets.json of the home folder does not read", hint="Restore it from a backup."
            ) from None
    made = Secrets(*(secrets.token_urlsafe(24) for _ in range(5)))
    draft = path.with_suffix(".draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(asdict(made), out)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(path)
    return made


def prepare(home: Path, url: str | None, direct: str | None = None) -> Conninfos:
    """Bring the installation up: server, roles, database, schema; idempotent and fast when done.

    `url` None means the embedded server; otherwise a URL whose user may create roles, used for
    set-up alone. Where it leads through a pooler, `direct` leads to the server itself.

    Raises:
        ConfigurationError: the role that the application would use bypasses row security, or a
            pooler stands in the way and no direct URL is given.
    """
    with locked(home), _set_up_errors():
        known = load_secrets(home)
        if url is None:
            server = Server(home)
            server.create(known.superuser)
            server.start()
            admin = server.conninfo(SUPERUSER, known.superuser, "postgres")
        else:
            admin = direct or url
            _check_readable(url, admin)
            _check_direct(admin)
        conninfos = _conninfos(admin, known, url)
        if url is not None and direct is not None:
            pooled = _conninfos(url, known, url)
            conninfos = Conninfos(
                conninfos.owner, pooled.app, pooled.feed, conninfos.app, conninfos.feed
            )
        if not _current(conninfos.owner):
            _create_roles(admin, known)
            _create_database(admin, conninfos.owner)
            _migrate(conninfos.owner)
        check_role(conninfos.app)
    return conninfos


@contextmanager
def _set_up_errors() -> Iterator[None]:
    """Map errors with the driver's own words: no patient's data is under way during set-up."""
    try:
        yield
    except psycopg.Error as exc:
        raise _not_set_up(exc) from exc


def _not_set_up(exc: Exception) -> ConfigurationError:
    what, advice = login_refused(exc)
    if what:
        return ConfigurationError(what, hint=advice)
    hint = f"{type(exc).__name__}: {exc}"
    return ConfigurationError("the database could not be set up", hint=hint)


def _check_readable(*addresses: str) -> None:
    """Refuse what is no address; what the driver says of it quotes it, with its password."""
    try:
        for each in addresses:
            conninfo_to_dict(each)
    except psycopg.Error:
        raise ConfigurationError(
            "the address of the database does not read",
            hint="ANAMNESIS_DATABASE_URL is like postgresql://user:password@host:5432/postgres",
        ) from None


def _conninfos(admin: str, known: Secrets, url: str | None) -> Conninfos:
    parts = conninfo_to_dict(admin)
    named = parts.get("dbname") if url is not None else None
    database = DATABASE if named in (None, "postgres") else named

    def as_role(role: str, password: str) -> str:
        return make_conninfo(admin, user=role, password=password, dbname=database)

    return Conninfos(
        owner=as_role(ROLES["owner"], known.owner),
        app=as_role(ROLES["app"], known.app),
        feed=as_role(ROLES["feed"], known.feed),
    )


def newest_migration() -> str:
    """Return the revision that no other one builds on, read off the files.

    Alembic, with SQLAlchemy below it, takes longer to import than all the rest of a start: it is
    left for when there is something to migrate.

    Raises:
        ConfigurationError: there are several, or none.
    """
    made: set[str] = set()
    built_on: set[str] = set()
    for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"):
        found = dict(_REVISION.findall(path.read_text(encoding="utf-8")))
        made.add(found.get("revision", ""))
        built_on.add(found.get("down_revision", ""))
    heads = made - built_on
    if len(heads) != 1:
        raise ConfigurationError("the migrations have no one end", hint="reinstall")
    return heads.pop()


def _current(owner: str) -> bool:
    """Say whether the schema stands at the newest migration."""
    head = newest_migration()
    try:
        with psycopg.connect(owner, autocommit=True) as conn:
            row = conn.execute("SELECT version_num FROM schema_version").fetchone()
    except psycopg.Error:
        return False
    return row is not None and row[0] == head


def _create_roles(admin: str, known: Secrets) -> None:
    logins = {"owner": known.owner, "app": known.app, "feed": known.feed, "lookup": None}
    with psycopg.connect(admin, autocommit=True) as conn:
        for name, password in logins.items():
            role = sql.Identifier(ROLES[name])
            exists = conn.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLES[name],)
            ).fetchone()
            if not exists:
                conn.execute(sql.SQL("CREATE ROLE {}").format(role))
            rights = sql.SQL("NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB")
            login = (
                sql.SQL("NOLOGIN")
                if password is None
                else sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(password))
            )
            conn.execute(sql.SQL("ALTER ROLE {} {} {}").format(role, rights, login))
        # A plan cached while a table was still empty outlives that belief, and made each batch of
        # an import slower than the last (25 of 36 s in one look-up); planning anew takes 0.1 ms.
        conn.execute(f"ALTER ROLE {ROLES['app']} SET plan_cache_mode = force_custom_plan")
        # The owner hands its lookup functions over to the role that may read across tenants.
        conn.execute(f"GRANT {ROLES['lookup']} TO {ROLES['owner']} WITH INHERIT FALSE")


def _create_database(admin: str, owner: str) -> None:
    name = conninfo_to_dict(owner)["dbname"]
    assert isinstance(name, str)
    with psycopg.connect(admin, autocommit=True) as conn:
        if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            conn.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(
                    sql.Identifier(name), sql.Identifier(ROLES["owner"])
                )
            )
    with psycopg.connect(make_conninfo(admin, dbname=name), autocommit=True) as conn:
        conn.execute("CREATE EXTENSION IF NOT EXISTS vector")
        conn.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        conn.execute(
            f"GRANT USAGE ON SCHEMA public TO {ROLES['app']}, {ROLES['feed']}, {ROLES['lookup']}"
        )
        conn.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {ROLES['owner']}")
        conn.execute(f"GRANT CREATE ON SCHEMA public TO {ROLES['lookup']}")


def _migrate(owner: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(owner), poolclass=NullPool
    )
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            config.attributes["roles"] = ROLES
            command.upgrade(config, "head")
            connection.commit()
    except DBAPIError as exc:
        raise _not_set_up(exc) from exc
    except CommandError as exc:  # its version of the schema is none of ours
        raise ConfigurationError(
            "a newer version of this program has set the database up",
            hint="Install that version again, or restore a backup that is older than it.",
        ) from exc
    finally:
        engine.dispose()


def _check_direct(admin: str) -> None:
    """Refuse a pooler that is taken for the server: locks and news would be lost between two
    transactions. It gives itself away by the number of the process that it says it is."""
    with psycopg.connect(admin, autocommit=True) as conn:
        row = conn.execute("SELECT pg_backend_pid()").fetchone()
        told = conn.info.backend_pid
    if row is None or row[0] != told:
        raise ConfigurationError(
            "the address of the database leads through a pooler, such as PgBouncer",
            hint="set ANAMNESIS_DATABASE_DIRECT_URL to the server itself: set-up, LISTEN and locks "
            "need it",
        )


def check_role(app: str) -> None:
    """Refuse a role that row security does not hold.

    Raises:
        ConfigurationError: the role is a super-user, bypasses row security, or owns a table.
    """
    with errors_mapped(), psycopg.connect(app, autocommit=True) as conn:
        row = conn.execute(
            "SELECT r.rolsuper, r.rolbypassrls, EXISTS (SELECT 1 FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND pg_has_role(c.relowner, 'USAGE')) "
            "FROM pg_roles r WHERE r.rolname = current_user"
        ).fetchone()
    if row is None or any(row):
        raise ConfigurationError(
            "the application's database role bypasses row-level security",
            hint="use a role that is NOSUPERUSER NOBYPASSRLS and owns no table",
        )
