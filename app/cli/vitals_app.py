"""`anamnesis vitals …`: series over time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.options import Json, TenantOption, finish

vitals = typer.Typer(help="Series over time: vital signs and other streams.", no_args_is_help=True)

Moment = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])]


@vitals.command("ingest")
def vitals_ingest(
    tenant: TenantOption,
    paths: Annotated[list[Path], typer.Argument(help="Files; .gz too, - is stdin.")],
    precision: Annotated[
        Literal["ns", "us", "ms", "s"], typer.Option(help="Of the times in the files.")
    ] = "ns",
    as_json: Json = False,
) -> None:
    """Take in line protocol; good lines land, bad ones are named by line and column."""
    from app.cli.vitals import ingest_command

    finish(ingest_command(tenant, paths, precision, as_json=as_json))


@vitals.command("query")
def vitals_query(
    tenant: TenantOption,
    subject: Annotated[str, typer.Option("--patient", help="A patient, a model or a trial.")],
    kind: Annotated[str | None, typer.Option(help="heart_rate, glucose, a LOINC code, …")] = None,
    start: Moment = None,
    end: Moment = None,
    hours: Annotated[bool, typer.Option("--hours", help="Hourly roll-ups, not points.")] = False,
    as_json: Json = False,
) -> None:
    """Print the series of a patient, a model or a trial."""
    from app.cli.vitals import query_command

    finish(query_command(tenant, subject, kind, (start, end), hours=hours, as_json=as_json))


@vitals.command("rollup")
def vitals_rollup(tenant: TenantOption, as_json: Json = False) -> None:
    """Roll up what came in, drop details older than 2 years and roll-ups older than 10."""
    from app.cli.vitals import rollup_command

    finish(rollup_command(tenant, as_json=as_json))


@vitals.command("fill")
def vitals_fill(tenant: TenantOption, as_json: Json = False) -> None:
    """Read all Observations and predictions into the series anew: after another engine was chosen,
    or lost what it held. Streamed points stay as they are."""
    from app.cli.vitals import fill_command

    finish(fill_command(tenant, as_json=as_json))
