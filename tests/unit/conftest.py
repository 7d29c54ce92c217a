"""The seed's language and reader, and the search over a few notes, that several unit suites ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from indexing.language.matcher import Matcher
from indexing.language.pipeline import Language
from indexing.language.terminology import open_terminology
from rankers.search import Search
from rankers.wants import Reader
from tests.searching import made_of_notes


@pytest.fixture(scope="session")
def language() -> Language:
    return Language(open_terminology())


@pytest.fixture(scope="session")
def reader(language: Language) -> Reader:
    return Reader(language.terminology, Matcher(language.terminology))


@pytest.fixture(scope="module")
def parts() -> dict[str, object]:
    return made_of_notes()


@pytest.fixture
def search(parts: dict[str, object]) -> Iterator[Search]:
    made = Search(**parts)  # type: ignore[arg-type]
    yield made
    made.close()
