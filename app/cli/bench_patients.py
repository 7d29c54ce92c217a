"""A generated hospital of so many patients, made once and kept; everything but vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import orjson

from app.cli.bench_hospital import tenant_of
from app.cli.output import operator, progress
from app.cli.waiting import wait_until_searchable
from app.following import LANES
from app.settings import Settings
from app.wiring import Installation
from eval.hospital import DEFAULT_SEED, generate, hospital_bundle
from indexing.backends.postgres.embedded import Server
from indexing.fhir.sources import Source
from indexing.ingest import Ingest

# Vectors of so many notes take half an hour, and no figure here needs them.
_LANES = tuple(lane for lane in LANES if lane != "vectors")


@contextmanager
def settled_patients(settings: Settings, patients: int) -> Iterator[Installation]:
    """Lend an installation with a hospital of that many patients, indexed; end its server."""
    seed = hashlib.sha256(b"".join(orjson.dumps(c.bundle) for c in generate(2, DEFAULT_SEED)))
    home = settings.home / "bench" / f"patients-{patients}-{seed.hexdigest()[:10]}"
    home.mkdir(parents=True, exist_ok=True)
    inner = settings.model_copy(update={"home": home, "database_url": None, "port": 0})
    installation = Installation(inner)
    try:
        if not (home / "complete").exists():
            _fill(installation, patients)
            wait_until_searchable(installation, _LANES)
            with installation.owner_database.session() as conn:
                conn.execute("VACUUM ANALYZE")  # what autovacuum does within a minute
            (home / "complete").touch()
        yield installation
    finally:
        installation.close()
        Server(home).stop()


def _fill(installation: Installation, patients: int) -> None:
    tenant = tenant_of(installation)
    into = Ingest(
        installation.records, operator(tenant), ZoneInfo(tenant.time_zone), reason="benchmark"
    )
    with progress() as bar:
        task = bar.add_task("inventing patients", total=patients)

        def streamed() -> Iterator[Source]:
            yield Source("hospital", 0, orjson.dumps(hospital_bundle()))
            for number, chart in enumerate(generate(patients, DEFAULT_SEED), 1):
                yield Source("hospital", number, orjson.dumps(chart.bundle))
                bar.update(task, completed=number)

        into.run(streamed(), on_outcomes=lambda _: None)
