"""`anamnesis index rebuild --to ENGINE` and `--back`: other engines for a tenant's legs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from app.cli.output import print_json, progress
from app.moves import legs_of, movers
from app.settings import load
from app.wiring import Installation
from indexing.errors import Conflict, InvalidInput
from indexing.model import TenantId
from indexing.moving import Moved, Mover, Tell
from indexing.places import LEGS, Leg, Stage


def move_command(tenant: str, to: str | None, leg: str | None, *, back: bool, as_json: bool) -> int:
    """Move legs to another engine, or back to the one before; return the exit code."""
    if back and to is not None:
        raise InvalidInput("--to and --back exclude each other")
    installation = Installation(load())
    tenant_id = installation.tenants.by_code(tenant).tenant_id
    if to is not None:
        wanted = movers(installation, legs_of(to, leg))
        moved = [_watched(each, _to(each, tenant_id, to)) for each in wanted]
    else:
        wanted = _moved_before(installation, tenant_id, leg)
        moved = [_watched(each, _back(each, tenant_id)) for each in wanted]
    if as_json:
        print_json({"moved": {each.leg: asdict(each) for each in moved}})
    else:
        for each in moved:
            print(
                f"{each.leg:<8} {each.before} → {each.engine}: {each.documents} documents, "
                f"hash {each.digest}, {each.seconds:.1f} s"
            )
    installation.close()
    return 0


def empty_command(tenant: str, leg: str | None, *, as_json: bool) -> int:
    """Empty the engines that served before and those of broken-off moves."""
    installation = Installation(load())
    tenant_id = installation.tenants.by_code(tenant).tenant_id
    emptied = {}
    for mover in movers(installation, _legs(leg)):
        for place in mover.index.places(tenant_id)[1:]:
            mover.empty(tenant_id, place)
            emptied[f"{mover.leg}, {place.stage}"] = place.engine
    if as_json:
        print_json({"emptied": emptied})
    else:
        for name, engine in emptied.items():
            print(f"{name}: {engine} emptied")
    installation.close()
    return 0


def _legs(leg: str | None) -> tuple[Leg, ...]:
    found = tuple(each for each in LEGS if leg in (None, each))
    if not found:
        raise InvalidInput(f"no leg {leg!r}", hint=f"there are {', '.join(LEGS)}")
    return found


def _moved_before(installation: Installation, tenant_id: TenantId, leg: str | None) -> list[Mover]:
    found = [
        mover for mover in movers(installation, _legs(leg))
        if any(p.stage is Stage.PREVIOUS for p in mover.index.places(tenant_id))
    ]  # fmt: skip
    if not found:
        raise Conflict("there is nothing to go back to", hint="name an engine with --to")
    return found


def _to(mover: Mover, tenant_id: TenantId, engine: str) -> Callable[[Tell], Moved]:
    return lambda tell: mover.move(tenant_id, engine, tell)


def _back(mover: Mover, tenant_id: TenantId) -> Callable[[Tell], Moved]:
    return lambda tell: mover.back(tenant_id, tell)


def _watched(mover: Mover, run: Callable[[Tell], Moved]) -> Moved:
    with progress() as bar:
        task = bar.add_task(mover.leg, total=None)
        return run(lambda done, every: bar.update(task, completed=done, total=every))
