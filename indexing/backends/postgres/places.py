"""The record of places in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from indexing.backends.postgres.connect import Database
from indexing.model import TenantId
from indexing.places import Leg, Place, Stage

_PLACES: Final = (
    "SELECT leg, stage, engine, space, behind FROM index_place WHERE tenant_id = %(tenant)s"
)


class PostgresPlaces:
    """One row for each stage of a leg; a move is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, tenant_id: TenantId, leg: Leg) -> Sequence[Place]:
        """Return the recorded places of a leg, at most one in each stage."""
        [rows] = self._database.rows(tenant_id, _PLACES)
        return [Place(Stage(r[1]), r[2], TenantId(r[3]), r[4]) for r in rows if r[0] == leg]

    def engines(self, tenant_id: TenantId) -> frozenset[str]:
        """Return the engines that any leg was moved to, is moved to, or came from."""
        [rows] = self._database.rows(tenant_id, _PLACES)
        return frozenset(row[2] for row in rows)

    def begin(self, tenant_id: TenantId, leg: Leg, place: Place) -> None:
        """Record a place that is being filled."""
        with self._database.tenant(tenant_id) as conn:
            conn.execute(
                "INSERT INTO index_place (tenant_id, leg, stage, engine, space) "
                "VALUES (%s, %s, 'building', %s, %s)",
                (tenant_id, leg, place.engine, place.space),
            )

    def mark(self, tenant_id: TenantId, leg: Leg, stage: Stage, *, behind: bool) -> None:
        """Say whether a place misses writes."""
        with self._database.tenant(tenant_id) as conn:
            conn.execute(
                "UPDATE index_place SET behind = %s "
                "WHERE tenant_id = %s AND leg = %s AND stage = %s AND behind <> %s",
                (behind, tenant_id, leg, stage.value, behind),
            )

    def switch(self, tenant_id: TenantId, leg: Leg, serving: Place, to: Stage) -> None:
        """Let the place of stage `to` serve from now on, and `serving` be the previous one."""
        with self._database.tenant(tenant_id) as conn:
            conn.execute(
                "DELETE FROM index_place WHERE tenant_id = %s AND leg = %s AND stage = 'serving'",
                (tenant_id, leg),
            )
            conn.execute(
                "UPDATE index_place SET stage = 'serving', since = clock_timestamp() "
                "WHERE tenant_id = %s AND leg = %s AND stage = %s",
                (tenant_id, leg, to.value),
            )
            conn.execute(
                "INSERT INTO index_place (tenant_id, leg, stage, engine, space) "
                "VALUES (%s, %s, 'previous', %s, %s)",
                (tenant_id, leg, serving.engine, serving.space),
            )

    def forget(self, tenant_id: TenantId, leg: Leg, stage: Stage) -> None:
        """Take a place off the record."""
        with self._database.tenant(tenant_id) as conn:
            conn.execute(
                "DELETE FROM index_place WHERE tenant_id = %s AND leg = %s AND stage = %s",
                (tenant_id, leg, stage.value),
            )
