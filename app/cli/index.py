"""`anamnesis index`: follow, rebuild, reconcile."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import asdict

from app.cli.output import print_json, stderr
from app.following import LANES, catch_up, followers, run_lane
from app.letting_go import LettingGo
from app.moves import movers, paused
from app.resting import put_away
from app.settings import load
from app.stores import stores
from app.wiring import Installation
from indexing.follow import replay
from indexing.medical_follow import rebuild_medical, reconcile_medical
from indexing.rebuild import rebuild
from indexing.reconcile import reconcile


def follow_command(
    tenant: str | None, until_current: bool, *, with_parent: bool = False, as_json: bool = False
) -> int:
    """Keep every index current: until nothing is left to do, or until told to stop.

    `with_parent`: also stop when stdin ends, which it does when the parent is gone.
    """
    installation = Installation(load())
    if tenant is not None:
        installation.tenants.by_code(tenant)
    if until_current:
        catch_up(installation)
        if as_json:
            print_json({"current": True})
        installation.close()
        return 0
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if with_parent:
        os.nice(10)  # beside a server: answers first
        threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    _finish_erasures(installation)
    lanes = [
        threading.Thread(target=run_lane, args=(installation, lane, stop), name=f"follow-{lane}")
        for lane in LANES
    ]
    with LettingGo(installation):
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
    installation.close()
    return 0


def _finish_erasures(installation: Installation) -> None:
    """Before anything follows: a crash may have left a patient or a tenant half erased."""
    from app.erasing import resume
    from app.tenant_erasing import resume_tenants

    resume(installation)
    resume_tenants(installation)


def _stop_with_parent(stop: threading.Event) -> None:
    while sys.stdin.read(1):
        pass
    stop.set()


def rebuild_command(tenant: str, *, as_json: bool) -> int:
    """Build every index of a tenant beside the live one, and switch."""
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    with paused(installation):
        counts = rebuild(installation.derived, found.tenant_id, stores(installation), stderr.print)
        counts["medical"] = rebuild_medical(
            found.tenant_id,
            installation.medical.facts,
            installation.medical.graph,
            installation.medical.of(found.tenant_id).maker,
        )
    installation.forget_answers(found.tenant_id)
    if as_json:
        print_json({"rebuilt": counts})
    else:
        for name, count in counts.items():
            print(f"{name:<10} {count} documents")
    installation.close()
    return 0


def rest_command(tenant: str, *, as_json: bool) -> int:
    """Put a tenant's vectors away; a server does it by itself after a week without a question."""
    installation = Installation(load())
    rests = put_away(installation, installation.tenants.by_code(tenant).tenant_id)
    if as_json:
        print_json({"rests": rests})
    else:
        print("put away until it is asked" if rests else "its engines keep all at hand")
    installation.close()
    return 0


def reconcile_command(tenant: str, until_current: bool, *, as_json: bool) -> int:
    """Compare with the records and repair, and apply what was parked again; exit code 1 when
    something still differs."""
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    if until_current:
        catch_up(installation, tenants=[found.tenant_id])
    with paused(installation):
        installation.patients.take_back()
        results = reconcile(found.tenant_id, installation.derived.live, stores(installation))
        results.append(
            reconcile_medical(
                found.tenant_id,
                installation.medical.facts,
                installation.medical.graph,
                installation.medical.of(found.tenant_id).maker,
            )
        )
        for lane in LANES:  # an event that stays parked holds back every later one of its note
            for follower in followers(installation, lane):
                replay(installation.feed, follower, found.tenant_id)
        beside = {
            k: v for m in movers(installation) for k, v in m.reconcile(found.tenant_id).items()
        }
    installation.forget_answers(found.tenant_id)
    equal = all(after.equal for _, after in results) and all(beside.values())
    if as_json:
        rows = {
            before.name: {
                "before": asdict(before), "after": asdict(after), "equal": after.equal,
                "repaired": len(before.keys) - len(after.keys),
            }
            for before, after in results
        }  # fmt: skip
        print_json({"equal": equal, "indexes": rows, "beside": beside})
    else:
        for before, after in results:
            repaired = len(before.keys) - len(after.keys)
            print(f"{before.name:<10} {after.count} of {after.expected}, {repaired} repaired")
            for key in after.keys:
                print(f"{'':<10} still differs: {key}")
        for name, same in beside.items():
            print(f"{name} {'equal' if same else 'differs'}")
    installation.close()
    return 0 if equal else 1
