"""`anamnesis models …`, `anamnesis predict` and `anamnesis treatments`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.options import Json, TenantOption, finish

models = typer.Typer(help="Outcome models: off until a tenant turns them on.", no_args_is_help=True)

TypeOption = Annotated[str, typer.Option("--type", help="The outcome: return90, acute365.")]


@models.command("switch")
def models_switch(
    tenant: TenantOption,
    predictions: Annotated[bool | None, typer.Option("--predictions/--no-predictions")] = None,
    treatments: Annotated[bool | None, typer.Option("--treatments/--no-treatments")] = None,
    as_json: Json = False,
) -> None:
    """Turn outcome predictions and treatment options on or off for a tenant; without either, say
    which are on."""
    from app.cli.outlook import switch_command

    finish(switch_command(tenant, predictions, treatments, as_json=as_json))


@models.command("register")
def models_register(
    tenant: TenantOption,
    name: Annotated[str, typer.Option(help="What the model is called.")],
    version: Annotated[str, typer.Option(help="Never used again.")],
    kind_of: TypeOption = "return90",
    description: str = "",
    calibration: Annotated[Literal["isotonic", "platt"], typer.Option()] = "isotonic",
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="An ONNX model; else k-NN.")
    ] = None,
    training: Annotated[str, typer.Option(help="What a file was trained on, for its card.")] = "",
    as_json: Json = False,
) -> None:
    """Register a model and measure it on the tenant's own known outcomes."""
    from app.cli.outlook import register_command
    from app.outlook import Registration
    from rankers.onnx_risk import MOST_BYTES

    body = None
    if file is not None:
        with file.open("rb") as opened:
            body = opened.read(MOST_BYTES + 1)  # no more than is needed to refuse it
    wanted = Registration(name, version, kind_of, description, calibration, body, training)
    finish(register_command(tenant, wanted, as_json=as_json))


@models.command("use")
def models_use(
    tenant: TenantOption,
    name: Annotated[str, typer.Argument(help="The model.")],
    version: Annotated[str, typer.Option(help="The newest where none is given.")] = "",
    as_json: Json = False,
) -> None:
    """Put a registered model in force for its outcome, as before another one was registered."""
    from app.cli.outlook import use_command

    finish(use_command(tenant, name, version, "active", as_json=as_json))


@models.command("retire")
def models_retire(
    tenant: TenantOption,
    name: Annotated[str, typer.Argument(help="The model.")],
    version: Annotated[str, typer.Option(help="The newest where none is given.")] = "",
    as_json: Json = False,
) -> None:
    """Take a model out of force; what it told stays, with what came of it."""
    from app.cli.outlook import use_command

    finish(use_command(tenant, name, version, "retired", as_json=as_json))


@models.command("list")
def models_list(tenant: TenantOption, as_json: Json = False) -> None:
    """List a tenant's models, newest first."""
    from app.cli.outlook import list_command

    finish(list_command(tenant, as_json=as_json))


@models.command("card")
def models_card(
    tenant: TenantOption,
    name: Annotated[str, typer.Argument(help="The model.")],
    version: Annotated[str, typer.Option(help="The newest where none is given.")] = "",
    as_json: Json = False,
) -> None:
    """Print a model's card; fill in what happened since, and how right it was."""
    from app.cli.outlook import card_command

    finish(card_command(tenant, name, version, as_json=as_json))


def predict(
    tenant: TenantOption,
    patient: Annotated[str, typer.Option("--patient", help="The patient's id.")],
    kind_of: TypeOption = "return90",
    as_json: Json = False,
) -> None:
    """Tell how patients alike fared; stored with its lineage, and written back as FHIR."""
    from app.cli.outlook import predict_command

    finish(predict_command(tenant, patient, kind_of, as_json=as_json))


def treatments(
    tenant: TenantOption,
    patient: Annotated[str, typer.Option("--patient", help="The patient's id.")],
    condition: Annotated[str, typer.Option("--condition", help="Its code or name.")],
    as_json: Json = False,
) -> None:
    """Show what patients alike were given for a condition, and what was recorded of it."""
    from app.cli.treatments import treatments_command

    finish(treatments_command(tenant, patient, condition, as_json=as_json))
