"""An erasure over a site's own servers: asked past our clients, none of them knows the patient."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from app.erasing import alone, by_operator, eraser
from app.naming import forget, place
from app.settings import Settings
from app.tenant_erasing import erase_tenant, prove_tenant
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.additions import PostgresAdditions
from indexing.language.terminology import Addition, SemanticType
from rankers.answer import SearchRequest
from tests import erased_ward
from tests.engines import EngineServer
from tests.erased_ward import GONE, OTHER, STAYS, WORD, plain_scan
from tests.unit.test_linking import Counted

pytestmark = [pytest.mark.engines, pytest.mark.slow]
SET: dict[str, dict[str, str]] = {
    "opensearch": {"lexical": "opensearch", "vector": "opensearch"},
    "weaviate": {"vector": "weaviate"},
    "neo4j": {"graph": "neo4j", "medical": "neo4j"},
    "influxdb": {"vitals": "influxdb"},
    "redis": {"cache": "redis"},
}


@pytest.fixture
def server(request: pytest.FixtureRequest) -> EngineServer:
    found: EngineServer = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize(("server", "name"), [(n, n) for n in SET], indirect=["server"])
def test_a_server_forgets_a_patient_and_keeps_the_other(
    home: Path, installation: Installation, server: EngineServer, name: str
) -> None:
    del installation  # the embedded database is up
    settings: dict[str, Any] = {**SET[name], **server.settings, "home": home, "leg_timeout_s": 60}
    own = Installation(Settings(**settings))
    hospital = erased_ward.build(own)
    clinician = Access(hospital.tenant.tenant_id, hospital.user_id(Role.CLINICIAN),
                       frozenset({Role.CLINICIAN}))  # fmt: skip
    for word in (WORD, OTHER):
        assert own.searcher().rank(clinician, SearchRequest(word)).answer.hits
    before = everything(name, own)
    if name != "redis":  # which holds nothing that anybody but us could read
        assert GONE in before
        assert STAYS in before
    access = by_operator(hospital.tenant.tenant_id, "operator:test")
    with alone(own):
        _, proof = eraser(own).erase(access, GONE, "request 9")
    assert [store for store in proof.stores if not store.clean] == []
    after = everything(name, own)
    assert GONE not in after
    assert WORD not in after.lower()
    if name != "redis":
        assert STAYS in after
    if name == "opensearch":  # what is deleted there stands in its files until they are merged
        held = [index for index in after.splitlines() if STAYS in index]
        assert all(index.endswith(" deleted: 0") for index in held)
    assert own.searcher().rank(clinician, SearchRequest(OTHER)).answer.hits
    assert own.searcher().rank(clinician, SearchRequest(WORD)).answer.hits == ()
    own.close()


@pytest.mark.parametrize(("server", "name"), [(n, n) for n in SET], indirect=["server"])
def test_a_server_forgets_a_tenant_and_keeps_the_other(
    home: Path, installation: Installation, server: EngineServer, name: str
) -> None:
    del installation  # the embedded database is up
    settings: dict[str, Any] = {**SET[name], **server.settings, "home": home, "leg_timeout_s": 60}
    own = Installation(Settings(**settings))
    left, stays = erased_ward.build(own), erased_ward.build(own)
    for each in (left, stays):
        clinician = Access(each.tenant.tenant_id, each.user_id(Role.CLINICIAN),
                           frozenset({Role.CLINICIAN}))  # fmt: skip
        assert own.searcher().rank(clinician, SearchRequest(WORD)).answer.hits
    both = everything(name, own).count(STAYS)
    assert not prove_tenant(own, left.tenant.code).clean
    _, proof = erase_tenant(own, left.tenant.code, "operator:test", "contract ended", None)
    assert [store for store in proof.stores if not store.clean] == []
    beside = {part.split(":")[0] for part in (store.store for store in proof.stores)}
    assert beside & {"lexical", "vector", "graph", "medical graph", "series", "cache"}
    if name != "redis":  # which holds nothing that anybody but us could read
        assert 0 < everything(name, own).count(STAYS) < both
    clinician = Access(stays.tenant.tenant_id, stays.user_id(Role.CLINICIAN),
                       frozenset({Role.CLINICIAN}))  # fmt: skip
    assert own.searcher().rank(clinician, SearchRequest(WORD)).answer.hits
    # Other tests look through the whole server for the same words.
    _, proof = erase_tenant(own, stays.tenant.code, "operator:test", "contract ended", None)
    assert [store for store in proof.stores if not store.clean] == []
    own.close()


def test_what_a_house_called_a_patient_by_goes_from_neo4j_too(
    home: Path, installation: Installation, neo4j: EngineServer
) -> None:
    del installation  # the embedded database is up
    own = Installation(Settings(home=home, concepts="neo4j", **neo4j.settings))  # type: ignore[arg-type]
    own.__dict__["encoder"] = Counted(f"minilm-l6-{secrets.token_hex(4)}")
    tenant_id = erased_ward.build(own).tenant.tenant_id
    kept = PostgresAdditions(own.database)
    kept.add(tenant_id, [
        Addition("site:knee", f"{WORD} knee", semantic_type=SemanticType.DISORDER),
        Addition("site:toe", "quiet toe", semantic_type=SemanticType.DISORDER),
    ])  # fmt: skip
    own.terms.renew()
    terms = own.terms.of(tenant_id)
    assert terms is not None
    while place(terms):
        pass
    assert WORD in everything("neo4j", own)
    access, store = by_operator(tenant_id, "operator:test"), "own names of concepts: neo4j"
    proof = eraser(own).prove(tenant_id, GONE, [WORD])
    assert [(each.looked, each.found) for each in proof.stores if each.store == store] == [(2, 1)]
    kept.remove(tenant_id, ["site:knee"])  # and whoever follows has not come to it yet
    own.terms.renew()
    with alone(own):
        _, proof = eraser(own).erase(access, GONE, "request 9")
    # Compiled terms of before are kept in the home a while, and the proof tells it.
    assert {each.store for each in proof.stores if not each.clean} <= {"files of the home"}
    assert [(each.looked, each.found) for each in proof.stores if each.store == store] == [(1, 0)]
    after = everything("neo4j", own)
    assert WORD not in after
    assert "quiet toe" in after
    forget(own, own.encoder.model)
    own.close()


def test_timescaledb_forgets_a_patient_and_keeps_the_other(timescale: Installation) -> None:
    hospital = erased_ward.build(timescale)
    tenant_id = hospital.tenant.tenant_id
    access = by_operator(tenant_id, "operator:test")
    with alone(timescale):
        _, proof = eraser(timescale).erase(access, GONE, "request 9")
    assert [store for store in proof.stores if not store.clean] == []
    for needle in (GONE, WORD):
        assert plain_scan(timescale, tenant_id, needle) == []
    assert timescale.vitals.extents(access, [GONE]) == []
    assert timescale.vitals.extents(access, [STAYS])


def test_timescaledb_forgets_a_tenant_and_keeps_the_other(timescale: Installation) -> None:
    left, stays = erased_ward.build(timescale), erased_ward.build(timescale)
    kept = by_operator(stays.tenant.tenant_id, "operator:test")
    before = timescale.vitals.extents(kept, [GONE, STAYS])
    assert before
    _, proof = erase_tenant(timescale, left.tenant.code, "operator:test", "contract ended", None)
    assert [store for store in proof.stores if not store.clean] == []
    assert timescale.vitals.extents(kept, [GONE, STAYS]) == before


def everything(name: str, own: Installation) -> str:
    """Return all that a server holds, as its own interface tells it."""
    return "\n".join(_TELLS[name](own))


def _opensearch(own: Installation) -> Iterator[str]:
    url = own.settings.opensearch_url
    for index in httpx.get(f"{url}/_cat/indices?format=json&expand_wildcards=all").json():
        if index["index"].startswith("."):
            continue
        found = httpx.get(f"{url}/{index['index']}/_search?size=1000").text
        yield f"{found} deleted: {index['docs.deleted']}"


def _weaviate(own: Installation) -> Iterator[str]:
    url = own.settings.weaviate_url
    for each in httpx.get(f"{url}/v1/schema").json()["classes"]:
        for tenant in httpx.get(f"{url}/v1/schema/{each['class']}/tenants").json():
            asked = urlencode({"class": each["class"], "tenant": tenant["name"], "limit": 1000})
            found = httpx.get(f"{url}/v1/objects?{asked}").json()
            yield "\n".join(_spelled(o["properties"]) for o in found.get("objects", ()))


def _spelled(properties: dict[str, Any]) -> str:
    """Ids are kept in hexadecimal digits, which a server does not fold."""
    told = json.dumps(properties)
    for value in properties.values():
        if isinstance(value, str):
            told += _unhexed(value)
    return told


def _unhexed(value: str) -> str:
    try:
        return bytes.fromhex(value).decode()
    except ValueError:
        return ""


def _neo4j(own: Installation) -> Iterator[str]:
    from neo4j import GraphDatabase

    password = own.settings.neo4j_password
    assert password is not None
    auth = (own.settings.neo4j_user, password.get_secret_value())
    with GraphDatabase.driver(own.settings.neo4j_url, auth=auth) as driver:
        for statement in ("MATCH (n) RETURN properties(n) AS p",
                          "MATCH ()-[r]->() RETURN properties(r) AS p"):  # fmt: skip
            yield from (str(row["p"]) for row in driver.execute_query(statement).records)


def _influxdb(own: Installation) -> Iterator[str]:
    url = own.settings.influxdb_url

    def ask(query: str, **more: str) -> httpx.Response:
        return httpx.get(f"{url}/query", params={"q": query, **more})

    for [name] in ask("SHOW DATABASES").json()["results"][0]["series"][0]["values"]:
        yield ask("SHOW SERIES", db=name).text
        yield ask("SELECT * FROM /.*/", db=name).text


def _redis(own: Installation) -> Iterator[str]:
    import redis

    url = own.settings.redis_url
    assert url is not None
    with redis.Redis.from_url(url.get_secret_value()) as client:
        for key in client.scan_iter("*"):
            yield f"{key!r} {client.get(key)!r}"


_TELLS = {
    "opensearch": _opensearch, "weaviate": _weaviate, "neo4j": _neo4j, "influxdb": _influxdb,
    "redis": _redis,
}  # fmt: skip
