"""`anamnesis treatments`: what the command does."""

from __future__ import annotations

from app.cli.output import operator, print_json
from app.services import services_of
from app.settings import load
from app.treatments import TREATMENTS_USE, Shown, ShownOption, treatments
from app.wiring import Installation


def treatments_command(tenant: str, patient: str, condition: str, *, as_json: bool) -> int:
    """Print the options; return 0."""
    installation = Installation(load())
    access = operator(installation.tenants.by_code(tenant))
    shown = treatments(services_of(installation), access, patient, condition)
    if as_json:
        print_json(shown.to_json())
    else:
        _print(shown)
    installation.close()
    return 0


def _print(shown: Shown) -> None:
    print(f"{shown.condition}: {shown.carriers} other patients, {shown.alike} of them alike and "
          "with a recorded outcome")  # fmt: skip
    print(TREATMENTS_USE)
    for each in shown.unknown:
        print(f"NOT CHECKED beyond its name: allergy to {each}")
    if not shown.told:
        print(f"nothing is told: {shown.why}")
    for option in shown.options:
        _option(option)
    if shown.others:
        rest = ", ".join(f"{name} ({count})" for name, count in shown.others)
        print(f"given without a recorded outcome: {rest}")


def _option(option: ShownOption) -> None:
    told = "too few recorded outcomes to tell a share"
    if option.share is not None and option.low is not None and option.high is not None:
        told = (
            f"{option.good} of {option.cases} better, {100 * option.low:.0f} to "
            f"{100 * option.high:.0f} in 100"
        )
    print(f"{option.name}{' (taken now)' if option.taken else ''}: {told}; given to {option.given}")
    for each in option.cautions:
        source = f" [{each.source}]" if each.source else ""
        print(f"    {each.kind.upper()}: {each.words}{source}")
