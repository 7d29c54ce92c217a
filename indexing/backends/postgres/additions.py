"""A tenant's own names and concepts in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from indexing.backends.postgres.connect import Database
from indexing.language.terminology import Addition, NameKind, SemanticType
from indexing.model import TenantId

_ADDITIONS: Final = (
    "SELECT concept_id, name, kind, semantic_type, parent_id FROM terminology_addition "
    "WHERE tenant_id = %(tenant)s ORDER BY place"
)


class PostgresAdditions:
    """Rows in the order in which they were added: the first name of a concept is its name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, tenant_id: TenantId) -> tuple[Addition, ...]:
        """Return a tenant's additions."""
        [rows] = self._database.rows(tenant_id, _ADDITIONS)
        return tuple(
            Addition(row[0], row[1], NameKind(row[2]), SemanticType(row[3]), row[4]) for row in rows
        )

    def add(self, tenant_id: TenantId, additions: Sequence[Addition]) -> int:
        """Add what is new, all or nothing; return how many were."""
        added = 0
        with self._database.tenant(tenant_id) as conn:
            for each in additions:
                added += conn.execute(
                    "INSERT INTO terminology_addition "
                    "(tenant_id, concept_id, name, kind, semantic_type, parent_id) "
                    "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    (
                        tenant_id, each.concept_id, each.name, each.kind.value,
                        each.semantic_type.value, each.parent_id,
                    ),
                ).rowcount  # fmt: skip
        return added

    def remove(self, tenant_id: TenantId, names: Sequence[str] | None) -> int:
        """Remove names, whatever their concept, or a concept's by its id; None: all of them."""
        with self._database.tenant(tenant_id) as conn:
            if names is None:
                return conn.execute(
                    "DELETE FROM terminology_addition WHERE tenant_id = %s", (tenant_id,)
                ).rowcount
            return conn.execute(
                "DELETE FROM terminology_addition WHERE tenant_id = %s "
                "AND (name = ANY(%s) OR concept_id = ANY(%s))",
                (tenant_id, list(names), list(names)),
            ).rowcount
