"""What became of those of whom something was told, as the records say it now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from indexing.access import LABELS, Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Connection, Database
from indexing.model import TenantId
from indexing.outcomes import Told
from indexing.outlook import HORIZONS, RETURN

# A stay that is planned or was called off tells of nothing that happened.
HAPPENED = "coalesce(e.status, '') NOT IN ('planned', 'cancelled')"
# As far as the hospital has heard: never further than today, however a record is dated.
HEARD = f"""
    SELECT least(max(coalesce(e.date_end, e.date_start)), now()) AS last FROM encounter e
    WHERE e.tenant_id = %(tenant)s AND {HAPPENED}
"""
OPEN = """NOT EXISTS (SELECT FROM resource x WHERE x.tenant_id = e.tenant_id
    AND x.type = 'Encounter' AND x.id = e.resource_id AND x.labels && %(closed)s)"""
_KIND = """kind(type, horizon, leaving) AS (
    SELECT * FROM unnest(%(types)s::text[], %(horizons)s::interval[], %(leaving)s::boolean[])
)"""
# Whose outcome these news may change: those of the charts that they are of, what they decided
# before, whose time is up by now, and whose time is no longer up because a later date was wrong.
_TOUCHED = f"""
WITH RECURSIVE {_KIND}, heard AS ({HEARD}), chart(id) AS (
    SELECT surviving_patient(%(tenant)s, said.id) COLLATE "C" FROM (
        SELECT unnest(%(patients)s::text[]) AS id UNION SELECT e.patient_id FROM encounter e
        WHERE e.tenant_id = %(tenant)s AND e.resource_id = ANY(%(encounters)s)
    ) said WHERE said.id IS NOT NULL
    UNION SELECT m.patient_id FROM patient_merge m JOIN chart ON m.into_id = chart.id
    WHERE m.tenant_id = %(tenant)s
)
SELECT p.prediction_id FROM outlook_prediction p JOIN kind USING (type), heard
WHERE p.tenant_id = %(tenant)s AND (
    p.patient_id IN (SELECT id FROM chart) OR p.decided_by && %(keys)s::text[]
    OR p.actual IS NULL AND coalesce(p.due_at, p.made_at + kind.horizon) <= heard.last
    OR NOT p.actual AND p.due_at > heard.last)
ORDER BY p.prediction_id
"""
# What happened within the horizon after each prediction, from the end of the stay in which it was
# made: true as soon as it is known; false when the time is up; NULL until then, and while the stay
# is not over. A death is a day, so that one of the first day counts, as in what a model learns.
_FATES = f"""
WITH RECURSIVE {_KIND}, due AS (
    SELECT p.prediction_id AS id, p.patient_id, p.made_at, kind.horizon, kind.leaving
    FROM outlook_prediction p JOIN kind USING (type)
    WHERE p.tenant_id = %(tenant)s AND p.prediction_id = ANY(%(ids)s)
), own(id, due) AS (
    SELECT surviving_patient(%(tenant)s, patient_id) COLLATE "C", id FROM due
    UNION SELECT m.patient_id, own.due FROM patient_merge m JOIN own ON m.into_id = own.id
    WHERE m.tenant_id = %(tenant)s
), heard AS ({HEARD}), stay AS (
    SELECT DISTINCT ON (due.id) due.id, e.resource_id, e.date_end,
        e.date_end IS NULL AND e.status IN ('arrived', 'triaged', 'in-progress', 'onleave') AS lasts
    FROM due JOIN own ON own.due = due.id JOIN encounter e ON e.patient_id = own.id
    WHERE due.leaving AND e.tenant_id = %(tenant)s AND e.class_code IN ('IMP', 'ACUTE', 'NONAC')
        AND e.date_start <= due.made_at AND {HAPPENED} AND {OPEN} AND (e.date_end >= due.made_at
            OR e.date_end IS NULL AND e.status IN ('arrived', 'triaged', 'in-progress', 'onleave'))
    ORDER BY due.id, lasts DESC, e.date_end DESC, e.resource_id
), since AS (
    SELECT due.id, due.horizon, stay.resource_id AS stay,
        CASE WHEN stay.lasts THEN NULL ELSE greatest(due.made_at, stay.date_end) END AS at
    FROM due LEFT JOIN stay USING (id)
), event AS (
    SELECT DISTINCT ON (id) id, key, patient_id FROM (
        SELECT since.id, e.date_start AS at, 'Encounter/' || e.resource_id AS key, e.patient_id
        FROM since JOIN own ON own.due = since.id JOIN encounter e ON e.patient_id = own.id
        WHERE e.tenant_id = %(tenant)s AND e.class_code IN ('IMP', 'ACUTE', 'NONAC', 'EMER')
            AND e.date_start > since.at AND e.date_start <= since.at + since.horizon
            AND e.date_start <= now() AND {HAPPENED} AND {OPEN}
        UNION ALL
        SELECT since.id, p.deceased_start, 'Patient/' || p.resource_id, p.resource_id
        FROM since JOIN own ON own.due = since.id JOIN patient p ON p.resource_id = own.id
        WHERE p.tenant_id = %(tenant)s AND p.deceased_start <= now() AND p.deceased_start
                BETWEEN since.at - interval '1 day' AND since.at + since.horizon
            AND NOT EXISTS (SELECT FROM resource x WHERE x.tenant_id = p.tenant_id
                AND x.type = 'Patient' AND x.id = p.resource_id AND x.labels && %(closed)s)
    ) found ORDER BY id, at, key
)
SELECT since.id, CASE WHEN event.id IS NOT NULL THEN true
        WHEN since.at + since.horizon <= heard.last THEN false END,
    since.at + since.horizon,
    array_remove(ARRAY['Encounter/' || since.stay, event.key, 'Patient/' || event.patient_id], NULL)
FROM since CROSS JOIN heard LEFT JOIN event ON event.id = since.id
"""
_HELD = """
SELECT prediction_id, patient_id, actual, due_at, decided_by FROM outlook_prediction
WHERE tenant_id = %s AND prediction_id = ANY(%s) ORDER BY prediction_id FOR UPDATE
"""
_STANDING = """
SELECT prediction_id, patient_id, model, version, type, made_at, chance, low, high, actual
FROM outlook_prediction WHERE tenant_id = %(tenant)s AND chance IS NOT NULL
    AND (%(ids)s::text[] IS NULL OR prediction_id = ANY(%(ids)s)) ORDER BY prediction_id
"""
_FILL = """
UPDATE outlook_prediction SET due_at = %(due)s, decided_by = %(by)s, actual = %(actual)s,
    actual_at = CASE WHEN actual IS NOT DISTINCT FROM %(actual)s THEN actual_at
        WHEN %(actual)s IS NULL THEN NULL ELSE clock_timestamp() END
WHERE tenant_id = %(tenant)s AND prediction_id = %(id)s
"""


class _Fate(NamedTuple):
    """`actual` None while it is not known; `due` None while the stay lasts; `by` names what
    decided, or will have a say."""

    actual: bool | None
    due: datetime | None
    by: list[str]


class PostgresFates:
    """Fills in what happened: the same for whoever asks for it and for the follower."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def touched(self, tenant_id: TenantId, keys: Sequence[str]) -> list[str]:
        """Return the predictions whose outcome news of these Encounters and Patients may change."""
        named = [key.partition("/") for key in keys]
        values = _values(tenant_id) | {
            "keys": list(keys),
            "encounters": [own for kind, _, own in named if kind == "Encounter"],
            "patients": [own for kind, _, own in named if kind == "Patient"],
        }
        with self._database.tenant(tenant_id) as conn:
            some = conn.execute(
                "SELECT FROM outlook_prediction WHERE tenant_id = %s LIMIT 1", (tenant_id,)
            ).fetchone()
            rows = conn.execute(_TOUCHED, values).fetchall() if some is not None else []
        return [row[0] for row in rows]

    def settle(self, access: Access, ids: Sequence[str]) -> int:
        """Note of each of these predictions what is known now, which may be another thing than
        before, or nothing; return of how many something is. Each change has its audit row.

        Restricted stays count for nobody, as in `PostgresOutlook.outcomes`.
        """
        with self._database.tenant(access.tenant_id) as conn:
            held = conn.execute(_HELD, (access.tenant_id, list(ids))).fetchall()
            values = _values(access.tenant_id) | {"ids": [row[0] for row in held]}
            fates = {row[0]: _Fate(*row[1:]) for row in conn.execute(_FATES, values)}
            changed = []
            for own, patient, *before in held:
                fate = fates.get(own, _Fate(None, None, []))
                if [*fate] != before:
                    _fill(conn, access.tenant_id, own, fate)
                if fate.actual is not before[0]:
                    # Whether it is known, not what: the audit says nothing of the record.
                    known = (fate.actual is not None, before[0] is not None)
                    detail = dict(zip(("known", "before"), map(int, known), strict=True))
                    entities = [f"RiskAssessment/{own}", *fate.by]
                    changed.append(AuditRow("U", "prediction", [patient], entities, detail))
            for row in changed:
                audit.record(conn, access, row)
        return sum(fate.actual is not None for fate in fates.values())

    def standing(self, tenant_id: TenantId, ids: Sequence[str] | None) -> list[Told]:
        """Return those of these predictions, all for None, that told something, as they stand."""
        values = {"tenant": tenant_id, "ids": None if ids is None else list(ids)}
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(_STANDING, values).fetchall()
        return [Told(*row) for row in rows]


def _values(tenant_id: TenantId) -> dict[str, Any]:
    return {
        "tenant": tenant_id, "closed": sorted(LABELS), "types": list(HORIZONS),
        "horizons": list(HORIZONS.values()), "leaving": [kind == RETURN for kind in HORIZONS],
    }  # fmt: skip


def _fill(conn: Connection, tenant_id: TenantId, prediction_id: str, fate: _Fate) -> None:
    conn.execute(
        _FILL,
        {"tenant": tenant_id, "id": prediction_id, "actual": fate.actual, "due": fate.due,
         "by": fate.by},
    )  # fmt: skip
