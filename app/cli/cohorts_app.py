"""`anamnesis cohort …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.options import Json, TenantOption, finish

cohort = typer.Typer(help="Cohorts: list, define, run, compare, export.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A saved cohort, by name or id.")]
Viewer = Annotated[
    Literal["clinician", "researcher"], typer.Option(help="A researcher: de-identified.")
]


@cohort.command("list")
def cohort_list(tenant: TenantOption, role: Viewer = "clinician", as_json: Json = False) -> None:
    """List the saved cohorts: runs, how many patients the last one found, who made them."""
    from app.cli.cohorts import list_command

    finish(list_command(tenant, role, as_json=as_json))


@cohort.command("run")
def cohort_run(
    tenant: TenantOption,
    name: Annotated[str, typer.Argument(help="A saved cohort, by name or id.")] = "",
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A definition.")
    ] = None,
    save: Annotated[str, typer.Option(help="Keep it under this name.")] = "",
    rows: Annotated[int, typer.Option(min=0, max=10_000, help="Rows of evidence.")] = 25,
    role: Viewer = "clinician",
    as_json: Json = False,
) -> None:
    """Run a definition: who is in, how many each criterion leaves, and the evidence."""
    from app.cli.cohorts import run_command

    text = file.read_text(encoding="utf-8") if file else ""
    finish(run_command(tenant, name, text, save, rows, role, as_json=as_json))


@cohort.command("diff")
def cohort_diff(
    tenant: TenantOption,
    name: Name,
    base: Annotated[str, typer.Option(help="A run's id; the last but one by default.")] = "",
    run: Annotated[str, typer.Option(help="A run's id; the last by default.")] = "",
    role: Viewer = "clinician",
    as_json: Json = False,
) -> None:
    """Say who came and who left between two runs, and why."""
    from app.cli.cohorts import diff_command

    finish(diff_command(tenant, name, base, run, role, as_json=as_json))


@cohort.command("export")
def cohort_export(
    tenant: TenantOption,
    name: Name,
    purpose: Annotated[str, typer.Option(help="HRESCH, HQUALIMP, PUBHLTH, TREAT or HOPERAT.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    form: Annotated[Literal["csv", "ndjson", "group", "bundle"], typer.Option("--format")] = "csv",
    profile: Annotated[Literal["as-written", "deidentified"], typer.Option()] = "deidentified",
    role: Viewer = "clinician",
    as_json: Json = False,
) -> None:
    """Write a cohort to a file; the audit tells of it and of its purpose."""
    from app.cli.cohorts import export_command

    finish(export_command(tenant, name, purpose, out, form, profile, role, as_json=as_json))
