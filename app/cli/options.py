"""What the commands have in common: their options, and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

Json = Annotated[bool, typer.Option("--json", help="One line of JSON on stdout.")]
TenantOption = Annotated[str, typer.Option("--tenant", help="The tenant's code.")]
Paths = Annotated[list[Path], typer.Argument(help="Files or folders.", exists=True)]

# "--map KEY=COLUMN KEY=COLUMN FILE" is how many write it: what follows an option is its own.
MapsAndPaths = Annotated[
    list[str], typer.Argument(metavar="PATHS", help="Further KEY=COLUMN; files or folders.")
]


def maps_and_paths(given: Sequence[str]) -> tuple[list[str], list[Path]]:
    """Tell further mappings from the files behind them; a file whose name has a `=` is a file.

    Raises: typer.BadParameter: there is no such file, or none is named.
    """
    paths = [Path(each) for each in given]
    at = next(
        (i for i, each in enumerate(given) if "=" not in each or paths[i].exists()), len(given)
    )
    gone = next((path for path in paths[at:] if not path.exists()), None)
    if gone is not None:
        raise typer.BadParameter(f"path {str(gone)!r} does not exist.", param_hint="'PATHS'")
    if at == len(given):
        raise typer.BadParameter("no file is named.", param_hint="'PATHS'")
    return list(given[:at]), paths[at:]


class Asking(TyperCommand):
    """A command whose question may begin with a hyphen: `-x` is NOT x, and no option is as short.

    What begins with two, a misspelt option, stays an error.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put such a question behind `--`, wherever it stands."""
        taking = {name for each in self.params if not getattr(each, "is_flag", False)
                  for name in each.opts}  # fmt: skip
        for at, arg in enumerate(args):
            if arg == "--":
                break
            value = at > 0 and args[at - 1] in taking
            if arg.startswith("-") and not arg.startswith("--") and arg != "-" and not value:
                return super().parse_args(ctx, [*args[:at], *args[at + 1 :], "--", arg])
        return super().parse_args(ctx, args)


def finish(code: int) -> None:
    """End the process with this exit code; go on at 0."""
    if code:
        raise typer.Exit(code)


def home() -> Path:
    """Return the home folder that the settings name."""
    from app.settings import load  # pydantic takes longer to load than `--help` should

    return load().home
