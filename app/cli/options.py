"""What the commands have in common: their options, and how they end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One line of JSON on stdout.")]
TenantOption = Annotated[str, typer.Option("--tenant", help="The tenant's code.")]
Paths = Annotated[list[Path], typer.Argument(help="Files or folders.", exists=True)]


def finish(code: int) -> None:
    """End the process with this exit code; go on at 0."""
    if code:
        raise typer.Exit(code)


def home() -> Path:
    """Return the home folder that the settings name."""
    from app.settings import load  # pydantic takes longer to load than `--help` should

    return load().home
