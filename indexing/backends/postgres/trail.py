"""The audit trail, read: itself an audited read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Database
from indexing.model import TenantId

_COLUMNS = (
    "e.seq, e.at, e.user_id, coalesce(a.name, ''), e.roles, e.purpose, e.action, e.subtype, "
    "e.outcome, e.patient_ids, e.entities, e.detail"
)


@dataclass(frozen=True, slots=True)
class TrailRow:
    """One audit row, its account's name beside the id ("" for none)."""

    seq: int
    at: datetime
    user_id: str
    user_name: str
    roles: Sequence[str]
    purpose: str
    action: str
    subtype: str
    outcome: str
    patient_ids: Sequence[str]
    entities: Sequence[str]
    detail: Mapping[str, Any]


class PostgresTrail:
    """Newest first, by patient, by user, or all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(
        self,
        access: Access,
        *,
        patient_id: str = "",
        user: str = "",
        before: int | None = None,
        limit: int = 100,
    ) -> list[TrailRow]:
        """Return rows older than number `before`; `user` is a name or an id."""  # fmt: skip
        where, values = "e.tenant_id = %s", [access.tenant_id]
        source = "audit_event e"
        if patient_id:
            source = (
                "audit_patient p JOIN audit_event e "
                "ON e.tenant_id = p.tenant_id AND e.seq = p.seq AND p.tenant_id = %s "
                "AND p.patient_id = %s"
            )
        parameters: list[Any] = [access.tenant_id, patient_id] if patient_id else []
        parameters += values
        if user:
            where += (
                " AND e.user_id IN (SELECT %s UNION ALL SELECT user_id FROM account "
                "WHERE tenant_id = %s AND name = lower(%s))"
            )
            parameters += [user, access.tenant_id, user]
        if before is not None:
            where += " AND e.seq < %s"
            parameters.append(before)
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {_COLUMNS} FROM {source} LEFT JOIN account a "
                f"ON a.tenant_id = e.tenant_id AND a.user_id = e.user_id "
                f"WHERE {where} ORDER BY e.seq DESC LIMIT %s",
                [*parameters, limit],
            ).fetchall()
            patients = [patient_id] if patient_id else []
            audit.record(conn, access, AuditRow("R", "audit", patients, [], {"rows": len(rows)}))
        return [TrailRow(*row) for row in rows]

    def record(self, access: Access, row: AuditRow) -> None:
        """Append a row on its own, for a read that no single transaction holds."""
        with self._database.tenant(access.tenant_id) as conn:
            audit.record(conn, access, row)

    def silent(self, tenant_id: TenantId, since: datetime) -> bool:
        """Say whether nobody but the canary read or wrote anything of a tenant's since then."""
        with self._database.tenant(tenant_id) as conn:
            row = conn.execute(
                "SELECT EXISTS (SELECT FROM audit_event WHERE tenant_id = %s AND at >= %s "
                "AND user_id <> 'operator:canary')",
                (tenant_id, since),
            ).fetchone()
        return not (row and row[0])

    def parked(self, access: Access) -> Mapping[str, int]:
        """Count the events that each follower set aside for this tenant."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                "SELECT follower, count(*) FROM parked WHERE tenant_id = %s GROUP BY follower",
                (access.tenant_id,),
            ).fetchall()
        return dict(rows)

    def broken_at(self, access: Access) -> int | None:
        """Return the first number at which the chain does not hold, None when it does."""
        with self._database.tenant(access.tenant_id) as conn:
            return audit.broken_at(conn)
