"""`anamnesis index status`."""

from __future__ import annotations

from app.cli.output import operator, print_json
from app.following import catch_up
from app.index_status import Shown, status_of
from app.settings import load
from app.wiring import Installation


def status_command(tenant: str, until_current: bool, *, as_json: bool) -> int:
    """Say what each index holds, and how far it is behind."""
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    if until_current:
        catch_up(installation, tenants=[found.tenant_id])
    told = status_of(installation, operator(found))
    if as_json:
        print_json(told)
    else:
        show(told)
    installation.close()
    return 0


def show(told: Shown) -> None:
    """Print it."""
    for name, row in told["indexes"].items():
        print(f"{name:<15} {_holds(row)} pending {_number(row['pending'])}")
    for name, waits in told["followers"].items():
        if name not in told["indexes"]:
            print(f"follower {name:<15} pending {waits}")
    for leg, places in told["places"].items():
        print(f"{leg:<15} {', '.join(_place(place) for place in places)}")
    print(f"complete to {told['complete_to'] or 'never yet'}")


def _holds(row: Shown) -> str:
    if row.get("outdated"):
        return "of another version: `anamnesis doctor` says more"
    if row["count"] is None:
        return "does not answer"
    return f"{row['count']:>8} of {row['expected']:<8}"


def _place(place: Shown) -> str:
    behind = ", behind" if place["behind"] else ""
    waits = f", pending {_number(place['pending'])}" if "pending" in place else ""
    return f"{place['engine']} ({place['stage']}{behind}{waits})"


def _number(waits: int | None) -> str:
    return "unknown" if waits is None else str(waits)
