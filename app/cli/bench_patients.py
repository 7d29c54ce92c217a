"""A generated hospital of so many patients, made once and kept; everything but vectors."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import orjson

from app.cli.bench_hospital import tenant_of
from app.cli.output import operator, progress, stderr
from app.cli.waiting import wait_until_searchable
from app.following import LANES
from app.memory import collect_seldom
from app.settings import Settings
from app.wiring import Installation
from eval.hospital import DEFAULT_SEED, chart, generate, hospital_bundle
from indexing.backends.postgres.embedded import Server
from indexing.fhir.sources import Source
from indexing.ingest import Ingest

# Vectors of so many notes take half an hour, and no figure here needs them.
_LANES = tuple(lane for lane in LANES if lane != "vectors")
NOT_FILLED = "vectors of notes"


@contextmanager
def settled_patients(settings: Settings, patients: int) -> Iterator[Installation]:
    """Lend an installation with a hospital of that many patients, indexed; end its server.

    A filling that was broken off goes on where it stopped.
    """
    seed = hashlib.sha256(b"".join(orjson.dumps(c.bundle) for c in generate(2, DEFAULT_SEED)))
    home = settings.home / "bench" / f"patients-{patients}-{seed.hexdigest()[:10]}"
    home.mkdir(parents=True, exist_ok=True)
    inner = settings.model_copy(update={"home": home, "database_url": None, "port": 0})
    installation = Installation(inner)
    try:
        if not (home / "complete").exists():
            _fill(installation, patients)
            (home / "complete").touch()
        collect_seldom()  # as what serves does
        yield installation
    finally:
        installation.close()
        Server(home).stop()


def known_patients(installation: Installation) -> list[str]:
    """Return the ids of the measured tenant's patients."""
    keys = installation.medical.facts.keys(tenant_of(installation).tenant_id)
    return sorted(k.removeprefix("Patient/") for k in keys if k.startswith("Patient/"))


def _fill(installation: Installation, patients: int) -> None:
    """Take the patients in, lane by lane, and say how long each took."""
    took, began = dict[str, float](), time.monotonic()
    for stage in ("records", *_LANES):
        if stage == "records":
            _take_in(installation, patients)
        else:
            wait_until_searchable(installation, [stage])
        with installation.owner_database.session() as conn:
            conn.execute("VACUUM ANALYZE")  # what autovacuum does within a minute
        took[stage], began = time.monotonic() - began, time.monotonic()
    stages = ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in took.items())
    stderr.print(f"filled {patients} patients: {stages}; left out: {NOT_FILLED}")


def _take_in(installation: Installation, patients: int) -> None:
    tenant = tenant_of(installation)
    into = Ingest(
        installation.records, operator(tenant), ZoneInfo(tenant.time_zone), reason="benchmark"
    )
    there = len(known_patients(installation))  # a patient is one transaction, and they go in order
    with progress() as bar:
        task = bar.add_task("inventing patients", total=patients, completed=there)

        def streamed() -> Iterator[Source]:
            yield Source("hospital", 0, orjson.dumps(hospital_bundle()))
            for index in range(there, patients):
                invented = chart(DEFAULT_SEED, index).bundle
                yield Source("hospital", index + 1, orjson.dumps(invented))
                bar.update(task, completed=index + 1)

        into.run(streamed(), on_outcomes=lambda _: None)
