"""How long a patient's page takes, every part and three hops of the graph included."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from zoneinfo import ZoneInfo

import orjson
import uvicorn

from app.cli.bench_hospital import tenant_of
from app.cli.output import operator, print_json, progress
from app.cli.serve import listen
from app.cli.waiting import wait_until_searchable
from app.following import LANES
from app.patient_view import PARTS
from app.services import services_of
from app.settings import Settings, load
from app.web import create_app
from app.wiring import Installation
from eval.bench.clock import Ask, interleaved
from eval.hospital import DEFAULT_SEED, generate, hospital_bundle
from indexing.access import Access, Role
from indexing.backends.postgres.embedded import Server
from indexing.errors import Conflict
from indexing.fhir.sources import Source
from indexing.ingest import Ingest

VISITS = 1_000


def view_command(patients: int, as_json: bool) -> int:
    """Time the page and the call over HTTP, one visitor who waits for each answer."""
    with _crowd(load(), patients) as installation, _served(installation) as ask:
        known = _patients(installation)
        dice = random.Random(DEFAULT_SEED)  # noqa: S311 - it draws visits, no secret
        visits = [dice.choice(known) for _ in range(VISITS)]
        with progress() as bar:
            task = bar.add_task("visiting", total=len(visits))
            found = interleaved(ask, visits, each=lambda: bar.advance(task))
    result = {
        "patients": len(known), "visits": len(visits), "parts": [part.name for part in PARTS],
        "figures": {name: each.to_json() for name, each in found.items()},
    }  # fmt: skip
    if as_json:
        print_json(result)
    else:
        for name, each in found.items():
            print(f"{name:<6} p50 {each.p50_ms:7.1f} ms  p95 {each.p95_ms:7.1f} ms  "
                  f"p99 {each.p99_ms:7.1f} ms  over {len(known)} patients")  # fmt: skip
    return 0


@contextmanager
def _crowd(settings: Settings, patients: int) -> Iterator[Installation]:
    """Lend an installation with so many invented patients, indexed save for vectors, which no
    part of a patient's page asks the model for; made once and kept."""
    seed = hashlib.sha256(b"".join(orjson.dumps(c.bundle) for c in generate(2, DEFAULT_SEED)))
    home = settings.home / "bench" / f"crowd-{patients}-{seed.hexdigest()[:10]}"
    home.mkdir(parents=True, exist_ok=True)
    inner = settings.model_copy(update={"home": home, "database_url": None, "port": 0})
    installation = Installation(inner)
    try:
        if not (home / "complete").exists():
            _fill(installation, patients)
            wait_until_searchable(installation, [lane for lane in LANES if lane != "vectors"])
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
                bar.update(task, completed=number)
                yield Source("hospital", number, orjson.dumps(chart.bundle))

        into.run(streamed(), on_outcomes=lambda _: None)


def _patients(installation: Installation) -> list[str]:
    keys = installation.medical.facts.keys(tenant_of(installation).tenant_id)
    return sorted(k.removeprefix("Patient/") for k in keys if k.startswith("Patient/"))


@contextmanager
def _served(installation: Installation) -> Iterator[dict[str, Ask]]:
    """Serve the site and yield what fetches a patient's page and the call of the same."""
    tenant, services = tenant_of(installation), services_of(installation)
    access = _visitor(installation)
    secret = services.accounts.open_session(access, None, timedelta(hours=12))
    token = services.accounts.create_token(tenant.tenant_id, access.user_id, timedelta(days=1))[1]
    mark = hashlib.sha256(b"cookie:" + services.pepper.encode()).hexdigest()[:8]
    listening = listen(services.settings)
    listening.listen()  # who asks before the server has started waits in line
    server = uvicorn.Server(
        uvicorn.Config(create_app(services), log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    port = listening.getsockname()[1]

    def fetch(path: str, headers: dict[str, str]) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            raise Conflict(f"the page answered {answer.status}")

    cookie = {"Cookie": f"anamnesis_session_{mark}={secret}"}
    bearer = {"Authorization": f"Bearer {token}"}
    yield {
        "page": lambda patient: fetch(f"/patients/{patient}", cookie),
        "call": lambda patient: fetch(f"/api/patients/{patient}/view", bearer),
    }
    server.should_exit = True
    thread.join(timeout=20)
    listening.close()


def _visitor(installation: Installation) -> Access:
    """Return a clinician's access; the account is made when absent and signs in nowhere else."""
    tenant, accounts = tenant_of(installation), services_of(installation).accounts
    try:
        user_id = accounts.create(tenant.tenant_id, "visitor", [Role.CLINICIAN], "no password")
    except Conflict:
        user_id = accounts.by_name(tenant.tenant_id, "visitor").user_id
    return Access(tenant.tenant_id, user_id, frozenset({Role.CLINICIAN}))
