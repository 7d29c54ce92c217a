"""The hospital's studies, from the bytes as received."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import zstandard

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Connection, Database
from indexing.model import TenantId
from indexing.research import STUDY, Study, study_of

# What is restricted or was entered in error is no study for anybody.
_OPEN: Final = (
    "FROM resource r JOIN research_study s ON s.tenant_id = r.tenant_id AND s.resource_id = r.id "
    "WHERE r.tenant_id = %(tenant)s AND r.type = 'ResearchStudy' AND NOT r.deleted "
    "AND r.labels = '{}' AND coalesce(s.status, '') <> 'entered-in-error'"
)
_VERSIONS: Final = f"SELECT r.id, r.version {_OPEN}"
_READ: Final = (
    f"SELECT r.id, r.version, r.received, s.date_start, s.date_end {_OPEN} AND r.id = ANY(%(ids)s)"
)


class PostgresStudies:
    """The `StudyRecords` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def versions(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return the version of every study that is open."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(_VERSIONS, {"tenant": tenant_id}).fetchall()
        return {f"{STUDY}/{own}": version for own, version in rows}

    def read(self, tenant_id: TenantId, study_ids: Sequence[str]) -> Sequence[Study]:
        """Return the open ones among these."""
        with self._database.tenant(tenant_id) as conn:
            return _read(conn, tenant_id, study_ids)

    def shown(self, access: Access, study_ids: Sequence[str]) -> Mapping[str, Study]:
        """Return the open ones among these by id, and write the audit row of what is shown."""
        with self._database.tenant(access.tenant_id) as conn:
            found = {each.study_id: each for each in _read(conn, access.tenant_id, study_ids)}
            row = AuditRow("R", "studies", (), [f"{STUDY}/{own}" for own in found],
                           {"studies": len(found)})  # fmt: skip
            audit.record(conn, access, row)
        return found


def _read(conn: Connection, tenant_id: TenantId, study_ids: Sequence[str]) -> list[Study]:
    values = {"tenant": tenant_id, "ids": list(study_ids)}
    rows: list[tuple[Any, ...]] = conn.execute(_READ, values).fetchall()
    unpack = zstandard.ZstdDecompressor().decompress
    return [
        study_of(own, version, orjson.loads(unpack(received)), start, end)
        for own, version, received, start, end in rows
    ]
