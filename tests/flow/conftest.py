"""A ward of each module's own, a browser on it, and who works with a hospital's cohorts."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import uvicorn
from fastapi.testclient import TestClient

from app.cli.serve import listen
from app.cohorts import CohortDesk
from app.web import create_app
from app.wiring import Installation
from indexing.access import Role
from tests.attack import Hospital
from tests.browsing import browser
from tests.cohort_ward import desk_of
from tests.ward import Ward, build


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    """Two patients with their notes; a module may put more into it."""
    return build(installation)


@pytest.fixture
def client(ward: Ward) -> Iterator[TestClient]:
    """A browser on the ward."""
    with browser(ward) as opened:
        yield opened


@pytest.fixture
def desk(installation: Installation, hospital: Hospital) -> CohortDesk:
    return desk_of(installation, hospital, Role.CLINICIAN)


@pytest.fixture
def researcher(installation: Installation, hospital: Hospital) -> CohortDesk:
    return desk_of(installation, hospital, Role.RESEARCHER)


@pytest.fixture
def site(ward: Ward) -> Iterator[str]:
    """The address of a server that runs in this process."""
    settings = ward.services.settings.model_copy(update={"port": 0})
    listening = listen(settings)
    app = create_app(replace(ward.services, settings=settings))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:  # the address is taken before anybody listens at it
        assert thread.is_alive()
        os.sched_yield()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=20)
    listening.close()
