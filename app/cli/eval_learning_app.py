"""`anamnesis eval tune` and `eval train`: what is learned from judgements."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.options import Json, finish, home

learning = typer.Typer()


class TunedPart(StrEnum):
    """What `eval tune` looks over: an enumeration, for a list of literals cannot be an option."""

    LEGS = "legs"
    ALIKE = "alike"
    EXPANSIONS = "expansions"
    TITLE = "title"


@learning.command("tune")
def eval_tune(
    sets: Annotated[
        list[str], typer.Option("--set", help="DIR:SPLIT of a benchmark; several times.")
    ],
    over: Annotated[
        list[TunedPart] | None,
        typer.Option(
            help="Several times; legs and alike by default. legs: shares, by scores or ranks; "
            "alike: like hits; expansions: kinds of other wordings; title: the field's weight."
        ),
    ] = None,
    search: Annotated[
        Literal["grid", "bayes"], typer.Option(help="bayes needs the extra `lab`.")
    ] = "grid",
    trials: Annotated[int, typer.Option(min=10, help="Of bayes, for each kind and fold.")] = 60,
    folds: Annotated[int, typer.Option(min=2, max=20)] = 5,
    out: Annotated[Path | None, typer.Option(help="Write what is worth taking over here.")] = None,
    as_json: Json = False,
) -> None:
    """Look for the settings that do best on held-out topics and harm no set; /lab/tunings draws
    them."""
    from app.cli.eval_tune import tune_command

    code = tune_command(
        home(), sets, folds, out, as_json, parts=over or ("legs", "alike"),
        trials=trials if search == "bayes" else 0,
    )  # fmt: skip
    finish(code)


@learning.command("train")
def eval_train(
    sets: Annotated[
        list[str], typer.Option("--set", help="DIR:SPLIT of a benchmark; several times.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="The folder to write; ANAMNESIS_LEARNED or ANAMNESIS_ENCODER_FOLDER names it."
        ),
    ],
    most: Annotated[int, typer.Option(min=20, help="Topics of a set to learn from.")] = 3000,
    encoder: Annotated[
        bool, typer.Option("--encoder", help="Teach the encoder (extra `models`).")
    ] = False,
    most_pairs: Annotated[int, typer.Option("--pairs", min=50, help="At most, of --encoder.")] = (
        10_000
    ),
    as_json: Json = False,
) -> None:
    """Learn a ranker from judgements (LambdaMART), judged by topics that it did not see; or teach
    the encoder by titles and texts, synonyms and names, and judgements."""
    if encoder:  # its extra is needed for it alone
        from app.cli.eval_adapt import adapt_command

        finish(adapt_command(home(), sets, most_pairs, out, as_json))
        return
    from app.cli.eval_train import train_command

    finish(train_command(home(), sets, most, out, as_json))
