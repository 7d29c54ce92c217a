"""`anamnesis canary`: is every tenant's own found in every store, and nobody else's?"""

from __future__ import annotations

import time

import orjson

from app.canary import LAST, watch
from app.cli.output import print_json
from app.settings import load
from app.wiring import Installation


def canary_command(tenant: str | None, *, as_json: bool) -> int:
    """Plant and probe; 0 when all is well, 1 when a store lacks its own or does not answer, 2 when
    one gave what is another tenant's."""
    installation = Installation(load())
    tenants = installation.tenants.all()
    if tenant is not None:
        installation.tenants.by_code(tenant)
    found = watch(installation, [each for each in tenants if each.active])
    shown = {code: each for code, each in found.items() if tenant in (None, code)}
    probes = sum(each.probes for each in found.values())
    foreign = sum(each.foreign for each in found.values())
    ok = all(each.ok for each in shown.values())
    result = {
        "ok": ok, "probes": probes, "foreign": foreign, "at": time.time(),
        "tenants": {code: each.stores for code, each in shown.items()},
    }  # fmt: skip
    # What /metrics of a server over this home shows: counts alone.
    told = {"probes": probes, "foreign": foreign, "ok": ok, "at": result["at"]}
    draft = installation.home / "canary.draft"
    draft.write_bytes(orjson.dumps(told))
    draft.replace(installation.home / LAST)
    if as_json:
        print_json(result)
    else:
        for code, each in shown.items():
            print(f"{code:<20} {'  '.join(f'{k} {v}' for k, v in each.stores.items())}")
        print(f"{probes} probes, {foreign} foreign")
    installation.close()
    return 2 if foreign else 0 if ok else 1
