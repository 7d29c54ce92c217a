"""`anamnesis erase`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import Json, TenantOption, finish


def erase(
    tenant: TenantOption,
    patient: Annotated[str, typer.Option("--patient", help="The patient's id.")] = "",
    reason: Annotated[
        str, typer.Option(help="Why, without saying who: kept in the audit for ever.")
    ] = "",
    prove: Annotated[bool, typer.Option("--prove", help="Only look through every store.")] = False,
    words: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="With --prove: texts, one a line."),
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Take the patient in again.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Erase a patient from every store, and prove it by a scan; exit code 0 when nothing is left.

    Without --patient: finish what was begun.
    """
    from app.cli.erase import erase_command, go_on_command, lift_command, prove_command

    if prove:
        finish(prove_command(tenant, patient, words, as_json=as_json))
    elif lift:
        finish(lift_command(tenant, patient, reason, as_json=as_json))
    elif patient:
        finish(erase_command(tenant, patient, reason, yes=yes, as_json=as_json))
    else:
        finish(go_on_command(tenant, as_json=as_json))
