"""Who works with cohorts of the hospital that a module has founded."""

from __future__ import annotations

import pytest

from app.cohorts import CohortDesk
from app.wiring import Installation
from indexing.access import Role
from tests.attack import Hospital
from tests.cohort_ward import desk_of


@pytest.fixture
def desk(installation: Installation, hospital: Hospital) -> CohortDesk:
    return desk_of(installation, hospital, Role.CLINICIAN)


@pytest.fixture
def researcher(installation: Installation, hospital: Hospital) -> CohortDesk:
    return desk_of(installation, hospital, Role.RESEARCHER)
