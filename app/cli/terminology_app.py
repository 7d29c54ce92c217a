"""`anamnesis terminology …`: what is loaded, and what a tenant adds to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import Json, TenantOption, finish

terminology = typer.Typer(help="Medical terminologies.", no_args_is_help=True)


@terminology.command("load")
def terminology_load(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; none: compile anew.", exists=True)
    ] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="Overrides.")] = None,
    as_json: Json = False,
) -> None:
    """Load terminology files, recognised by their header; .gz too, in any order.

    Without any, what is loaded is compiled anew with the seed of this release.
    """
    from app.cli.terminology import load_command
    from app.settings import load

    finish(load_command(load().home, paths or [], file_format, as_json))


@terminology.command("add")
def terminology_add(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Tab-separated.")],
    tenant: TenantOption,
    as_json: Json = False,
) -> None:
    """Add a tenant's own names and concepts: concept, name, kind, type, parent.

    The concept is an id, a name that means one concept alone, or a new id that begins with site:.
    """
    from app.cli.tenant_terms import add_command

    finish(add_command(tenant, path, as_json=as_json))


@terminology.command("list")
def terminology_list(tenant: TenantOption, as_json: Json = False) -> None:
    """List a tenant's own names and concepts, as `add` takes them."""
    from app.cli.tenant_terms import list_command

    finish(list_command(tenant, as_json=as_json))


@terminology.command("remove")
def terminology_remove(
    tenant: TenantOption,
    names: Annotated[list[str] | None, typer.Argument(help="Names, or ids of concepts.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: Json = False,
) -> None:
    """Take a tenant's own names back."""
    from app.cli.tenant_terms import remove_command

    finish(remove_command(tenant, names or [], everything=everything, as_json=as_json))
