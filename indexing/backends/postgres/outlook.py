"""Outcome models and predictions in PostgreSQL, and the outcomes that the records tell."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from psycopg.types.json import Jsonb

from indexing.access import LABELS, Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.fates import HAPPENED, HEARD, OPEN
from indexing.errors import Conflict, IntegrityFault, NotFound
from indexing.outlook import (
    ACUTE,
    HORIZONS,
    RETURN,
    ModelCard,
    Outcome,
    Prediction,
    Switches,
)

_CARD = (
    "name, version, kind, type, description, parameters, training, metrics, status, digest, "
    "registered_at"
)
_TOLD = (
    "prediction_id, patient_id, model, version, type, chance, low, high, likeness, why, made_at, "
    "evidence, actual, actual_at, due_at"
)
# The first stay of each patient, what was known by its end, and what followed within the horizon;
# what the hospital has heard last is as far as anything can be known. Who has left no stay is
# asked about as of now.
# From when on the outcome is looked for: of each patient the end of the first stay; or, of
# everybody who was seen before, the same day, one horizon before the newest record.
_SINCE = {
    RETURN: """
    SELECT DISTINCT ON (coalesce(part.chart, e.patient_id))
        coalesce(part.chart, e.patient_id) AS patient_id, e.date_end AS gone, e.date_start AS began
    FROM encounter e LEFT JOIN part ON part.patient_id = e.patient_id
    WHERE e.tenant_id = %(tenant)s AND e.class_code IN ('IMP', 'ACUTE', 'NONAC')
        AND HAPPENED AND OPEN AND e.date_end IS NOT NULL AND e.patient_id IS NOT NULL
    ORDER BY coalesce(part.chart, e.patient_id), e.date_start, e.resource_id""",
    ACUTE: """
    SELECT DISTINCT coalesce(part.chart, e.patient_id) AS patient_id,
        heard.last - %(horizon)s AS gone, heard.last - %(horizon)s AS began
    FROM heard, encounter e LEFT JOIN part ON part.patient_id = e.patient_id
    WHERE e.tenant_id = %(tenant)s AND e.patient_id IS NOT NULL
        AND HAPPENED AND OPEN AND e.date_start < heard.last - %(horizon)s""",
}
# Charts that were merged into another are a part of that one's.
_OUTCOMES = """
WITH heard AS (HEARD), part AS MATERIALIZED (
    SELECT DISTINCT patient_id, surviving_patient(tenant_id, patient_id) AS chart
    FROM patient_merge WHERE tenant_id = %(tenant)s
), parts AS MATERIALIZED (
    SELECT chart, array_agg(patient_id) AS ids FROM part GROUP BY chart
), stay AS (STAY
), person AS (
    SELECT p.resource_id AS id, p.sex, p.birth_start, p.deceased_start, s.gone, s.began,
        CASE WHEN %(now)s THEN NULL ELSE s.gone END AS known,
        ARRAY[p.resource_id] || coalesce(parts.ids, '{}') AS ids
    FROM patient p LEFT JOIN parts ON parts.chart = p.resource_id
    JOIN resource r ON r.tenant_id = p.tenant_id AND r.type = 'Patient'
        AND r.id = p.resource_id AND NOT r.labels && %(closed)s
    LEFT JOIN stay s ON s.patient_id = p.resource_id
    WHERE p.tenant_id = %(tenant)s AND p.replaced_by IS NULL
        AND (%(patients)s::text[] IS NULL OR p.resource_id = ANY(%(patients)s))
        AND (%(now)s OR s.gone IS NOT NULL)
        AND (%(now)s OR NOT coalesce(p.deceased_start < s.gone - interval '1 day', false))
), ILL, GIVEN
SELECT person.id, coalesce(person.sex, ''),
    extract(year FROM age(coalesce(person.known, h.last, now()), person.birth_start))::int,
    CASE WHEN person.gone IS NULL OR person.gone + %(horizon)s > h.last THEN NULL ELSE
        coalesce(person.deceased_start BETWEEN person.gone - interval '1 day'
            AND person.gone + %(horizon)s, false)
        OR EXISTS (SELECT FROM encounter e WHERE e.tenant_id = %(tenant)s
            AND e.patient_id = ANY(person.ids) AND e.class_code IN ('IMP', 'ACUTE', 'NONAC', 'EMER')
            AND e.date_start > person.gone AND e.date_start <= person.gone + %(horizon)s
            AND HAPPENED AND OPEN) END,
    coalesce(ill.named, '{}'), coalesce(given.named, '{}'),
    (SELECT count(*) FROM encounter e WHERE e.tenant_id = %(tenant)s
        AND e.patient_id = ANY(person.ids) AND HAPPENED AND OPEN
        AND e.date_start < year.until AND e.date_start >= year.until - interval '1 year')::int
FROM person LEFT JOIN ill ON ill.id = person.id LEFT JOIN given ON given.id = person.id
CROSS JOIN heard h CROSS JOIN LATERAL (
    SELECT CASE WHEN %(now)s THEN coalesce((
        SELECT max(e.date_start) FROM encounter e WHERE %(leaving)s AND e.tenant_id = %(tenant)s
            AND e.patient_id = ANY(person.ids) AND e.class_code IN ('IMP', 'ACUTE', 'NONAC')
            AND HAPPENED AND OPEN
    ), h.last, now()) ELSE person.began END AS until
) year ORDER BY person.id
"""
# What was known of each person by a name, of all at once: asked person by person, the planner read
# a small hospital's whole table for each.
_NAMED = """{name} AS MATERIALIZED (
    SELECT p.id, array_agg(DISTINCT coalesce(t.display, t.code)) AS named
    FROM person p CROSS JOIN unnest(p.ids) AS own(id)
    JOIN {table} t ON t.tenant_id = %(tenant)s AND t.patient_id = own.id
        AND coalesce(t.display, t.code) IS NOT NULL AND (p.known IS NULL OR {since} <= p.known)
    JOIN resource x ON x.tenant_id = t.tenant_id AND x.type = '{type}'
        AND x.id = t.resource_id AND NOT x.labels && %(closed)s
    GROUP BY p.id
)"""
_ILL = _NAMED.format(
    name="ill", table="condition", type="Condition",
    since="coalesce(t.onset_start, t.recorded_start)",
)  # fmt: skip
_GIVEN = _NAMED.format(
    name="given", table="medication_request", type="MedicationRequest", since="t.authored_start"
)

_TOLD_OF = f"""
WITH RECURSIVE own(id) AS (SELECT %(patient)s::text COLLATE "C" UNION
    SELECT m.patient_id FROM patient_merge m JOIN own ON m.into_id = own.id
    WHERE m.tenant_id = %(tenant)s)
SELECT {_TOLD} FROM outlook_prediction WHERE tenant_id = %(tenant)s
    AND patient_id IN (SELECT id FROM own) ORDER BY made_at DESC, prediction_id LIMIT %(most)s
"""


def _outcomes(kind_of: str) -> str:
    whole = _OUTCOMES.replace("STAY", _SINCE[kind_of])
    whole = whole.replace("ILL", _ILL).replace("GIVEN", _GIVEN)
    return whole.replace("HEARD", HEARD).replace("HAPPENED", HAPPENED).replace("OPEN", OPEN)


class PostgresOutlook:
    """Every read of a patient, and every prediction, with its audit row in the transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def switches(self, access: Access) -> Switches:
        """Return what the tenant has turned on."""
        with self._database.tenant(access.tenant_id) as conn:
            row = conn.execute(
                "SELECT predictions, treatments FROM outlook_switch WHERE tenant_id = %s",
                (access.tenant_id,),
            ).fetchone()
        return Switches(*row) if row else Switches()

    def switch(self, access: Access, wanted: Switches) -> None:
        """Turn modules on or off; who did it stands in the audit."""
        with self._database.tenant(access.tenant_id) as conn:
            conn.execute(
                "INSERT INTO outlook_switch (tenant_id, predictions, treatments) "
                "VALUES (%s, %s, %s) ON CONFLICT (tenant_id) DO UPDATE SET "
                "predictions = excluded.predictions, treatments = excluded.treatments, "
                "changed_at = clock_timestamp()",
                (access.tenant_id, wanted.predictions, wanted.treatments),
            )
            detail = {"predictions": int(wanted.predictions), "treatments": int(wanted.treatments)}
            audit.record(conn, access, AuditRow("U", "outlook-switch", (), (), detail))

    def register(self, access: Access, card: ModelCard, body: bytes | None) -> None:
        """Add a model; a version is never overwritten, and what was in force for its type of
        outcome retires.

        Raises:
            Conflict: this version is registered.
        """
        values = (
            access.tenant_id, card.name, card.version, card.kind, card.type, card.description,
            Jsonb(dict(card.parameters)), Jsonb(dict(card.training)), Jsonb(dict(card.metrics)),
            card.status, card.digest, body,
        )  # fmt: skip
        try:
            with self._database.tenant(access.tenant_id) as conn:
                _retire(conn, access, card.type)
                conn.execute(
                    "INSERT INTO outlook_model (tenant_id, name, version, kind, type, description, "
                    "parameters, training, metrics, status, digest, body) "
                    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    values,
                )
                entities = [f"model/{card.name}/{card.version}"]
                audit.record(conn, access, AuditRow("C", "outlook-model", (), entities))
        except Conflict:
            raise Conflict("this version is registered", hint="give a new --version") from None

    def put(self, access: Access, card: ModelCard) -> None:
        """Give a model its card's status; one is in force for each type of outcome."""
        with self._database.tenant(access.tenant_id) as conn:
            if card.status == "active":
                _retire(conn, access, card.type)
            conn.execute(
                "UPDATE outlook_model SET status = %s WHERE tenant_id = %s AND name = %s "
                "AND version = %s",
                (card.status, access.tenant_id, card.name, card.version),
            )
            entities = [f"model/{card.name}/{card.version}"]
            detail = {"active": int(card.status == "active")}
            audit.record(conn, access, AuditRow("U", "outlook-model", (), entities, detail))

    def models(self, access: Access) -> list[ModelCard]:
        """Return every model, newest first."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {_CARD} FROM outlook_model WHERE tenant_id = %s "
                "ORDER BY registered_at DESC",
                (access.tenant_id,),
            ).fetchall()
        return [ModelCard(*row) for row in rows]

    def active(self, access: Access, kind_of: str) -> tuple[ModelCard, bytes]:
        """Return the model in force for a type of outcome, and its file.

        Raises:
            NotFound: there is none.
            IntegrityFault: the file is not the one that was registered.
        """
        with self._database.tenant(access.tenant_id) as conn:
            row = conn.execute(
                f"SELECT {_CARD}, coalesce(body, '') FROM outlook_model WHERE tenant_id = %s "
                "AND type = %s AND status = 'active'",
                (access.tenant_id, kind_of),
            ).fetchone()
        if row is None:
            raise NotFound("no model of this type", hint="see `anamnesis models register`")
        card, body = ModelCard(*row[:-1]), bytes(row[-1])
        if card.digest and hashlib.sha256(body).hexdigest() != card.digest:
            raise IntegrityFault(f"the file of model {card.name} {card.version} was changed")
        return card, body

    def outcomes(
        self, access: Access, patients: Sequence[str] | None = None, *, now: bool = False,
        kind_of: str = RETURN,
    ) -> list[Outcome]:  # fmt: skip
        """Return patients as they were when their first stay ended, or as the type of outcome has
        it, `now` as they are; recorded as one read of all of them.

        What carries a restricting label counts for nobody, cleared or not: what a model tells is
        kept, and everybody who opens the chart reads it.
        """
        opened = access.patients
        if patients is not None and opened is not None:
            patients = [each for each in patients if each in opened]
        values = {
            "tenant": access.tenant_id, "closed": sorted(LABELS), "now": now,
            "patients": list(patients) if patients is not None else
            (sorted(opened) if opened is not None else None), "horizon": HORIZONS[kind_of],
            "leaving": kind_of == RETURN,
        }  # fmt: skip
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(_outcomes(kind_of), values).fetchall()
            found = [Outcome(r[0], frozenset([*r[4], *r[5]]), r[2], r[1], r[3], r[6]) for r in rows]
            named = [each.patient_id for each in found]
            audit.record(conn, access, AuditRow("R", "outcomes", named, (), {"rows": len(found)}))
        return found

    def keep(self, access: Access, told: Prediction) -> None:
        """Store a prediction."""
        with self._database.tenant(access.tenant_id) as conn:
            conn.execute(
                "INSERT INTO outlook_prediction (tenant_id, made_by, prediction_id, patient_id, "
                "model, version, type, chance, low, high, likeness, why, made_at, evidence) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    access.tenant_id, access.user_id, told.prediction_id, told.patient_id,
                    told.model, told.version, told.type, told.chance, told.low, told.high,
                    told.likeness, told.why, told.made_at, Jsonb(dict(told.evidence)),
                ),
            )  # fmt: skip
            entities = [f"RiskAssessment/{told.prediction_id}"]
            row = AuditRow("C", "prediction", [told.patient_id], entities)
            audit.record(conn, access, row)

    def told(self, access: Access, card: ModelCard) -> list[Prediction]:
        """Return what a model told, oldest first; recorded."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {_TOLD} FROM outlook_prediction WHERE tenant_id = %s AND model = %s "
                "AND version = %s ORDER BY made_at, prediction_id",
                (access.tenant_id, card.name, card.version),
            ).fetchall()
            found = [Prediction(*row) for row in rows]
            if access.patients is not None:
                found = [each for each in found if each.patient_id in access.patients]
            named = sorted({each.patient_id for each in found})
            audit.record(conn, access, AuditRow("R", "predictions", named))
        return found

    def told_of(self, access: Access, patient_id: str, most: int) -> list[Prediction]:
        """Return what was told of a patient, and of the charts that were merged into this one,
        newest first; recorded."""
        values = {"tenant": access.tenant_id, "patient": patient_id, "most": most}
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(_TOLD_OF, values).fetchall()
            audit.record(conn, access, AuditRow("R", "predictions", [patient_id]))
        return [Prediction(*row) for row in rows]

    def card(self, access: Access, name: str, version: str) -> ModelCard:
        """Return one model, the newest of the name for no version.

        Raises:
            NotFound: there is none.
        """
        for card in self.models(access):
            if card.name == name and version in ("", card.version):
                return card
        raise NotFound("no such model", hint="`anamnesis models list` names them")


def _retire(conn: Connection, access: Access, kind_of: str) -> None:
    """Take whatever is in force for a type of outcome out of it."""
    conn.execute(
        "UPDATE outlook_model SET status = 'retired' WHERE tenant_id = %s AND type = %s "
        "AND status = 'active'",
        (access.tenant_id, kind_of),
    )
