"""The hospital that is measured: an installation of its own, made once and kept."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson

from app.cli.output import operator, progress
from app.cli.waiting import wait_until_searchable
from app.settings import Settings
from app.wiring import Installation
from eval.hospital import DEFAULT_SEED, bundles, generate, hospital_bundle
from indexing.backends.postgres.embedded import Server
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.backends.tantivy.schema import LAYOUT
from indexing.encoders import CachedEncoder
from indexing.errors import NotFound
from indexing.fhir.sources import Source
from indexing.ingest import Ingest
from indexing.model import Tenant
from indexing.ports import Encoder

CODE = "bench"


class Caching(Installation):
    """An installation that remembers the vectors it made, beside every other run's."""

    def __init__(self, settings: Settings, outer: Settings) -> None:
        super().__init__(settings)
        self._outer = outer

    @cached_property
    def encoder(self) -> Encoder:
        """The configured encoder, asked only for texts that no run has seen."""
        inner = Installation(self._outer).encoder
        return CachedEncoder(inner, self._outer.home / "cache" / "vectors")


@contextmanager
def settled(settings: Settings, notes: int) -> Iterator[Installation]:
    """Lend an installation with a hospital of at least that many notes, indexed; end its server."""
    inner = settings.model_copy(
        update={"home": settings.home / "bench" / _key(settings, notes), "database_url": None}
    )
    _sweep(inner.home, notes)
    done = inner.home / "complete"
    installation = Installation(inner)
    try:
        if not done.exists():
            maker = Caching(inner, settings)
            fill(maker, tenant_of(maker), notes)
            wait_until_searchable(maker)
            with maker.owner_database.session() as conn:
                conn.execute("VACUUM ANALYZE")  # what autovacuum does within a minute
            maker.close()
            done.touch()
        yield installation
    finally:
        installation.close()
        Server(inner.home).stop()


def _sweep(home: Path, notes: int) -> None:
    """Make the folder; remove what an earlier generator or model made of that size."""
    home.mkdir(parents=True, exist_ok=True)
    for other in home.parent.glob(f"{notes}-*"):
        if other != home and (other / "complete").exists():
            Server(other).stop()
            shutil.rmtree(other)


def _key(settings: Settings, notes: int) -> str:
    """Name a corpus by all that it is made from: another generator or model, or another
    layout of the index, is another one."""
    installation = Installation(settings)
    made = hashlib.sha256(b"".join(bundles(2)))
    version = f"{installation.encoder.model} {installation.language_version} {LAYOUT}"
    made.update(version.encode())
    return f"{notes}-{made.hexdigest()[:10]}"


def tenant_of(installation: Installation) -> Tenant:
    """Return the measured tenant; make it when absent."""
    try:
        return installation.tenants.by_code(CODE)
    except NotFound:
        tenant = Tenant(new_tenant_id(), CODE, "The measured hospital", demo=True)
        installation.tenants.create(tenant)
        return tenant


def sources(notes: int) -> Iterator[tuple[int, Source]]:
    """Stream a hospital until it has that many notes: (notes so far, bundle)."""
    yield 0, Source("hospital", 0, orjson.dumps(hospital_bundle()))
    made = 0
    for number, chart in enumerate(generate(notes, DEFAULT_SEED), 1):
        made += len(chart.notes)
        yield made, Source("hospital", number, orjson.dumps(chart.bundle))
        if made >= notes:
            return


def fill(installation: Installation, tenant: Tenant, notes: int) -> int:
    """Take the hospital in; return how many resources were accepted."""
    into = Ingest(
        installation.records, operator(tenant), ZoneInfo(tenant.time_zone), reason="benchmark"
    )
    with progress() as bar:
        task = bar.add_task("inventing notes", total=notes)

        def streamed() -> Iterator[Source]:
            for made, source in sources(notes):
                bar.update(task, completed=made)
                yield source

        return into.run(streamed(), on_outcomes=lambda _: None).accepted
