"""Kill -9 of Neo4j and of Redis while notes are followed and questions asked: nothing that was
acknowledged is lost, and what was missed is made good when they are back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from app.following import catch_up
from app.moves import movers
from app.settings import Settings
from app.stores import stores
from app.wiring import Installation
from indexing.errors import EngineUnavailable
from indexing.follow import until_current
from indexing.reconcile import compare, reconcile
from rankers.answer import SearchRequest
from tests import ward
from tests.engines import EngineServer

pytestmark = pytest.mark.engines
ASKED = SearchRequest("chest pain")
KILLS = [pytest.param(n, marks=[] if n < 3 else pytest.mark.soak) for n in range(20)]


@pytest.fixture(scope="module")
def site(home: Path, neo4j: EngineServer, redis: EngineServer) -> Iterator[Installation]:
    """An installation whose concepts are in Neo4j and whose answers are kept in Redis."""
    if neo4j.script is None or redis.script is None:
        pytest.skip("no test kills a site's own server")
    own = {**neo4j.settings, **redis.settings, "leg_timeout_s": "60"}  # slow is not down
    made = Installation(Settings(home=home, graph="neo4j", cache="redis", **own))  # type: ignore[arg-type]
    yield made
    made.search.close()
    made.close()


@pytest.fixture(scope="module")
def hospital(installation: Installation, site: Installation) -> ward.Ward:
    return ward.build(site)


def until(ready: Callable[[], object]) -> None:
    """Ask until the breaker has found the server again."""
    tick = Event()
    for _ in range(600):
        with suppress(EngineUnavailable):
            ready()
            return
        tick.wait(0.1)
    ready()


@pytest.mark.parametrize("kill", KILLS)
def test_neo4j_killed_while_notes_are_followed(
    site: Installation,
    hospital: ward.Ward,
    neo4j: EngineServer,
    record_testsuite_property: Callable[[str, object], None],
    kill: int,
) -> None:
    own = hospital.tenant.tenant_id
    _, _, graph, *_ = site.text_followers()
    expected = site.derived.indexable(own)
    neo4j.crash()
    answer = site.search.answer(hospital.access, ASKED)
    assert "graph" in answer.missing
    assert answer.hits[0].doc_id == "note-angina"
    with site.database.tenant(own) as conn:  # news while it is away
        conn.execute(
            "INSERT INTO outbox (tenant_id, kind, key, version) "
            "SELECT tenant_id, 'language', doc_id, version FROM document"
        )
    with pytest.raises(EngineUnavailable):
        until_current(site.feed, [graph])
    neo4j.start()
    began = time.monotonic()
    until(lambda: site.graph.entries(own))
    catch_up(site, ["text"])
    pairs = reconcile(own, site.derived.live, [s for s in stores(site) if s.name == "graph"])
    record_testsuite_property("reconciled_s", round(time.monotonic() - began, 1))
    assert all(after.equal for _, after in pairs)
    assert compare("graph", expected, site.graph.entries(own)).equal
    again = site.search.answer(hospital.access, ASKED)
    assert not again.missing
    assert movers(site, ["graph"])[0].reconcile(own) == {}


@pytest.mark.parametrize("kill", KILLS)
def test_redis_killed_between_questions_is_only_a_miss(
    site: Installation, hospital: ward.Ward, redis: EngineServer, kill: int
) -> None:
    searcher, cache = site.searcher(), site.cache
    assert cache is not None
    want = [hit.doc_id for hit in searcher.rank(hospital.access, ASKED).answer.hits]
    redis.crash()
    for _ in range(3):
        assert [h.doc_id for h in searcher.rank(hospital.access, ASKED).answer.hits] == want
    cache.forget(hospital.tenant.tenant_id)
    redis.start()
    until(site.redis.ping)
    assert [h.doc_id for h in searcher.rank(hospital.access, ASKED).answer.hits] == want
