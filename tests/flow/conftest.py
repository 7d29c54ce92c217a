"""A ward of each module's own, a browser on it, and who works with a hospital's cohorts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.cohorts import CohortDesk
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
