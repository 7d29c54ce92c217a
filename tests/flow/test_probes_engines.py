"""Two hospitals on one Neo4j and one Redis, and thousands of attempts of each to read the other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from indexing.access import LABELS, Access, Role
from indexing.backends.neo4j.connect import Neo4j
from indexing.backends.neo4j.graph import Neo4jGraphIndex
from indexing.backends.redis.cache import RedisCache
from indexing.backends.redis.connect import Connection
from indexing.filters import Filters
from indexing.model import Assertion, Document, Mention, TenantId
from indexing.ports import GraphEntry
from tests.engines import EngineServer, neo4j_address

pytestmark = pytest.mark.engines
A, B = TenantId(uuid4()), TenantId(uuid4())
SECRET = {A: "qzalphaword", B: "qzbetaword"}
SHARED = [f"shared{i}" for i in range(5)]
ROUNDS = 400  # six probes each on Neo4j
PUTS = 1_500  # two probes each on Redis
HOSTILE = ["'}) MATCH (n) RETURN n //", "\u202e", "*", "", "$tenant", "\\", "a" * 500, '"}']


@pytest.fixture(scope="module")
def graph(neo4j: EngineServer) -> Iterator[Neo4jGraphIndex]:
    own = neo4j.settings
    server = Neo4j(neo4j_address(own))
    made = Neo4jGraphIndex(server)
    for tenant in (A, B):
        made.upsert(tenant, [entry(tenant, number) for number in range(20)])
    yield made
    for tenant in (A, B):
        made.drop(tenant)
    server.close()


def entry(tenant: TenantId, number: int) -> GraphEntry:
    word = SECRET[tenant]
    document = Document(
        tenant, f"{word}-{number}", 1, "", patient_id=word, type=word, author=word, specialty=word
    )
    said = Assertion.PRESENT
    names = [*SHARED, word]
    return GraphEntry(document, tuple(Mention(0, 1, n, n, said, said) for n in names))


def test_no_question_to_neo4j_brings_a_byte_of_the_other(graph: Neo4jGraphIndex) -> None:
    dice, probes = random.Random(7), 0
    for _ in range(ROUNDS):
        own, other = dice.sample((A, B), 2)
        theirs, mine = SECRET[other], SECRET[own]
        every = Access(own, "x", frozenset(Role), labels=LABELS)
        access = dice.choice([every, replace(every, patients=frozenset({theirs, mine}))])
        value = dice.choice([theirs, *HOSTILE])
        filters = dice.choice(
            [
                Filters(), Filters(only={"patient": (value, mine)}),
                Filters(without={"type": (value,)}),
                Filters(only={dice.choice(["type", "author", "specialty"]): (value,)}),
            ]
        )  # fmt: skip
        weights = dict.fromkeys([*SHARED, theirs, value], dice.random() + 0.1)
        ids = [f"{theirs}-{n}" for n in range(20)] + [value]
        told = [
            repr(graph.search(access, weights, filters, 100, dice.choice(["present", "any"]))),
            repr(graph.assertions(access, [theirs], filters)),
            repr(graph.standings(access, ids, [*SHARED, theirs])),
            repr(graph.entries(own)),
            repr(graph.state(own)),
            repr(graph.search(access, {theirs: 1.0}, Filters(), 100, "any")),
        ]
        probes += len(told)
        assert theirs not in "".join(told)
        assert told[1] == "{}"
        assert graph.state(own).count == 20
    assert probes >= 6 * ROUNDS


def test_no_key_of_one_opens_what_the_cache_holds_of_the_other(redis: EngineServer) -> None:
    connection = Connection(redis.settings["redis_url"])
    cache = RedisCache(connection, "a secret of this home")
    dice = random.Random(8)
    for number in range(PUTS):
        own, other = dice.sample((A, B), 2)
        key = dice.choice([b"same", b"%d" % number, other.bytes, b"*", b"\x00"])
        cache.put(other, key, SECRET[other].encode())
        found = cache.get(own, key)
        assert found is None or found == SECRET[own].encode()
        assert cache.get(TenantId(uuid4()), key) is None
    cache.forget(A)
    cache.forget(B)
    connection.close()
