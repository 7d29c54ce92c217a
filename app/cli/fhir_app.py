"""`anamnesis fhir …`: what FHIR search can be told to do."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.options import Json

fhir = typer.Typer(help="FHIR search.", no_args_is_help=True)


@fhir.callback()
def _group() -> None:
    """Keep `fill` a subcommand, though it is the only one."""


@fhir.command("fill")
def fhir_fill(
    tenant: Annotated[str, typer.Option("--tenant", help="Only this tenant, by code.")] = "",
    as_json: Json = False,
) -> None:
    """Make what resources are searched and drawn by anew: once after an update that keeps more."""
    from app.cli.output import print_json
    from app.settings import load
    from app.wiring import Installation
    from indexing.backends.postgres.search_values import fill_search
    from indexing.medical_follow import rebuild_medical

    installation = Installation(load())
    chosen = [installation.tenants.by_code(tenant)] if tenant else installation.tenants.all()
    done = dict[str, int]()
    for each in chosen:
        done[each.code] = fill_search(installation.database, each)
        own = installation.medical  # its graph was made of what was kept before
        rebuild_medical(each.tenant_id, own.facts, own.graph, own.of(each.tenant_id).maker)
    if as_json:
        print_json({"resources": done})
    else:
        for code, count in done.items():
            print(f"{code}: {count} resources can be searched")
    installation.close()
