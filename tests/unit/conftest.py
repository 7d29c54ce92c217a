"""The search over a few notes that several unit suites ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rankers.search import Search
from tests.searching import made_of_notes


@pytest.fixture(scope="module")
def parts() -> dict[str, object]:
    return made_of_notes()


@pytest.fixture
def search(parts: dict[str, object]) -> Iterator[Search]:
    made = Search(**parts)  # type: ignore[arg-type]
    yield made
    made.close()
