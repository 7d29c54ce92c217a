"""`anamnesis index …`: the indexes that follow the records."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.options import Json, TenantOption, finish

UntilCurrent = Annotated[bool, typer.Option("--until-current", help="Follow first.")]

index = typer.Typer(help="The indexes that follow the records.", no_args_is_help=True)


@index.command("status")
def index_status(
    tenant: TenantOption, until_current: UntilCurrent = False, as_json: Json = False
) -> None:
    """Say what each index holds and how far it is."""
    from app.cli.index_status import status_command

    finish(status_command(tenant, until_current, as_json=as_json))


@index.command("follow")
def index_follow(
    tenant: Annotated[str | None, typer.Option(help="Accepted; all are followed.")] = None,
    until_current: Annotated[bool, typer.Option("--until-current")] = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
    as_json: Json = False,
) -> None:
    """Keep the indexes in step with the records, for ever or until current."""
    from app.cli.index import follow_command

    finish(follow_command(tenant, until_current, with_parent=with_parent, as_json=as_json))


@index.command("rebuild")
def index_rebuild(
    tenant: TenantOption,
    to: Annotated[str | None, typer.Option(help="Build in this engine and switch to it.")] = None,
    back: Annotated[bool, typer.Option("--back", help="Switch to the engine before.")] = False,
    leg: Annotated[
        str | None, typer.Option(help="lexical, vector or graph; all by default.")
    ] = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="Empty the engines that served before: no way back.")
    ] = False,
    until_current: UntilCurrent = False,
    as_json: Json = False,
) -> None:
    """Build every index of a tenant anew beside the live one, then switch; --to another engine."""
    from app.cli.index import follow_command, rebuild_command
    from app.cli.moves import empty_command, move_command

    if until_current:
        follow_command(tenant, until_current)
    if to is not None or back:
        finish(move_command(tenant, to, leg, back=back, as_json=as_json))
    elif empty:
        finish(empty_command(tenant, leg, as_json=as_json))
    else:
        finish(rebuild_command(tenant, as_json=as_json))


@index.command("rest")
def index_rest(tenant: TenantOption, as_json: Json = False) -> None:
    """Put a tenant's vectors away until it is asked again, where the engine can (Weaviate)."""
    from app.cli.index import rest_command

    finish(rest_command(tenant, as_json=as_json))


@index.command("reconcile")
def index_reconcile(
    tenant: TenantOption,
    until_current: UntilCurrent = False,
    as_json: Json = False,
) -> None:
    """Compare every index with the records, and repair what differs."""
    from app.cli.index import reconcile_command

    finish(reconcile_command(tenant, until_current, as_json=as_json))
