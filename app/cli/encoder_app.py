"""`anamnesis encoder …`: which model gives notes and questions their vectors."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.options import Json, finish

encoder = typer.Typer(help="Encoders: the default and adapted ones.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="As `encoder list` names it; default is the shipped.")]


@encoder.command("list")
def encoder_list(as_json: Json = False) -> None:
    """List the encoders, which serves, and how many notes have vectors of each."""
    from app.cli.encoder import list_command

    finish(list_command(as_json=as_json))


@encoder.command("switch")
def encoder_switch(
    encoder: Annotated[
        str, typer.Argument(help="A folder of `eval train --encoder`, or a name of `encoder list`.")
    ],
    as_json: Json = False,
) -> None:
    """Give every note vectors of another encoder beside the old ones, then switch.

    Run it again where it was broken off: it goes on. Back is `encoder switch default`.
    """
    from app.cli.encoder import switch_command

    finish(switch_command(encoder, as_json=as_json))


@encoder.command("forget")
def encoder_forget(name: Name, as_json: Json = False) -> None:
    """Drop the vectors of an encoder that does not serve: no quick way back."""
    from app.cli.encoder import forget_command

    finish(forget_command(name, as_json=as_json))
