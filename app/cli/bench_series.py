"""`anamnesis bench series`: lines read, points stored durably, a year drawn, everybody's last hour.

Runs in a home folder of its own, which it removes.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from zoneinfo import ZoneInfo

import numpy as np

from app.cli.output import print_json
from app.cli.vitals import take
from app.pages import environment
from app.patient_view import Piece
from app.series_wiring import intake_of
from app.settings import load
from app.vital_charts import draw, drug_marks, encounter_marks
from app.wiring import Installation
from eval.bench.clock import Figures, figures
from indexing.access import Access, Role
from indexing.backends.postgres.embedded import Server
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.backends.postgres.watched import WatchedVitals
from indexing.model import Tenant
from indexing.vitals.lines import parse
from indexing.vitals.model import SeriesKey, Span, batch_of, micros

_SEED = 20261128
_YEAR = 365 * 24 * 60  # minutes
_ROUNDS = 30


def series_command(patients: int, *, as_json: bool) -> int:
    """Measure and print; return the exit code."""
    home = Path(mkdtemp(prefix="anamnesis-series-"))
    installation = Installation(load().model_copy(update={"home": home, "database_url": None}))
    try:
        result = _measured(installation, home, patients)
    finally:
        installation.close()
        Server(home).stop()
        shutil.rmtree(home, ignore_errors=True)
    if as_json:
        print_json(result)
    for name, value in {} if as_json else result.items():
        print(f"{name:<36} {value}")
    return 0


def _measured(installation: Installation, home: Path, patients: int) -> dict[str, object]:
    tenant = Tenant(new_tenant_id(), "bench", "Bench")
    installation.tenants.create(tenant)
    access = Access(tenant.tenant_id, "bench", frozenset({Role.CLINICIAN}))
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    path = home / "lines.txt"
    path.write_bytes(lines(hour, patients, 60))
    charged = home / "charged.txt"
    charged.write_bytes(lines(hour, patients, 60, battery=True))
    read_s, charged_s = (
        min(_timed(partial(_parse, each)) for _ in range(3)) for each in (path, charged)
    )
    count = patients * 60
    began = time.perf_counter()
    taken = take(intake_of(installation), tenant.tenant_id, path, "ms")
    stored_s = time.perf_counter() - began
    installation.vitals.settle(tenant.tenant_id)
    watched = WatchedVitals(installation.vitals, installation.database)

    def window(start: datetime) -> Figures:
        end = start + timedelta(hours=1)
        return _rounds(lambda: watched.window(access, "heart_rate", start, end))

    whole, across = window(hour), window(hour + timedelta(minutes=17))
    _year(installation, tenant)
    drawn = _rounds(lambda: _page(watched, access))
    return {
        "lines read per s": round(count / read_s),
        "lines with battery read per s": round(count / charged_s),
        "points stored per s": round(count / stored_s),
        "points": taken.points, "patients": patients,
        "window of a whole hour, ms": whole.to_json(),
        "window across two hours, ms": across.to_json(),
        "a year of minutes drawn, ms": drawn.to_json(),
    }  # fmt: skip


def lines(start: datetime, patients: int, minutes: int, *, battery: bool = False) -> bytes:
    """Return a body of line protocol: each patient's pulse, minute by minute, perhaps with how full
    the device's battery is."""
    values = np.random.default_rng(_SEED).normal(75, 9, (minutes, patients)).round(1)
    base = micros(start) // 1000
    return "\n".join(
        f"vital_signs,patient_id=p{p},type=heart_rate,unit=/min,device=w{p} "
        f"value={values[m, p]}{f',battery={100 - (m + p) % 97}' if battery else ''} "
        f"{base + m * 60_000}"
        for m in range(minutes)
        for p in range(patients)
    ).encode()


def _parse(path: Path) -> None:
    parse(path.read_bytes(), now=datetime.now(UTC), precision="ms")


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _rounds(work: Callable[[], object]) -> Figures:
    work()
    return figures([1000 * _timed(work) for _ in range(_ROUNDS)])


def _year(installation: Installation, tenant: Tenant) -> None:
    chance = np.random.default_rng(_SEED)
    first = micros(datetime.now(UTC)) - _YEAR * 60_000_000
    key = SeriesKey("vital_signs", "year", "heart_rate", "/min", "watch")
    for start in range(0, _YEAR, 100_000):
        minutes = np.arange(start, min(start + 100_000, _YEAR))
        value = 75 + 9 * np.sin(minutes / 229) + chance.normal(0, 3, len(minutes))
        at = (first + minutes * 60_000_000).tolist()
        own = batch_of([key], [0] * len(at), at, value.tolist())
        installation.vitals.write(tenant.tenant_id, own)
    installation.vitals.settle(tenant.tenant_id)


def _page(watched: WatchedVitals, access: Access) -> str:
    view = draw(watched.courses(access, "year", Span()), ZoneInfo("UTC"))
    template = environment().get_template("patient/_part_vitals.html")
    return template.render(
        piece=Piece(view), chart=None, encounter_marks=encounter_marks, drug_marks=drug_marks
    )
