"""Answers kept in Redis for an hour: names that tell nothing, values that only we can read.

The server sees a keyed hash for the tenant and one for the question, and AES-256-GCM in between,
bound to its name: a value that was moved to another name, or touched, does not open. Whatever
fails is a miss.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from indexing.backends.redis.connect import Connection
from indexing.errors import EngineUnavailable
from indexing.model import TenantId

LIFE_S: Final = 3600
MARKED_S: Final = 86_400  # nothing that was under way when a tenant left takes as long
MOST_BYTES: Final = 4 << 20  # of one answer; a larger one is not kept
_NONCE: Final = 12
_AT_ONCE: Final = 500


class RedisCache:
    """Keeps answers of every tenant. `secret` is one of the home's, at random."""

    def __init__(self, connection: Connection, secret: str) -> None:
        self._connection = connection
        self._names = _derived(secret, b"anamnesis cache names")
        self._cipher = AESGCM(_derived(secret, b"anamnesis cache values"))

    def get(self, tenant_id: TenantId, key: bytes) -> bytes | None:
        """Return what was kept under that key within the hour, None for a miss."""
        name = self._name(tenant_id, key)
        try:
            with self._connection.used() as client:
                found = client.get(name)
        except EngineUnavailable:
            return None
        if not isinstance(found, bytes) or len(found) <= _NONCE:
            return None
        try:
            return self._cipher.decrypt(found[:_NONCE], found[_NONCE:], name)
        except InvalidTag:
            return None

    def put(self, tenant_id: TenantId, key: bytes, value: bytes) -> None:
        """Keep a value for an hour, as far as the server takes it."""
        if len(value) > MOST_BYTES:
            return
        name, nonce = self._name(tenant_id, key), os.urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, value, name)
        try:
            with self._connection.used() as client:
                # In this order: whoever leaves is marked first and searched for then, so that a
                # value is either found there or taken back here.
                trip = client.pipeline(transaction=False)
                trip.set(name, sealed, ex=LIFE_S)
                trip.get(self._mark(tenant_id))
                _, left = trip.execute()
                if left is not None:
                    client.unlink(name)
        except EngineUnavailable:
            return

    def shut(self, tenant_id: TenantId) -> None:
        """Remove everything of a tenant that leaves; what was under way is not kept either."""
        try:
            with self._connection.used() as client:
                client.set(self._mark(tenant_id), b"", ex=MARKED_S)
        except EngineUnavailable:
            return
        self.forget(tenant_id)

    def forget(self, tenant_id: TenantId) -> None:
        """Remove everything of a tenant, as far as the server answers; the rest ends by itself."""
        try:
            with self._connection.used() as client:
                batch: list[bytes] = []
                for name in client.scan_iter(self._prefix(tenant_id) + b"*", count=_AT_ONCE):
                    batch.append(name)
                    if len(batch) == _AT_ONCE:
                        client.unlink(*batch)
                        batch.clear()
                if batch:
                    client.unlink(*batch)
        except EngineUnavailable:
            return

    def values(self, tenant_id: TenantId) -> Iterator[bytes]:
        """Yield everything that is kept for a tenant, opened. Raises: EngineUnavailable."""
        with self._connection.used() as client:
            for name in client.scan_iter(self._prefix(tenant_id) + b"*", count=_AT_ONCE):
                found = client.get(name)
                if isinstance(found, bytes) and len(found) > _NONCE:
                    with suppress(InvalidTag):  # nobody can read it
                        yield self._cipher.decrypt(found[:_NONCE], found[_NONCE:], name)

    def _prefix(self, tenant_id: TenantId) -> bytes:
        return b"anamnesis:" + self._hashed(b"tenant", tenant_id.bytes)[:24] + b":"

    def _mark(self, tenant_id: TenantId) -> bytes:
        return b"anamnesis:left:" + self._hashed(b"left", tenant_id.bytes)[:24]

    def _name(self, tenant_id: TenantId, key: bytes) -> bytes:
        return self._prefix(tenant_id) + self._hashed(b"key", tenant_id.bytes + key)

    def _hashed(self, kind: bytes, value: bytes) -> bytes:
        return hmac.new(self._names, kind + value, hashlib.sha256).hexdigest().encode()


def _derived(secret: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, purpose).derive(secret.encode())
