"""How long a patient's page takes, every part and three hops of the graph included."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection

import uvicorn

from app.cli.bench_hospital import tenant_of
from app.cli.bench_patients import NOT_FILLED, known_patients, settled_patients
from app.cli.output import print_json, progress
from app.cli.serve import listen
from app.patient_view import PARTS
from app.services import services_of
from app.settings import load
from app.web import create_app
from app.wiring import Installation
from eval.bench.clock import Ask, interleaved
from eval.hospital import DEFAULT_SEED
from indexing.access import Access, Role
from indexing.errors import Conflict


def view_command(patients: int, visits: int, as_json: bool) -> int:
    """Time the page and the call over HTTP, one visitor who waits for each answer."""
    with settled_patients(load(), patients) as installation, _served(installation) as ask:
        known = known_patients(installation)
        dice = random.Random(DEFAULT_SEED)  # noqa: S311 - it draws visits, no secret
        visited = [dice.choice(known) for _ in range(visits)]
        with progress() as bar:
            task = bar.add_task("visiting", total=visits)
            found = interleaved(ask, visited, apart=["call"], each=lambda: bar.advance(task))
    result = {
        "patients": len(known), "visits": visits, "parts": [part.name for part in PARTS],
        "left_out": NOT_FILLED,
        "figures": {name: each.to_json() for name, each in found.items()},
    }  # fmt: skip
    if as_json:
        print_json(result)
    else:
        print(f"{len(known)} patients, {visits} visits; left out: {NOT_FILLED}")
        for name, each in found.items():
            print(f"{name:<6} p50 {each.p50_ms:7.1f} ms  p95 {each.p95_ms:7.1f} ms  "
                  f"p99 {each.p99_ms:7.1f} ms")  # fmt: skip
    return 0


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
