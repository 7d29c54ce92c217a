"""Where a tenant's documents lie: an alias that only this installation can spell, which points at
an index whose name is random and never used again."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

from indexing.backends.opensearch.connect import Connection
from indexing.errors import EngineUnavailable, EventRejected
from indexing.model import TenantId


class Names:
    """The indexes of one space (`words`, or a vector space with its model and dimension)."""

    def __init__(self, connection: Connection, space: str, body: Mapping[str, Any]) -> None:
        self._connection = connection
        prefix = connection.cluster.prefix
        self._space = f"{prefix}-{re.sub(r'[^a-z0-9_.-]+', '-', space.lower())}"
        self._body = body
        self._rebuilding: dict[TenantId, str] = {}

    def alias(self, tenant_id: TenantId) -> str:
        """Return the alias of a tenant's documents, there or not."""
        key = self._connection.cluster.secret.encode()[:64]
        told = blake2b(tenant_id.bytes, key=key, digest_size=16, person=b"index").hexdigest()
        return f"{self._space}-{told}"

    def target(self, tenant_id: TenantId) -> str:
        """Return where this tenant's writes go."""
        return self._rebuilding.get(tenant_id) or self.alias(tenant_id)

    def rebuilding(self, tenant_id: TenantId) -> bool:
        """Say whether this tenant's writes go to an index that does not count yet."""
        return tenant_id in self._rebuilding

    def make(self, tenant_id: TenantId) -> None:
        """Make a tenant's index unless it is there."""
        alias = self.alias(tenant_id)
        if tenant_id not in self._rebuilding and not self._indexes(alias):
            fresh = self._fresh(alias)
            actions = [{"add": {"index": fresh, "alias": alias, "is_write_index": True}}]
            self._switch(actions)

    @contextmanager
    def fresh(self, tenant_id: TenantId) -> Iterator[None]:
        """Send this tenant's writes to a new index while the block runs; it counts afterwards."""
        alias = self.alias(tenant_id)
        index = self._fresh(alias)
        self._rebuilding[tenant_id] = index
        try:
            yield
            self.refresh(tenant_id)
        except BaseException:
            self._delete([index])
            raise
        finally:
            del self._rebuilding[tenant_id]
        before = self._indexes(alias)
        actions: list[dict[str, Any]] = [{"remove_index": {"index": each}} for each in before]
        actions.append({"add": {"index": index, "alias": alias, "is_write_index": True}})
        self._switch(actions)

    def refresh(self, tenant_id: TenantId) -> None:
        """Make what was written visible."""
        with self._connection.calling("refresh an index") as client:
            client.indices.refresh(index=self.target(tenant_id))

    def drop(self, tenant_id: TenantId) -> None:
        """Remove a tenant's index."""
        self._delete(self._indexes(self.alias(tenant_id)))

    def _indexes(self, alias: str) -> list[str]:
        with self._connection.calling("find an index") as client:
            found = client.indices.get_alias(
                index=f"{alias}-*", params={"ignore_unavailable": "true"}
            )
        return [index for index, held in found.items() if alias in held["aliases"]]

    def _fresh(self, alias: str) -> str:
        index = f"{alias}-{secrets.token_hex(12)}"
        try:
            with self._connection.calling("make an index") as client:
                client.indices.create(index=index, body=dict(self._body))
        except EventRejected as exc:  # no event is at fault
            raise EngineUnavailable(
                str(exc), hint="Run `anamnesis doctor`: a plugin may be missing."
            ) from exc
        return index

    def _switch(self, actions: list[dict[str, Any]]) -> None:
        with self._connection.calling("switch an index") as client:
            client.indices.update_aliases(body={"actions": actions})

    def _delete(self, indexes: list[str]) -> None:
        if indexes:
            with self._connection.calling("remove an index") as client:
                client.indices.delete(index=",".join(indexes))
