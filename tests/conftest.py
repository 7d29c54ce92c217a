"""Fixtures that every suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data beside the project; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the public data beside the project is missing, and CI must not skip it")
        pytest.skip("needs the public data beside the project")
    return SHARED
