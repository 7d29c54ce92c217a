"""Collections, and the shard that each tenant has in them: its name is unguessable, it is loaded
when asked for and put away when its tenant rests."""

from __future__ import annotations

import threading
from hashlib import blake2b
from typing import Any

import weaviate
from weaviate.classes.tenants import Tenant
from weaviate.collections.collection.sync import Collection

from indexing.backends.weaviate.connect import Connection, Missing
from indexing.errors import EngineUnavailable
from indexing.model import TenantId


class Shelf:
    """One multi-tenant collection; `config` is what it is made with, sent without its name."""

    def __init__(self, connection: Connection, name: str, config: dict[str, Any]) -> None:
        words = "".join(part.capitalize() for part in name.replace("-", "_").split("_"))
        self.name = f"{connection.server.prefix}{words}"
        self._connection, self._config = connection, config
        self._known: set[TenantId] = set()
        self._lock = threading.Lock()

    def tenant(self, tenant_id: TenantId) -> str:
        """Return the name of a tenant's shard."""
        key = self._connection.server.secret.encode()[:64]
        return blake2b(tenant_id.bytes, key=key, digest_size=16, person=b"shard").hexdigest()

    def of(self, client: weaviate.WeaviateClient, tenant_id: TenantId) -> Collection[Any, Any]:
        """Return a tenant's part of the collection, there or not."""
        return client.collections.use(self.name).with_tenant(self.tenant(tenant_id))

    def make(self, tenant_id: TenantId) -> None:
        """Make the collection and the tenant's shard unless they are there."""
        with self._lock:
            if tenant_id in self._known:
                return
            with self._connection.calling("make a collection") as client:
                if not client.collections.exists(self.name):
                    self._create(client)
                tenants = client.collections.use(self.name).tenants
                if not tenants.exists(self.tenant(tenant_id)):
                    tenants.create([Tenant(name=self.tenant(tenant_id))])
            self._known.add(tenant_id)

    def forget(self, tenant_id: TenantId) -> None:
        """Look again whether a tenant's shard is there."""
        self._known.discard(tenant_id)

    def drop(self, tenant_id: TenantId) -> None:
        """Remove a tenant's shard."""
        self.forget(tenant_id)
        try:
            with self._connection.calling("remove a tenant") as client:
                if client.collections.exists(self.name):
                    client.collections.use(self.name).tenants.remove([self.tenant(tenant_id)])
        except Missing:
            return

    def rest(self, tenant_id: TenantId) -> None:
        """Put a tenant's shard away, if it is there: off the memory, on the disk. It comes back
        when it is asked."""
        with self._connection.calling("put a tenant away") as client:
            if client.collections.exists(self.name):
                tenants, name = client.collections.use(self.name).tenants, self.tenant(tenant_id)
                if tenants.exists(name):
                    tenants.deactivate(name)

    def _create(self, client: weaviate.WeaviateClient) -> None:
        try:
            client.collections.create(self.name, **self._config)
        except weaviate.exceptions.UnexpectedStatusCodeError as exc:
            if not client.collections.exists(self.name):  # else another process was quicker
                raise EngineUnavailable(
                    "Weaviate refuses to make a collection", hint="Run `anamnesis doctor`."
                ) from exc
