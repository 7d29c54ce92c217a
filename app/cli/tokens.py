"""`anamnesis tokens`."""

from __future__ import annotations

from datetime import timedelta

from app.cli.output import operator_name, print_json
from app.settings import load
from app.wiring import Installation
from indexing.backends.postgres.accounts import PostgresAccounts


def create_command(tenant: str, user: str, days: int, *, as_json: bool) -> int:
    """Make a bearer token; it is shown now and never again."""
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    accounts = PostgresAccounts(installation.database)
    account = accounts.by_name(found.tenant_id, user)
    token_id, secret, expires_at = accounts.create_token(
        found.tenant_id, account.user_id, timedelta(days=days), operator_name()
    )
    installation.close()
    if as_json:
        print_json({"token": secret, "id": token_id, "expires_at": expires_at.isoformat()})
    else:
        print(secret)
    return 0


def revoke_command(tenant: str, user: str, *, as_json: bool) -> int:
    """End every token of a user at once."""
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    accounts = PostgresAccounts(installation.database)
    account = accounts.by_name(found.tenant_id, user)
    revoked = accounts.revoke_tokens(found.tenant_id, account.user_id, None, operator_name())
    installation.close()
    if as_json:
        print_json({"revoked": revoked})
    else:
        print(f"{revoked} revoked")
    return 0
