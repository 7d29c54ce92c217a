"""Series after kill -9 of who writes them and of their database: what was acknowledged is there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.settings import Settings
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.embedded import Server
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.model import Tenant
from indexing.vitals.hours import rolled
from indexing.vitals.model import Span
from tests.engines import EngineServer

_WRITER = """
import sys
from datetime import UTC, datetime
from app.settings import Settings
from app.wiring import Installation
from indexing.vitals.model import SeriesKey, batch_of, micros
from uuid import UUID
own, tenant = Installation(Settings.model_validate_json(sys.argv[1])), UUID(sys.argv[2])
base, minute, number = micros(datetime(2026, 3, 1, tzinfo=UTC)), 60_000_000, 0

def write(key, at, value):
    own.vitals.write(tenant, batch_of([key], [0] * len(at), at, value))

while True:
    key = SeriesKey("vital_signs", f"p{number % 3}", "heart_rate", "/min")
    first = base + number * 50 * minute
    write(key, [first + n * minute for n in range(50)], [float(n) for n in range(50)])
    if number % 2:
        own.vitals.settle(tenant)
    write(key, [first + n * minute for n in range(5, 9)], [900.0] * 4)  # corrected
    write(key, [first + 1, first - 30_000_001], [-100.0] * 2)  # late
    print(number, flush=True)
    number += 1
"""


def _written(
    settings: Settings, tenant: Tenant, enough: int, crash: Callable[[], None] | None
) -> list[int]:
    """Write until so many batches are acknowledged, then kill the database or the writer."""
    acknowledged = []
    told = settings.model_dump(mode="json") | {
        "database_url": settings.database_url and settings.database_url.get_secret_value()
    }
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, json.dumps(told), str(tenant.tenant_id)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as writing:  # fmt: skip
        for said in writing.stdout or ():
            acknowledged.append(int(said))
            if len(acknowledged) == enough:
                if crash is not None:
                    crash()
                writing.kill()
    return acknowledged


def _killed_again_and_again(settings: Settings, crash: Callable[[], None]) -> None:
    """Kill database and writer by turns while late and corrected points come in."""
    own = Installation(settings)
    tenant_id = new_tenant_id()
    tenant = Tenant(tenant_id, f"t-{tenant_id.hex[:16]}", "H")
    own.tenants.create(tenant)
    access = Access(tenant_id, "dr", frozenset({Role.CLINICIAN}))
    for number, enough in enumerate((7, 12, 9)):
        acknowledged = _written(settings, tenant, enough, None if number % 2 else crash)
        assert len(acknowledged) >= enough
        own.close()
        own = Installation(settings)
        _check(own, access, acknowledged)
        own.vitals.settle(tenant_id)
        _check(own, access, acknowledged)
    own.close()


@pytest.mark.slow
def test_after_kill_9_of_writer_and_database_rollups_equal_a_recount(
    tmp_path: Path, crash: Callable[[Server], None]
) -> None:
    _killed_again_and_again(Settings(home=tmp_path), lambda: crash(Server(tmp_path)))
    Server(tmp_path).stop()


@pytest.mark.slow
@pytest.mark.engines
def test_after_kill_9_of_timescale_rollups_equal_a_recount(
    timescale: Installation, timescale_server: EngineServer
) -> None:
    if timescale_server.script is None:
        pytest.skip("no test kills a site's own server")

    def crash() -> None:
        timescale_server.crash()
        timescale_server.start()

    _killed_again_and_again(timescale.settings, crash)


def _check(own: Installation, access: Access, acknowledged: list[int]) -> None:
    for number in range(3):
        mine = [n for n in acknowledged if n % 3 == number]
        details = own.vitals.points(access, [f"p{number}"], Span())
        hours = own.vitals.rollups(access, [f"p{number}"], Span())
        [values] = [each.value for each in details]
        assert len(values) >= 52 * len(mine)
        assert (values == 900).sum() >= 4 * len(mine)
        assert (values == -100).sum() >= 2 * len(mine)
        for each, rollups in zip(details, hours, strict=True):
            recount = rolled(each)
            assert rollups.at.tolist() == recount.at.tolist()
            assert rollups.count.tolist() == recount.count.tolist()
            assert np.allclose(rollups.mean, recount.mean)
