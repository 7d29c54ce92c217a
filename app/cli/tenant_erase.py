"""`anamnesis tenants erase`: a hospital that leaves is taken out of everything. Counts are printed,
never a text."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from app.cli.erase import tell
from app.cli.output import operator_name, stderr
from app.cli.tenants import register_row
from app.settings import load
from app.tenant_erasing import erase_tenant, plan, prove_tenant, registry
from app.wiring import Installation
from indexing.errors import InvalidInput


def erase_tenant_command(
    code: str, reason: str, export_to: Path | None, *, yes: bool, as_json: bool
) -> int:
    """Erase a tenant, or finish what was begun; exit code 0 when nothing is left."""
    installation = Installation(load())
    begun = registry(installation).of(code)
    if begun is None:
        held = plan(installation, code)
        if not reason.strip():
            raise InvalidInput("--reason is missing: why the tenant leaves; it is kept for ever")
        _confirm(code, held, exported=export_to is not None, yes=yes)
    erasure, proof = erase_tenant(installation, code, operator_name(), reason, export_to)
    if not as_json:
        print(f"{sum(erasure.removed.values())} rows of {len(erasure.removed)} tables removed")
    installation.close()
    return tell([proof], register_row(erasure), as_json=as_json)


def prove_tenant_command(code: str, *, as_json: bool) -> int:
    """Look through everything for a tenant."""
    installation = Installation(load())
    proof = prove_tenant(installation, code)
    installation.close()
    return tell([proof], {"code": code}, as_json=as_json)


def _confirm(code: str, held: dict[str, int], *, exported: bool, yes: bool) -> None:
    """Tell how much will go, and let whoever sits there spell the code.

    Raises: InvalidInput: nobody does, and --yes was not given; or it was spelled otherwise.
    """
    audit = "is written out first" if exported else "goes too (--export-audit FILE keeps it)"
    stderr.print(
        f"{sum(held.values())} rows in {len(held)} tables, its users and its indexes; the audit "
        f"{audit}; there is no way back"
    )
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput("nothing was erased", hint="add --yes")
    if typer.prompt("Type the tenant's code to erase it", err=True) != code:
        raise InvalidInput("nothing was erased: that is another code")
