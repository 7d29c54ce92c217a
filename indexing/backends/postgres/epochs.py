"""How far a tenant's indexes are: changes whenever an answer to the same question may."""

from __future__ import annotations

import hashlib
from typing import Final

import orjson

from indexing.backends.postgres.connect import Database
from indexing.model import TenantId

# The newest event of each kind, and the newest that each follower has taken: both move by this
# tenant's events alone. Where its legs live is the third: a move changes what answers.
_NEWEST: Final = """
SELECT f.kind, f.follower,
    (SELECT o.xid::text || '/' || o.row FROM outbox o
        WHERE o.tenant_id = %(tenant)s AND o.kind = f.kind
        ORDER BY o.xid DESC, o.row DESC LIMIT 1),
    (SELECT o.xid::text || '/' || o.row FROM outbox o JOIN cursor_position c
        ON c.follower = f.follower AND (o.xid, o.row) <= (c.xid::text::xid8, c.row)
        WHERE o.tenant_id = %(tenant)s AND o.kind = f.kind
        ORDER BY o.xid DESC, o.row DESC LIMIT 1)
FROM (VALUES ('document', 'language'), ('vectors', 'vector'), ('language', 'lexical'),
    ('language', 'graph'), ('language', 'embed')) f (kind, follower)
"""
_PLACES: Final = (
    "SELECT leg, engine, space::text FROM index_place "
    "WHERE tenant_id = %(tenant)s AND stage = 'serving' ORDER BY leg"
)


class PostgresEpochs:
    """Reads epochs in one round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, tenant_id: TenantId) -> bytes:
        """Return the tenant's epoch, 16 bytes. Raises: EngineUnavailable."""
        found = self._database.rows(tenant_id, _NEWEST, _PLACES)
        return hashlib.blake2b(orjson.dumps(found), digest_size=16).digest()
