"""An engine that is down costs its own leg and nothing else, whatever was asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.settings import Settings
from app.wiring import Installation
from indexing.errors import EngineUnavailable
from rankers.answer import SearchRequest
from tests.ward import Ward, build

NOBODY = {
    "opensearch_url": "http://127.0.0.1:9", "weaviate_url": "http://127.0.0.1:9",
    "weaviate_grpc": "127.0.0.1:9", "neo4j_url": "bolt://127.0.0.1:9",
}  # fmt: skip


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    return build(installation)


@pytest.fixture(
    scope="module",
    params=[
        {"lexical": "opensearch"}, {"vector": "opensearch"}, {"vector": "weaviate"},
        {"graph": "neo4j"}, {"lexical": "opensearch", "vector": "weaviate"},
    ],
    ids=lambda chosen: "+".join(f"{port}={engine}" for port, engine in chosen.items()),
)  # fmt: skip
def without(
    request: pytest.FixtureRequest, installation: Installation
) -> Iterator[tuple[Installation, set[str]]]:
    """An installation over the same notes, some of whose engines nobody answers for."""
    given = Settings(home=installation.home, **NOBODY, **request.param)
    one = Installation(given)
    yield one, set(request.param)
    one.search.close()
    one.close()


@pytest.mark.parametrize("question", ["chest pain", "zzz unknown", "furosemide", "no fever"])
def test_the_other_legs_answer_and_the_missing_ones_are_named(
    without: tuple[Installation, set[str]], ward: Ward, question: str
) -> None:
    installation, down = without
    for _ in range(2):
        missing = installation.search.answer(ward.access, SearchRequest(q=question, k=10)).missing
        asked = down - {"graph"} if "zzz" in question else down  # no concept in it
        assert asked <= set(missing) <= down


def test_the_notes_are_found_all_the_same(
    without: tuple[Installation, set[str]], ward: Ward
) -> None:
    answer = without[0].search.answer(ward.access, SearchRequest(q="chest pain", k=10))
    assert "note-angina" in {hit.doc_id for hit in answer.hits}


def test_without_the_full_text_nothing_that_is_demanded_can_be_checked(
    without: tuple[Installation, set[str]], ward: Ward
) -> None:
    installation, down = without
    request = SearchRequest(q='"chest pain" NOT trauma', k=10)
    if "lexical" in down:
        with pytest.raises(EngineUnavailable):
            installation.search.answer(ward.access, request)
    else:
        assert installation.search.answer(ward.access, request).hits


def test_followers_wait_for_an_engine_that_is_down(
    without: tuple[Installation, set[str]], ward: Ward
) -> None:
    installation, down = without
    if "lexical" in down:
        with pytest.raises(EngineUnavailable, match="does not answer"):
            installation.lexical.entries(ward.tenant.tenant_id)
