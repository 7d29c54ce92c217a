"""Patients' records for their vectors, read as features are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.feature_reads import merges, names_of, read_profiles
from indexing.features import Naming
from indexing.model import TenantId
from indexing.outlook import OUTCOME_SYSTEM
from indexing.patient_vectors import PatientRecord

_EPOCH: Final = "SELECT era, epoch FROM feature_epoch WHERE tenant_id = %(tenant)s"
_VERSIONS: Final = (
    "SELECT c.patient_id, c.epoch FROM feature_change c WHERE c.tenant_id = %(tenant)s "
    "AND NOT EXISTS (SELECT FROM resource r WHERE r.tenant_id = c.tenant_id "
    "AND r.type = 'Patient' AND r.id = c.patient_id AND r.deleted)"
)
# As in the features: of a merged chart what both say, under the id that stands.
_LABELS: Final = (
    "SELECT id, labels FROM resource WHERE tenant_id = %(tenant)s AND type = 'Patient' "
    "AND id = ANY(%(patients)s) AND NOT deleted"
)
_RISKS: Final = (
    "SELECT t.patient_id, max(t.probability) FROM (SELECT DISTINCT ON (t.patient_id, t.code) t.* "
    "FROM risk_assessment t WHERE t.tenant_id = %(tenant)s AND t.patient_id = ANY(%(patients)s) "
    f"AND t.system = '{OUTCOME_SYSTEM}' ORDER BY t.patient_id, t.code, t.date_start DESC "
    "NULLS LAST, t.resource_id) t WHERE NOT EXISTS (SELECT FROM resource c WHERE "
    "c.tenant_id = t.tenant_id AND c.type = 'RiskAssessment' AND c.id = t.resource_id "
    "AND c.labels <> '{}') GROUP BY 1"
)


class PostgresPatientRecords:
    """The `PatientRecords` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def epoch(self, tenant_id: TenantId) -> tuple[str, int]:
        """Return the era and the epoch of a tenant's features."""
        [rows] = self._database.rows(tenant_id, _EPOCH)
        return (str(rows[0][0]), int(rows[0][1])) if rows else ("", 0)

    def versions(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return whose features ever changed, and when last; a merged chart's are the other's."""
        with self._database.tenant(tenant_id) as conn:
            merged = merges(conn, tenant_id)
            rows = conn.execute(_VERSIONS, {"tenant": tenant_id}).fetchall()
            gone = _deleted(conn, tenant_id, set(merged.values()))
        found: dict[str, int] = {}
        for patient, epoch in rows:
            own = merged.get(patient, patient)
            if own not in gone:
                found[own] = max(epoch, found.get(own, 0))
        return found

    def read(
        self, tenant_id: TenantId, naming: Naming, patient_ids: Sequence[str]
    ) -> Sequence[PatientRecord]:
        """Read patients with every chart that was merged into theirs."""
        with self._database.tenant(tenant_id, snapshot=True) as conn:
            merged = merges(conn, tenant_id)
            asked = frozenset(patient_ids)
            charts = asked | {each for each, own in merged.items() if own in asked}
            profiles, words = read_profiles(conn, tenant_id, naming, merged, charts)
            values = {"tenant": tenant_id, "patients": sorted(charts)}
            labels: dict[str, frozenset[str]] = {}
            for chart, closed in conn.execute(_LABELS, values).fetchall():
                own = merged.get(chart, chart)
                labels[own] = labels.get(own, frozenset()) | frozenset(closed)
            risks: dict[str, float] = {}
            for chart, risk in conn.execute(_RISKS, values).fetchall():
                if risk is not None:
                    own = merged.get(chart, chart)
                    risks[own] = max(float(risk), risks.get(own, 0.0))
        return [
            PatientRecord(
                each, profile, names_of({each: words.get(each, frozenset())}),
                labels.get(each, frozenset()), risks.get(each),
            )
            for each, profile in profiles.items() if each in asked
        ]  # fmt: skip


def _deleted(conn: Connection, tenant_id: TenantId, patient_ids: set[str]) -> frozenset[str]:
    rows = conn.execute(
        "SELECT id FROM resource WHERE tenant_id = %s AND type = 'Patient' AND id = ANY(%s) "
        "AND deleted", (tenant_id, sorted(patient_ids)),
    ).fetchall()  # fmt: skip
    return frozenset(row[0] for row in rows)
