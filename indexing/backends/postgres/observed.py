"""The numbers of stored Observations: rows of the projection, units from the bytes as received."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import zstandard

from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.tenants import own_zone
from indexing.dated import Width, width
from indexing.fhir.elements import obj, string
from indexing.model import TenantId
from indexing.vitals.measurements import LONGEST_TAG
from indexing.vitals.observations import Judged, Observed

# Lateral: of tables without statistics the planner believes that a tenant has one Observation, and
# read all of them for each number: 9 s for a batch of a first import.
_READ = """
SELECT o.resource_id, o.component, o.patient_id, r.labels, o.observed_at, coalesce(o.system, ''),
    coalesce(o.code, ''), o.value_number, coalesce(o.interpretation_code, ''), r.received,
    o.observed_end
FROM observation o CROSS JOIN LATERAL (SELECT labels, received, deleted FROM resource
    WHERE tenant_id = o.tenant_id AND type = 'Observation' AND id = o.resource_id LIMIT 1) r
WHERE o.tenant_id = %s AND o.resource_id = ANY(%s) AND o.value_number IS NOT NULL
    AND coalesce(o.value_comparator, '') = '' AND o.patient_id IS NOT NULL
    AND o.observed_at > '0002-01-01' AND NOT r.deleted
    AND coalesce(o.status, '') NOT IN ('cancelled', 'entered-in-error')
"""
_JUDGE = """
UPDATE observation o SET anomaly_score = w.score
FROM unnest(%(ids)s::text[], %(components)s::smallint[], %(scores)s::float8[])
    AS w(id, component, score)
WHERE o.tenant_id = %(tenant)s AND o.resource_id = w.id AND o.component = w.component
    AND o.anomaly_score IS DISTINCT FROM w.score
"""


class PostgresObserved:
    """Reads across the tenant, for the follower."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def observed(self, tenant_id: TenantId, ids: Sequence[str]) -> list[Observed]:
        """Return every number of the live ones among these that is known to the day."""
        with self._database.tenant(tenant_id) as conn:
            zone = own_zone(conn)
            rows = conn.execute(_READ, (tenant_id, list(ids))).fetchall()
        unpack = zstandard.ZstdDecompressor().decompress
        bodies: dict[str, Any] = {}
        found = []
        for row in rows:
            number, component, patient, labels, at, system, code, value, flag, received, until = row
            if width(at, until, zone) is not Width.DAY:
                continue
            if number not in bodies:
                bodies[number] = orjson.loads(unpack(received))
            unit = _unit(bodies[number], component)
            found.append(
                Observed(
                    number,
                    patient,
                    frozenset(labels),
                    at,
                    system,
                    code,
                    float(value),
                    unit,
                    flag,
                    _device(bodies[number]),
                    component,
                )
            )
        return found

    def ids(self, tenant_id: TenantId, after: str, most: int) -> list[str]:
        """Return the ids of live Observations behind `after`, in order."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT id FROM resource WHERE tenant_id = %s AND type = 'Observation' "
                "AND NOT deleted AND id > %s ORDER BY id LIMIT %s",
                (tenant_id, after, most),
            ).fetchall()
        return [row[0] for row in rows]

    def judge(self, tenant_id: TenantId, found: Sequence[Judged]) -> None:
        """Keep the anomaly scores beside the numbers; those that were not judged lose theirs."""
        values = {
            "tenant": tenant_id, "ids": [each.observation_id for each in found],
            "components": [each.component for each in found],
            "scores": [each.score for each in found],
        }  # fmt: skip
        with self._database.tenant(tenant_id) as conn:
            conn.execute(_JUDGE, values)


def _device(body: Any) -> str:
    """Name the device that an Observation is of: its id, else what it is called."""
    said = obj(body.get("device"))  # what is no object is taken in, with an issue
    name = string(said.get("reference")) or string(said.get("display")) or ""
    return name.removeprefix("Device/")[:LONGEST_TAG]


def _unit(body: Any, component: int) -> str:
    """Return the quantity's code, its words where it has none."""
    part = body if component == 0 else body["component"][component - 1]
    quantity = part.get("valueQuantity")
    if not isinstance(quantity, dict):
        return "1"
    unit = quantity.get("code") or quantity.get("unit")
    return unit[:60] if isinstance(unit, str) else "1"
