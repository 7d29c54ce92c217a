"""`anamnesis users`."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterable

from app.auth.passwords import Passwords
from app.cli.output import operator_name, print_json
from app.settings import load
from app.wiring import Installation
from indexing.access import Role
from indexing.backends.postgres.accounts import PostgresAccounts
from indexing.errors import ConfigurationError

LONGEST_NAME = 200


def create_command(
    name: str, tenant: str, roles: Iterable[str], *, password_stdin: bool, as_json: bool
) -> int:
    """Add an account; a password that was made here is printed once."""
    chosen = _roles(roles)
    name = name.strip().lower()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigurationError(f"a user's name has 1 to {LONGEST_NAME} printable characters")
    password = _from_stdin() if password_stdin else secrets.token_urlsafe(15)
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    accounts = PostgresAccounts(installation.database)
    hashed = Passwords().hash(password)
    user_id = accounts.create(found.tenant_id, name, chosen, hashed, operator_name())
    installation.close()
    made = None if password_stdin else password
    names = sorted(chosen)
    if as_json:
        print_json(
            {"name": name, "user_id": user_id, "tenant": tenant, "roles": names}
            | ({"password": made} if made else {})
        )
    else:
        print(f"user {name} created in {tenant}: {', '.join(names)}")
        if made:
            print(f"password: {made}")
    return 0


def password_command(name: str, tenant: str, *, password_stdin: bool, as_json: bool) -> int:
    """Give an account a new password and end its sessions; tokens stay."""
    password = _from_stdin() if password_stdin else secrets.token_urlsafe(15)
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    accounts = PostgresAccounts(installation.database)
    account = accounts.by_name(found.tenant_id, name.strip())
    hashed = Passwords().hash(password)
    accounts.set_password(found.tenant_id, account.user_id, hashed, operator_name())
    installation.close()
    made = {} if password_stdin else {"password": password}
    if as_json:
        print_json({"name": account.name, "tenant": tenant} | made)
    else:
        print(f"user {account.name} of {tenant} has a new password; sessions are ended")
        if made:
            print(f"password: {password}")
    return 0


def close_command(name: str, tenant: str, *, closed: bool, as_json: bool) -> int:
    """Close an account with its sessions and tokens, or open it again."""
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    accounts = PostgresAccounts(installation.database)
    account = accounts.by_name(found.tenant_id, name.strip())
    accounts.set_disabled(found.tenant_id, account.user_id, closed, operator_name())
    installation.close()
    if as_json:
        print_json({"name": account.name, "tenant": tenant, "disabled": closed})
    else:
        print(f"user {account.name} of {tenant} is {'closed' if closed else 'open'}")
    return 0


def list_command(tenant: str, *, as_json: bool) -> int:
    """List who has an account, with roles."""
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    accounts = PostgresAccounts(installation.database).accounts(found.tenant_id)
    if as_json:
        shown = ("name", "user_id", "roles", "disabled")
        print_json([{name: getattr(each, name) for name in shown} for each in accounts])
    else:
        for each in accounts:
            off = "\tclosed" if each.disabled else ""
            print(f"{each.name}\t{', '.join(each.roles)}{off}")
    installation.close()
    return 0


def _roles(names: Iterable[str]) -> frozenset[Role]:
    try:
        return frozenset(Role(part.strip()) for name in names for part in name.split(","))
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise ConfigurationError("no such role", hint=f"there are {known}") from None


def _from_stdin() -> str:
    """Read one line: the password never stands on a command line, where others could see it."""
    return sys.stdin.readline().rstrip("\r\n")
