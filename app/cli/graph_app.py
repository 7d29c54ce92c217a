"""`anamnesis graph …`: questions to the medical graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import Json, TenantOption

graph = typer.Typer(help="The medical graph.", no_args_is_help=True)

PatientOption = Annotated[str, typer.Option("--patient", help="The patient's id.")]


@graph.command("neighbours")
def graph_neighbours(
    tenant: TenantOption,
    patient: PatientOption = "",
    name: Annotated[str, typer.Option("--name", help="A concept's id or name instead.")] = "",
    hops: Annotated[int, typer.Option(min=1, max=3)] = 2,
    as_json: Json = False,
) -> None:
    """Show what belongs to a patient, or to a named thing."""
    from app.cli.graph import neighbours_command

    neighbours_command(tenant, patient, name, hops, as_json=as_json)


@graph.command("pathways")
def graph_pathways(
    condition: Annotated[str, typer.Argument(help="A concept's id or name.")],
    tenant: TenantOption,
    k: Annotated[int, typer.Option("--k", min=1, max=200)] = 20,
    as_json: Json = False,
) -> None:
    """Show how patients with a condition were treated, and how many of them."""
    from app.cli.graph import pathways_command

    pathways_command(tenant, condition, k, as_json=as_json)


@graph.command("interactions")
def graph_interactions(
    tenant: TenantOption,
    patient: PatientOption,
    past: Annotated[bool, typer.Option("--past", help="Ended medications too.")] = False,
    as_json: Json = False,
) -> None:
    """Show which of a patient's medications act on each other."""
    from app.cli.graph import interactions_command

    interactions_command(tenant, patient, past, as_json=as_json)


@graph.command("load")
def graph_load(
    paths: Annotated[list[Path], typer.Argument(help="Edges files.", exists=True, dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Keep edges files of the site's own: biomarkers, interactions, models."""
    from app.cli.graph import load_command

    load_command(paths, as_json=as_json)


@graph.command("rebuild")
def graph_rebuild(tenant: TenantOption, as_json: Json = False) -> None:
    """Make a tenant's graph anew from the records."""
    from app.cli.graph import rebuild_command

    rebuild_command(tenant, as_json=as_json)
