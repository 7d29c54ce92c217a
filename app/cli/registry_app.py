"""`anamnesis tenants|users|tokens …`: who may do what, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import Json, TenantOption, finish

tenants = typer.Typer(help="The registry of tenants.", no_args_is_help=True)
users = typer.Typer(help="Accounts of a tenant.", no_args_is_help=True)
tokens = typer.Typer(help="Bearer tokens for the HTTP API.", no_args_is_help=True)


@tenants.command("create")
def tenants_create(
    code: str,
    name: Annotated[str, typer.Option(help="The hospital's name.")],
    tier: str = "standard",
    region: str = "",
    compliance: Annotated[str, typer.Option(help="Comma-separated, e.g. HIPAA,GDPR.")] = "",
    time_zone: Annotated[str, typer.Option(help="IANA name, e.g. Europe/Vienna.")] = "UTC",
    as_json: Json = False,
) -> None:
    """Add a tenant."""
    from app.cli.tenants import create_command

    finish(create_command(code, name, tier, region, compliance, time_zone, as_json=as_json))


@tenants.command("list")
def tenants_list(
    erased: Annotated[bool, typer.Option("--erased", help="Those that were erased.")] = False,
    as_json: Json = False,
) -> None:
    """List the tenants."""
    from app.cli.tenants import list_command

    finish(list_command(erased=erased, as_json=as_json))


@tenants.command("erase")
def tenants_erase(
    code: str,
    reason: Annotated[
        str, typer.Option(help="Why it leaves: kept for ever; name no patient.")
    ] = "",
    export_audit: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write its audit here first, a line of JSON a row."),
    ] = None,
    prove: Annotated[bool, typer.Option("--prove", help="Only look through every store.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Erase a whole tenant, and prove it by a scan; exit code 0 when nothing is left.

    What was begun is finished by the same command.
    """
    from app.cli.tenant_erase import erase_tenant_command, prove_tenant_command

    if prove:
        finish(prove_tenant_command(code, as_json=as_json))
    else:
        finish(erase_tenant_command(code, reason, export_audit, yes=yes, as_json=as_json))


@users.command("create")
def users_create(
    name: str,
    tenant: TenantOption,
    role: Annotated[list[str], typer.Option(help="May be given several times.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin")] = False,
    as_json: Json = False,
) -> None:
    """Add an account; without --password-stdin a random password is printed once."""
    from app.cli.users import create_command

    finish(create_command(name, tenant, role, password_stdin=password_stdin, as_json=as_json))


@users.command("password")
def users_password(
    name: str,
    tenant: TenantOption,
    password_stdin: Annotated[bool, typer.Option("--password-stdin")] = False,
    as_json: Json = False,
) -> None:
    """Give an account a new password, as `create` does, and end its sessions."""
    from app.cli.users import password_command

    finish(password_command(name, tenant, password_stdin=password_stdin, as_json=as_json))


@users.command("close")
def users_close(name: str, tenant: TenantOption, as_json: Json = False) -> None:
    """Let nobody in by this account: its password, sessions and tokens do not serve."""
    from app.cli.users import close_command

    finish(close_command(name, tenant, closed=True, as_json=as_json))


@users.command("open")
def users_open(name: str, tenant: TenantOption, as_json: Json = False) -> None:
    """Open a closed account again."""
    from app.cli.users import close_command

    finish(close_command(name, tenant, closed=False, as_json=as_json))


@users.command("list")
def users_list(tenant: TenantOption, as_json: Json = False) -> None:
    """List the accounts of a tenant."""
    from app.cli.users import list_command

    finish(list_command(tenant, as_json=as_json))


@tokens.command("create")
def tokens_create(
    tenant: TenantOption,
    user: Annotated[str, typer.Option(help="Whose rights the token carries.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="Valid for so long.")] = 30,
    as_json: Json = False,
) -> None:
    """Make a bearer token and print it once."""
    from app.cli.tokens import create_command

    finish(create_command(tenant, user, days, as_json=as_json))


@tokens.command("revoke")
def tokens_revoke(
    tenant: TenantOption,
    user: Annotated[str, typer.Option(help="Whose tokens end now.")],
    as_json: Json = False,
) -> None:
    """End every token of a user."""
    from app.cli.tokens import revoke_command

    finish(revoke_command(tenant, user, as_json=as_json))
