"""Kill -9 of server, follower and PostgreSQL at random moments: nothing acknowledged is lost."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from app.wiring import Installation
from indexing.backends.postgres.embedded import Server

SEED = 20231105
ALIVE_WITHIN_S = 60


class Hospital:
    """A served installation in processes of its own, and how to hurt it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "ANAMNESIS_HOME": str(home)}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.serving: subprocess.Popen[bytes] | None = None
        self.command("tenants", "create", "h", "--name", "H")
        self.command("users", "create", "admin", "--tenant", "h", "--role", "admin",
                     "--role", "clinician")  # fmt: skip
        made = self.command("tokens", "create", "--tenant", "h", "--user", "admin", "--json")
        self.token = str(json.loads(made)["token"])

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "app.cli.main", *arguments],
            env=self.environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def serve(self) -> None:
        if self.serving is not None:
            self.serving.wait()
        self.serving = subprocess.Popen(
            [sys.executable, "-m", "app.cli.main", "serve", "--port", str(self.port)],
            env=self.environment,
        )

    def children(self) -> list[int]:
        assert self.serving is not None
        tasks = Path(f"/proc/{self.serving.pid}/task")
        return [
            int(child)
            for listing in tasks.glob("*/children")
            for child in listing.read_text().split()
        ]

    def kill(self, what: str) -> None:
        assert self.serving is not None
        if what == "server":
            self.serving.kill()
            self.serve()
        elif what == "follower":
            for child in self.children():
                os.kill(child, signal.SIGKILL)
        elif (pid := Server(self.home).pid()) is not None:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        if self.serving is not None:
            self.serving.terminate()
            self.serving.wait(timeout=60)
        Server(self.home).stop()


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    built = Hospital(tmp_path / "home")
    built.serve()
    yield built
    built.stop()


def write_notes(hospital: Hospital, lane: int, stop: threading.Event, kept: set[str]) -> None:
    """Post note after note; each is repeated until it is acknowledged."""
    number = 0
    with httpx.Client(
        base_url=f"http://127.0.0.1:{hospital.port}",
        headers={"Authorization": f"Bearer {hospital.token}"}, timeout=20, trust_env=False,
    ) as client:  # fmt: skip
        while not stop.is_set():
            identity = f"n-{lane}-{number}"
            text = f"Patient {number} has chest pain and denies fever."
            body = {
                "resourceType": "DocumentReference", "id": identity, "status": "current",
                "subject": {"reference": f"Patient/p{number % 50}"},
                "content": [{"attachment": {"contentType": "text/plain",
                             "data": base64.b64encode(text.encode()).decode()}}],
            }  # fmt: skip
            try:
                answer = client.post("/fhir", json=body)
            except httpx.HTTPError:
                stop.wait(0.1)
                continue
            if answer.status_code in {200, 201}:
                kept.add(identity)
                number += 1
            else:
                assert answer.status_code >= 500, answer.status_code
                stop.wait(0.1)


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(20, marks=pytest.mark.slow),
        pytest.param(200, marks=pytest.mark.soak),
    ],
)
def test_nothing_acknowledged_is_lost_and_no_index_is_left_wrong(
    hospital: Hospital, kills: int
) -> None:
    chance = random.Random(SEED)
    stop, kept = threading.Event(), set[str]()
    writers = [
        threading.Thread(target=write_notes, args=(hospital, lane, stop, kept)) for lane in (0, 1)
    ]
    for writer in writers:
        writer.start()
    try:
        for _ in range(kills):
            stop.wait(chance.uniform(0.1, 1.5))
            # On a busy machine the server takes its time to come back: a kill counts once
            # something was acknowledged after the last one.
            before, deadline = len(kept), time.monotonic() + ALIVE_WITHIN_S
            while len(kept) == before and time.monotonic() < deadline:
                stop.wait(0.05)
            hospital.kill(chance.choice(["server", "follower", "postgres"]))
        stop.wait(3)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert len(kept) > kills
    hospital.command("index", "follow", "--until-current")
    told = json.loads(hospital.command("index", "reconcile", "--tenant", "h", "--json"))
    for name, store in told["indexes"].items():
        assert store["before"]["missing"] == [], f"{name} lacks notes"
        assert store["before"]["stale"] == [], f"{name} holds old versions"
        assert store["before"]["extra"] == [], f"{name} holds what is gone"
    installation = Installation(Settings(home=hospital.home))
    held = installation.derived.live(installation.tenants.by_code("h").tenant_id)
    installation.close()
    assert kept <= held.keys()
