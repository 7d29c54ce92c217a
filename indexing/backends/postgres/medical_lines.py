"""How the projections become lines of the medical graph: one query for each relation.

Each row is (patient, labels, five of `Times`, properties, then resource, system, code, name of each
end that is not the patient). Many resources that say one thing are one row, with how often:
an edge stands for a fact, not for each time that it was written down. Rows of different labels stay
apart, because they are open to different readers.
"""

from __future__ import annotations

from dataclasses import dataclass

from indexing.backends.postgres.came_about import DONE, ORDERED, TAKEN
from indexing.backends.postgres.vague import (
    ABATEMENT_UNTIL,
    DATE_LAST,
    DATE_UNTIL,
    ONSET,
    ONSET_UNTIL,
)
from indexing.medical_graph import NodeKind, Relation

# A resource of type {type} behind the projection row `t`, and the patients that are asked for.
_FROM = (
    "JOIN resource r ON r.tenant_id = t.tenant_id AND r.type = '{type}' AND r.id = t.resource_id "
    "WHERE t.tenant_id = %(tenant)s AND t.patient_id = ANY(%(ids)s::text[])"
)
_CODED = "NULL::text, t.system, t.code, coalesce(t.display, t.code)"
_BY_CODE = "GROUP BY t.patient_id, r.labels, t.system, t.code, coalesce(t.display, t.code)"
_SOME = "coalesce(t.code, t.display) IS NOT NULL"
_COUNT = "'times', count(*)"
_NOTHING = "NULL::text, NULL::text"


def _last(column: str, order: str) -> str:
    """Return the newest value of a column that says something."""
    newest = f"array_agg({column} ORDER BY {order} DESC NULLS LAST)"
    return f"({newest} FILTER (WHERE {column} IS NOT NULL))[1]"


@dataclass(frozen=True, slots=True)
class Times:
    """When one row of a projection says it, as expressions: first at `start`, which is a date as
    vague as [start, until), and last at `end`, which is as vague as [last, ended)."""

    start: str
    until: str
    end: str
    last: str
    ended: str

    def each(self) -> str:
        """Return them for rows that stand by themselves."""
        return ", ".join((self.start, self.until, self.end, self.last, self.ended))

    def of_all(self) -> str:
        """Return them for a group of rows: those of the first and of the last."""
        first = f"ORDER BY {self.start}, {self.until}"
        last = f"ORDER BY {self.end} DESC NULLS LAST, {self.ended}"
        return (
            f"min({self.start}), (array_agg({self.until} {first}))[1], max({self.end}), "
            f"(array_agg({self.last} {last}))[1], (array_agg({self.ended} {last}))[1]"
        )


def _at(start: str, until: str) -> Times:
    """Return the times of what is said at one date."""
    return Times(start, until, start, start, until)


def _lasting(until: str = DATE_UNTIL, last: str = DATE_LAST) -> Times:
    """Return the times of what lasts from `date_start` to the last second before `date_end`."""
    over = "greatest(t.date_start, t.date_end - interval '1 second')"
    return Times("t.date_start", until, over, last, f"coalesce(t.date_end, {until})")


# Where a Period is kept as if it were one date.
_AS_ONE = _lasting("t.date_end", "t.date_start")
_NO_TIMES = _at("NULL::timestamptz", "NULL::timestamptz").each()


@dataclass(frozen=True, slots=True)
class LineQuery:
    """`ends` are the kinds of the ends that the query names, in their order; the patient is the
    source where `from_patient`, else the target, else neither where it names two."""

    relation: Relation
    ends: tuple[NodeKind, ...]
    from_patient: bool
    sql: str


def _coded(
    relation: Relation, kind: NodeKind, table: str, resource: str, times: Times, said: str,
    where: str = "",
) -> LineQuery:  # fmt: skip
    """Return the query of a coded thing that a patient has."""
    return LineQuery(
        relation, (kind,), True,
        f"SELECT t.patient_id, r.labels, {times.of_all()}, "
        f"jsonb_build_object({_COUNT}, {said}), {_CODED} FROM {table} t "
        f"{_FROM.format(type=resource)} AND {_SOME} {where} {_BY_CODE}",
    )  # fmt: skip


# A visit that is planned or was called off is none: nobody was treated or measured at it.
_HAPPENED = "coalesce(t.status, '') NOT IN ('planned', 'cancelled')"


def _newest(ends: str, where: str = "") -> str:
    """Return the query of a patient's ten newest encounters and what they name."""
    return (
        f"SELECT patient_id, labels, {_lasting().each()}, said, {ends} FROM ("
        "SELECT t.*, r.labels, jsonb_build_object('class', t.class_code) AS said, row_number() "
        "OVER (PARTITION BY t.patient_id ORDER BY t.date_start DESC NULLS LAST) AS place "
        f"FROM encounter t {_FROM.format(type='Encounter')} AND {_HAPPENED}) t "
        f"WHERE place <= 10 {where}"
    )


_MEETING = "'Encounter/' || t.resource_id, t.system, t.code, coalesce(t.display, t.class_code)"
_OVER = f"coalesce(t.abatement_start, {ONSET})"
_OVER_UNTIL = f"CASE WHEN t.abatement_start IS NULL THEN {ONSET_UNTIL} ELSE {ABATEMENT_UNTIL} END"
_HELD = Times(ONSET, ONSET_UNTIL, _OVER, _OVER, _OVER_UNTIL)
_SEEN = _at("nullif(t.observed_at, '0001-01-01 00:00:00+00')", "t.observed_end")
_CLINICIAN = (
    "'Practitioner/' || t.practitioner_id, " + _NOTHING + ", (SELECT p.name FROM practitioner p "
    "WHERE p.tenant_id = t.tenant_id AND p.resource_id = t.practitioner_id)"
)
_HOUSE = (
    "'Organization/' || t.organization_id, " + _NOTHING + ", (SELECT o.name FROM organization o "
    "WHERE o.tenant_id = t.tenant_id AND o.resource_id = t.organization_id)"
)
_PREDICTED = "'Prediction/' || t.resource_id || '/' || t.prediction, " + _NOTHING + ", 'Prediction'"
_MODEL = "NULL::text, 'model', t.method, t.method"
_RISK = (
    f"SELECT t.patient_id, r.labels, {_AS_ONE.each()}, "
    "jsonb_build_object('probability', "
    "t.probability, 'risk', t.qualitative_risk), {ends} FROM risk_assessment t "
    + _FROM.format(type="RiskAssessment")
)

_HERE = "'Tenant/' || t.tenant_id, NULL::text, NULL::text, 'This hospital'"
# Who sent what stands in the record; an operator has no account and is called as the trail does.
_SENDER = "'User/' || t.author, NULL::text, NULL::text, coalesce(min(a.name), t.author)"
_SENT = (
    f"SELECT t.patient_id, t.labels, {_at('t.last_updated', 'NULL::timestamptz').of_all()}, "
    "{said}, {ends} "
    "FROM resource t LEFT JOIN account a ON a.tenant_id = t.tenant_id AND a.user_id = t.author "
    "WHERE t.tenant_id = %(tenant)s AND t.patient_id = ANY(%(ids)s::text[]) AND NOT t.deleted "
    "GROUP BY t.tenant_id, t.patient_id, t.labels, t.author"
)


def _both(kind: str, own: str) -> str:
    """Return the labels of a row that names another resource too: those of either."""
    return (
        "r.labels || coalesce((SELECT x.labels FROM resource x WHERE x.tenant_id = r.tenant_id "
        f"AND x.type = '{kind}' AND x.id = {own}), '{{}}')"
    )


PATIENT_LINES: tuple[LineQuery, ...] = (
    _coded(
        Relation.DIAGNOSED_WITH, NodeKind.CONDITION, "condition", "Condition", _HELD,
        f"'status', {_last('t.clinical_status', ONSET)}, "
        f"'verification', {_last('t.verification_status', ONSET)}, "
        f"'severity', {_last('t.severity', ONSET)}, 'stated_in', 'records', 'confidence', "
        "CASE WHEN bool_or(coalesce(t.verification_status, 'confirmed') = 'confirmed') "
        "THEN 1 ELSE 0.5 END",
        "AND coalesce(t.verification_status, '') <> 'refuted'",
    ),
    LineQuery(
        Relation.PRESCRIBED, (NodeKind.MEDICATION,), True,
        f"SELECT t.patient_id, r.labels || t.closing, {_at('t.at', 't.until').of_all()}, "
        f"jsonb_build_object({_COUNT}, 'status', {_last('t.status', 't.at')}, "
        f"'dosage', {_last('t.dosage', 't.at')}, 'frequency', {_last('t.frequency', 't.at')}), "
        "NULL::text, t.system, t.code, t.display FROM (SELECT m.tenant_id, m.resource_id, "
        "m.patient_id, m.kind, m.status, m.dosage, m.frequency, m.at, m.until, "
        "coalesce(m.system, p.system) AS system, coalesce(x.labels, '{}') AS closing, "
        "coalesce(m.code, p.code) AS code, coalesce(m.display, m.code, p.display, p.code) AS "
        "display FROM (SELECT tenant_id, resource_id, patient_id, 'MedicationRequest' AS kind, "
        "status, dosage, frequency, authored_start AS at, authored_end AS until, system, code, "
        f"display, medication_id FROM medication_request t WHERE {ORDERED} "
        "UNION ALL SELECT tenant_id, resource_id, "
        f"patient_id, 'MedicationStatement', status, dosage, frequency, date_start, {DATE_UNTIL}, "
        f"system, code, display, medication_id FROM medication_statement t WHERE {TAKEN}) m "
        "LEFT JOIN medication p ON p.tenant_id = m.tenant_id AND p.resource_id = m.medication_id "
        "LEFT JOIN resource x ON x.tenant_id = m.tenant_id AND x.type = 'Medication' "
        "AND x.id = m.medication_id) t "
        "JOIN resource r ON r.tenant_id = t.tenant_id "
        "AND r.type = t.kind AND r.id = t.resource_id WHERE t.tenant_id = %(tenant)s "
        "AND t.patient_id = ANY(%(ids)s::text[]) AND t.display IS NOT NULL "
        "GROUP BY t.patient_id, r.labels || t.closing, t.system, t.code, t.display",
    ),
    _coded(
        Relation.UNDERWENT, NodeKind.PROCEDURE, "procedure", "Procedure", _lasting(),
        f"'status', {_last('t.status', 't.date_start')}, "
        f"'outcome', {_last('t.outcome', 't.date_start')}, "
        f"'complications', {_last('t.complication', 't.date_start')}",
        f"AND {DONE}",
    ),
    LineQuery(
        Relation.PERFORMED_ON, (NodeKind.PROCEDURE, NodeKind.MEDICAL_CONCEPT), False,
        f"SELECT DISTINCT t.patient_id, r.labels, {_NO_TIMES}, "
        f"NULL::jsonb, {_CODED}, NULL::text, 'site', NULL::text, t.body_site FROM procedure t "
        f"{_FROM.format(type='Procedure')} AND {_SOME} AND t.body_site IS NOT NULL",
    ),
    LineQuery(
        Relation.TREATS, (NodeKind.PROCEDURE, NodeKind.CONDITION), False,
        f"SELECT DISTINCT t.patient_id, r.labels, {_NO_TIMES}, "
        f"NULL::jsonb, {_CODED}, NULL::text, k.system, k.code, k.display FROM procedure t "
        "JOIN resource_code k ON k.tenant_id = t.tenant_id AND k.resource_type = 'Procedure' "
        f"AND k.resource_id = t.resource_id AND k.role = 'reasonCode' "
        f"{_FROM.format(type='Procedure')} AND {_SOME}",
    ),
    LineQuery(
        Relation.OBSERVED_IN, (NodeKind.OBSERVATION,), False,
        f"SELECT t.patient_id, r.labels, {_SEEN.of_all()}, jsonb_build_object({_COUNT}, "
        f"'last', {_last('t.value_number', 't.observed_at')}, "
        f"'unit', {_last('t.value_unit', 't.observed_at')}, "
        f"'flag', {_last('t.interpretation_code', 't.observed_at')}), {_CODED} FROM observation t "
        f"{_FROM.format(type='Observation')} AND {_SOME} "
        f"AND coalesce(t.status, '') <> 'cancelled' {_BY_CODE}",
    ),
    LineQuery(
        Relation.MEASURED_DURING, (NodeKind.OBSERVATION, NodeKind.ENCOUNTER), False,
        f"SELECT DISTINCT o.patient_id, {_both('Encounter', 't.resource_id')}, "
        f"{_NO_TIMES}, NULL::jsonb, NULL::text, o.system, o.code, "
        f"coalesce(o.display, o.code), {_MEETING} "
        "FROM (SELECT t.*, row_number() OVER (PARTITION BY t.patient_id "
        "ORDER BY t.date_start DESC NULLS LAST) AS place FROM encounter t "
        "WHERE t.tenant_id = %(tenant)s AND t.patient_id = ANY(%(ids)s::text[]) "
        f"AND {_HAPPENED}) t "
        "JOIN observation o ON o.tenant_id = t.tenant_id AND o.patient_id = t.patient_id "
        "AND o.encounter_id = t.resource_id JOIN resource r ON r.tenant_id = o.tenant_id "
        "AND r.type = 'Observation' AND r.id = o.resource_id "
        "WHERE t.place <= 1 AND coalesce(o.code, o.display) IS NOT NULL",
    ),
    LineQuery(
        Relation.MEASURED_BY, (NodeKind.OBSERVATION, NodeKind.DEVICE), False,
        f"SELECT DISTINCT t.patient_id, {_both('Device', 's.target_id')}, "
        f"{_NO_TIMES}, NULL::jsonb, {_CODED}, 'Device/' || s.target_id, {_NOTHING}, "
        "(SELECT d.display FROM device d WHERE d.tenant_id = t.tenant_id "
        "AND d.resource_id = s.target_id) "
        "FROM observation t JOIN search_reference s ON s.tenant_id = t.tenant_id "
        "AND s.resource_type = 'Observation' AND s.name = 'device' "
        f"AND s.resource_id = t.resource_id {_FROM.format(type='Observation')} AND {_SOME}",
    ),
    LineQuery(
        Relation.TREATED_BY, (NodeKind.PROVIDER,), True,
        f"SELECT t.patient_id, r.labels, {_at('t.date_start', 't.date_until').of_all()}, "
        f"jsonb_build_object({_COUNT}), {_CLINICIAN} FROM encounter t "
        f"{_FROM.format(type='Encounter')} AND {_HAPPENED} AND t.practitioner_id IS NOT NULL "
        "GROUP BY t.tenant_id, t.patient_id, r.labels, t.practitioner_id",
    ),
    LineQuery(Relation.INVOLVED_PATIENT, (NodeKind.ENCOUNTER,), False, _newest(_MEETING)),
    LineQuery(
        Relation.INVOLVED_PROVIDER, (NodeKind.ENCOUNTER, NodeKind.PROVIDER), False,
        _newest(f"{_MEETING}, {_CLINICIAN}", "AND t.practitioner_id IS NOT NULL"),
    ),
    LineQuery(
        Relation.OCCURRED_AT, (NodeKind.ENCOUNTER, NodeKind.ORGANIZATION), False,
        _newest(f"{_MEETING}, {_HOUSE}", "AND t.organization_id IS NOT NULL"),
    ),
    _coded(
        Relation.TREATED_WITH, NodeKind.TREATMENT, "care_plan", "CarePlan", _lasting(),
        f"'status', {_last('t.status', 't.date_start')}",
    ),
    LineQuery(
        Relation.TREATED_WITH, (NodeKind.CONDITION, NodeKind.TREATMENT), False,
        f"SELECT DISTINCT t.patient_id, {_both('Condition', 'c.resource_id')}, "
        f"{_NO_TIMES}, NULL::jsonb, NULL::text, c.system, c.code, "
        f"coalesce(c.display, c.code), {_CODED} "
        "FROM care_plan t JOIN resource_link k ON k.tenant_id = t.tenant_id "
        "AND k.resource_type = 'CarePlan' AND k.resource_id = t.resource_id "
        "AND k.role = 'addresses' AND k.target_type = 'Condition' JOIN condition c "
        "ON c.tenant_id = t.tenant_id AND c.resource_id = k.target_id "
        f"AND c.patient_id = t.patient_id {_FROM.format(type='CarePlan')} AND {_SOME} "
        "AND coalesce(c.code, c.display) IS NOT NULL",
    ),
    LineQuery(
        Relation.TREATED_WITH, (NodeKind.DEVICE,), True,
        f"SELECT t.patient_id, r.labels, {_NO_TIMES}, "
        "jsonb_build_object('status', t.status), 'Device/' || t.resource_id, t.system, t.code, "
        f"coalesce(t.display, t.model, 'Device') FROM device t {_FROM.format(type='Device')}",
    ),
    LineQuery(
        Relation.MANUFACTURED_BY, (NodeKind.DEVICE, NodeKind.ORGANIZATION), False,
        f"SELECT t.patient_id, r.labels, {_NO_TIMES}, NULL::jsonb, "
        "'Device/' || t.resource_id, t.system, t.code, coalesce(t.display, t.model, 'Device'), "
        "NULL::text, 'manufacturer', NULL::text, t.manufacturer FROM device t "
        f"{_FROM.format(type='Device')} AND t.manufacturer IS NOT NULL",
    ),
    *(
        LineQuery(
            relation, (kind,), True,
            f"SELECT t.patient_id, {_both('ResearchStudy', 't.study_id')}, "
            f"{_AS_ONE.each()}, jsonb_build_object("
            "'status', t.status, 'arm', t.arm), 'ResearchStudy/' || t.study_id, "
            f"{_NOTHING}, s.title FROM research_subject t LEFT JOIN research_study s "
            "ON s.tenant_id = t.tenant_id AND s.resource_id = t.study_id "
            f"{_FROM.format(type='ResearchSubject')} AND t.study_id IS NOT NULL "
            f"AND (s.phase IS NOT NULL AND s.phase <> 'n-a') IS {trial}",
        )
        for relation, kind, trial in (
            (Relation.ENROLLED_IN, NodeKind.CLINICAL_TRIAL, "TRUE"),
            (Relation.PARTICIPATES_IN, NodeKind.RESEARCH_STUDY, "NOT TRUE"),
        )
    ),
    LineQuery(
        Relation.APPLIES_TO, (NodeKind.PREDICTION,), False, _RISK.format(ends=_PREDICTED)
    ),
    LineQuery(
        Relation.PREDICTS, (NodeKind.PREDICTION, NodeKind.CONDITION), False,
        _RISK.format(ends=f"{_PREDICTED}, {_CODED}") + f" AND {_SOME}",
    ),
    LineQuery(
        Relation.GENERATED_BY, (NodeKind.PREDICTION, NodeKind.AI_MODEL), False,
        _RISK.format(ends=f"{_PREDICTED}, {_MODEL}") + " AND t.method IS NOT NULL",
    ),
    LineQuery(
        Relation.GENERATES, (NodeKind.AI_MODEL, NodeKind.PREDICTION), False,
        _RISK.format(ends=f"{_MODEL}, {_PREDICTED}") + " AND t.method IS NOT NULL",
    ),
    LineQuery(
        Relation.RECOMMENDS, (NodeKind.PREDICTION, NodeKind.TREATMENT), False,
        _RISK.format(ends=f"{_PREDICTED}, {_NOTHING}, NULL::text, t.mitigation")
        + " AND t.mitigation IS NOT NULL",
    ),
    LineQuery(
        Relation.TRAINED_ON, (NodeKind.AI_MODEL, NodeKind.TENANT), False,
        "SELECT DISTINCT t.patient_id, r.labels, NULL::timestamptz, NULL::timestamptz, "
        "m.registered_at, NULL::timestamptz, NULL::timestamptz, "
        "jsonb_build_object('patients', m.training->'patients', 'of', m.training->'of'), "
        f"{_MODEL}, {_HERE} FROM risk_assessment t JOIN outlook_model m "
        "ON m.tenant_id = t.tenant_id AND t.method = m.name || ' ' || m.version "
        f"AND m.kind = 'nearest' {_FROM.format(type='RiskAssessment')}",
    ),
    LineQuery(
        Relation.DERIVED_FROM, (NodeKind.USER,), True,
        _SENT.format(said=f"jsonb_build_object({_COUNT})", ends=_SENDER),
    ),
    LineQuery(
        Relation.OWNS, (NodeKind.TENANT, NodeKind.USER), False,
        _SENT.format(said="NULL::jsonb", ends=f"{_HERE}, {_SENDER}"),
    ),
)  # fmt: skip

# Types that are nobody's and say their own name: (id, name, whether it is a trial), and their kind.
_NAME = (
    "SELECT t.resource_id, coalesce({name}, t.resource_id), {trial} FROM {table} t "
    "WHERE t.tenant_id = %(tenant)s AND t.resource_id = ANY(%(ids)s::text[])"
)
COMMON = {
    "Practitioner": (
        _NAME.format(name="t.name", table="practitioner", trial="false"), NodeKind.PROVIDER,
    ),
    "Organization": (
        _NAME.format(name="t.name", table="organization", trial="false"), NodeKind.ORGANIZATION,
    ),
    "ResearchStudy": (
        _NAME.format(
            name="t.title", table="research_study",
            trial="(t.phase IS NOT NULL AND t.phase <> 'n-a')",
        ),
        NodeKind.RESEARCH_STUDY,
    ),
}  # fmt: skip
