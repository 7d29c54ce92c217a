"""What records say of patients as features: (patient, system, code, words, whether it is denied).

`{only}` in each statement takes the limit to some patients.
"""

from __future__ import annotations

from typing import Final

from indexing.backends.postgres.came_about import DONE, ORDERED, TAKEN
from indexing.outlook import OUTCOME_SYSTEM

# A retraction projects to nothing; what carries a restricting label gives no features.
PLAIN = (
    "NOT EXISTS (SELECT FROM resource c WHERE c.tenant_id = t.tenant_id AND c.type = 'KIND' "
    "AND c.id = t.resource_id AND c.labels <> '{}')"
)
_PLAIN_DRUG = (
    " AND NOT EXISTS (SELECT FROM resource c WHERE c.tenant_id = t.tenant_id "
    "AND c.type = 'Medication' AND c.id = t.medication_id AND c.labels <> '{}')"
)
RECORDS: Final = (
    "SELECT t.patient_id, t.system, t.code, t.display, t.verification_status = 'refuted' "
    "FROM condition t WHERE t.tenant_id = %(tenant)s AND t.patient_id IS NOT NULL "
    "AND coalesce(t.verification_status, '') <> 'entered-in-error'{only} AND "
    + PLAIN.replace("KIND", "Condition"),
    "SELECT t.patient_id, coalesce(t.system, m.system), coalesce(t.code, m.code), "
    "coalesce(t.display, m.display), false FROM medication_request t LEFT JOIN medication m "
    "ON m.tenant_id = t.tenant_id AND m.resource_id = t.medication_id "
    "WHERE t.tenant_id = %(tenant)s AND t.patient_id IS NOT NULL "
    f"AND {ORDERED}{{only}} AND " + PLAIN.replace("KIND", "MedicationRequest") + _PLAIN_DRUG,
    "SELECT t.patient_id, coalesce(t.system, m.system), coalesce(t.code, m.code), "
    "coalesce(t.display, m.display), false FROM medication_statement t LEFT JOIN medication m "
    "ON m.tenant_id = t.tenant_id AND m.resource_id = t.medication_id "
    "WHERE t.tenant_id = %(tenant)s AND t.patient_id IS NOT NULL "
    f"AND {TAKEN}{{only}} AND " + PLAIN.replace("KIND", "MedicationStatement") + _PLAIN_DRUG,
    "SELECT t.patient_id, t.system, t.code, t.display, false FROM procedure t "
    "WHERE t.tenant_id = %(tenant)s AND t.patient_id IS NOT NULL "
    f"AND {DONE}{{only}} AND " + PLAIN.replace("KIND", "Procedure"),
    # The newest that a model told of each outcome. The outcome models themselves do not read it:
    # what was told must not become the ground of what is told next.
    "SELECT t.patient_id, 'OUTLOOK', t.code || ':' || t.qualitative_risk, "
    "t.display || ': ' || t.qualitative_risk || ' (told by a model)', false "
    "FROM (SELECT DISTINCT ON (t.patient_id, t.code) t.* FROM risk_assessment t "
    "WHERE t.tenant_id = %(tenant)s AND t.patient_id IS NOT NULL "
    f"AND t.system = '{OUTCOME_SYSTEM}' AND t.qualitative_risk IS NOT NULL{{only}} "
    "ORDER BY t.patient_id, t.code, t.date_start DESC NULLS LAST, t.resource_id) t WHERE "
    + PLAIN.replace("KIND", "RiskAssessment"),
)
