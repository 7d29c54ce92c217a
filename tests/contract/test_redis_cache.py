"""What a real Redis keeps of answers: an hour, unreadable, each tenant's apart; a failure is a
miss."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from uuid import uuid4

import pytest

from indexing.backends.redis.cache import LIFE_S, MARKED_S, MOST_BYTES, RedisCache
from indexing.backends.redis.connect import Connection
from indexing.errors import ConfigurationError
from indexing.model import TenantId
from tests.engines import EngineServer

SECRET = secrets.token_urlsafe(24)
A, B = TenantId(uuid4()), TenantId(uuid4())


@pytest.fixture
def connection(redis: EngineServer) -> Iterator[Connection]:
    made = Connection(redis.settings["redis_url"])
    made.client.flushdb()
    # A busy machine is slow, not wrong: what is held here is what is kept, not how soon.
    made.client.connection_pool.connection_kwargs |= {"socket_timeout": 10}
    yield made
    made.close()


@pytest.fixture
def cache(connection: Connection) -> RedisCache:
    return RedisCache(connection, SECRET)


@pytest.mark.engines
def test_what_was_put_is_got_by_its_tenant_and_key_alone(cache: RedisCache) -> None:
    cache.put(A, b"q", b"chest pain: note 1")
    assert cache.get(A, b"q") == b"chest pain: note 1"
    assert cache.get(B, b"q") is None
    assert cache.get(A, b"r") is None
    cache.put(B, b"q", b"theirs")
    cache.forget(A)
    assert cache.get(A, b"q") is None
    assert cache.get(B, b"q") == b"theirs"


@pytest.mark.engines
def test_who_has_left_is_kept_no_more_whatever_was_under_way(
    cache: RedisCache, connection: Connection
) -> None:
    cache.put(A, b"q", b"ours")
    cache.put(B, b"q", b"theirs")
    cache.shut(A)
    RedisCache(connection, SECRET).put(A, b"r", b"late, by another process")
    assert list(cache.values(A)) == []
    assert cache.get(A, b"q") is cache.get(A, b"r") is None
    cache.put(B, b"r", b"theirs too")
    assert (cache.get(B, b"q"), cache.get(B, b"r")) == (b"theirs", b"theirs too")
    left = [name for name in connection.client.scan_iter() if connection.client.get(name) == b""]
    assert len(left) == 1
    assert LIFE_S < connection.client.ttl(left[0]) <= MARKED_S
    assert A.hex.encode() not in left[0]


@pytest.mark.engines
def test_the_server_can_read_nothing_and_forgets_within_the_hour(
    cache: RedisCache, connection: Connection
) -> None:
    cache.put(A, b"chest pain", b"note-angina")
    [name] = connection.client.keys()
    value = connection.client.get(name)
    for word in (b"chest", b"angina", A.hex.encode(), A.bytes, b"q"[:0] or b"note"):
        assert word not in name + value
    assert 0 < connection.client.ttl(name) <= LIFE_S
    assert RedisCache(connection, "another home").get(A, b"chest pain") is None
    cache.put(A, b"chest pain", b"note-angina")
    assert connection.client.get(name) != value  # a fresh nonce each time


@pytest.mark.engines
def test_a_value_that_was_moved_or_touched_does_not_open(
    cache: RedisCache, connection: Connection
) -> None:
    cache.put(A, b"q", b"ours")
    [ours] = connection.client.keys()
    cache.put(B, b"q", b"theirs")
    [theirs] = set(connection.client.keys()) - {ours}
    connection.client.set(ours, connection.client.get(theirs))
    assert cache.get(A, b"q") is None
    for spoilt in (b"", b"x" * 12, b"x" * 100):
        connection.client.set(ours, spoilt)
        assert cache.get(A, b"q") is None
        assert list(cache.values(A)) == []


@pytest.mark.engines
def test_what_the_server_refuses_is_a_miss(cache: RedisCache, connection: Connection) -> None:
    cache.put(A, b"large", b"x" * (MOST_BYTES + 1))
    assert cache.get(A, b"large") is None
    cache.put(A, b"q", b"ours")
    [name] = connection.client.keys()
    connection.client.delete(name)
    connection.client.lpush(name, b"a list")
    assert cache.get(A, b"q") is None


def test_no_server_is_a_miss() -> None:
    connection = Connection("redis://127.0.0.1:1/0")
    cache = RedisCache(connection, SECRET)
    cache.put(A, b"q", b"v")
    assert cache.get(A, b"q") is None
    cache.forget(A)
    connection.close()
    with pytest.raises(ConfigurationError):
        Connection("http://127.0.0.1/")
