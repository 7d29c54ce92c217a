"""`anamnesis models` and `anamnesis predict`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from app.cli.output import operator, print_json, stderr
from app.outlook import Outlook, Registration
from app.predictions import words_of
from app.settings import load
from app.wiring import Installation
from indexing.outlook import INTENDED_USE, TYPES, ModelCard, Prediction, Status


@contextmanager
def _opened(tenant: str) -> Iterator[Outlook]:
    installation = Installation(load())
    yield Outlook(installation, operator(installation.tenants.by_code(tenant)))
    installation.close()


def switch_command(
    tenant: str, predictions: bool | None, treatments: bool | None, *, as_json: bool
) -> int:
    """Turn modules on or off, None leaves one as it is; return 0."""
    given = {"predictions": predictions, "treatments": treatments}
    changed = {name: on for name, on in given.items() if on is not None}
    with _opened(tenant) as own:
        wanted = replace(own.store.switches(own.access), **changed)
        if changed:
            own.store.switch(own.access, wanted)
    if as_json:
        print_json(asdict(wanted))
    else:
        for name, on in asdict(wanted).items():
            print(f"{name} are {'on' if on else 'off'}")
    return 0


def register_command(tenant: str, wanted: Registration, *, as_json: bool) -> int:
    """Register a model; return 0."""
    with _opened(tenant) as own:
        card = own.register(wanted)
    _show(asdict(card), card, as_json)
    return 0


def use_command(tenant: str, name: str, version: str, status: Status, *, as_json: bool) -> int:
    """Put a model in force or out of it; return 0. Raises: NotFound: no such model."""
    with _opened(tenant) as own:
        card = replace(own.store.card(own.access, name, version), status=status)
        own.store.put(own.access, card)
    if as_json:
        print_json(asdict(card))
    else:
        print(f"{card.name} {card.version} is {card.status} for {card.type}")
    return 0


def list_command(tenant: str, *, as_json: bool) -> int:
    """List models; return 0."""
    with _opened(tenant) as own:
        cards = own.store.models(own.access)
    if as_json:
        print_json({"models": [asdict(card) for card in cards]})
    for card in [] if as_json else cards:
        print(f"{card.name} {card.version}  {card.type}  {card.kind}  {card.status}")
    if not cards:
        stderr.print("No model is registered: `anamnesis models register` adds one.")
    return 0


def card_command(tenant: str, name: str, version: str, *, as_json: bool) -> int:
    """Print a card with how right the model has been; return 0.

    Raises:
        NotFound: no such model.
    """
    with _opened(tenant) as own:
        card = own.store.card(own.access, name, version)
        since = own.follow_up(card)
    _show(asdict(card) | {"since": since}, card, as_json)
    if not as_json:
        print(f"since: {since}")
    return 0


def _show(answer: dict[str, Any], card: ModelCard, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    print(f"{card.name} {card.version} ({card.kind}, {card.status}): {TYPES[card.type]}")
    print(INTENDED_USE)
    if card.description:
        print(card.description)
    print(f"parameters: {dict(card.parameters)}")
    print(f"training: {dict(card.training)}")
    own = card.metrics
    print(f"held out: {own['held_out']} patients, {own['withheld']} withheld; calibration error "
          f"{own['error']:.4f}; Brier skill {own['skill']:.4f} "
          f"[{own['low']:.4f}, {own['high']:.4f}]")  # fmt: skip
    for name, (count, told, happened) in own["groups"].items():
        print(f"  {name:<14} {count:>6}  told {told:.3f}  happened {happened:.3f}")
    if card.digest:
        print(f"sha256 {card.digest}")


def predict_command(tenant: str, patient: str, kind_of: str, *, as_json: bool) -> int:
    """Tell how patients alike fared; return 0."""
    with _opened(tenant) as own:
        told = own.predict(patient, kind_of)
    if as_json:
        print_json(asdict(told) | {"intended_use": INTENDED_USE})
    else:
        print(_words(told))
    return 0


def _words(told: Prediction) -> str:
    head = f"{told.model} {told.version}: {TYPES[told.type]}"
    if told.chance is None:
        return f"{head}\n{words_of(told)}"
    shared = ", ".join(told.evidence["shared"]) or "nothing that stands out"
    moved = ", ".join(f"{name} by {100 * by:+.0f}" for name, by in told.evidence["moved"])
    why = f"in common: {shared}"
    if not told.evidence["neighbours"]:
        why = f"what moved it, in 100: {moved or 'no finding alone'}"
    return "\n".join([head, words_of(told), why, INTENDED_USE])
