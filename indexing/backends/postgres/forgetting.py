"""What people wrote about notes and patients goes with them: judgements, reviews, kept members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from indexing.backends.postgres.connect import Connection
from indexing.model import TenantId

# What a note that is gone leaves behind in the lab. A question that has nothing left to judge goes
# too: it may quote the note.
_OF_NOTES = (
    "DELETE FROM judgement WHERE tenant_id = %(tenant)s AND doc_id = ANY(%(gone)s)",
    "DELETE FROM trap_candidate WHERE tenant_id = %(tenant)s AND doc_id = ANY(%(gone)s)",
    (
        "WITH taken AS (DELETE FROM judge_pool WHERE tenant_id = %(tenant)s "
        "AND doc_id = ANY(%(gone)s) RETURNING book, topic_id, doc_id) "
        "DELETE FROM judge_topic t USING taken k WHERE t.tenant_id = %(tenant)s "
        "AND t.book = k.book AND t.topic_id = k.topic_id AND NOT EXISTS (SELECT FROM judge_pool p "
        "WHERE p.tenant_id = t.tenant_id AND p.book = t.book AND p.topic_id = t.topic_id "
        "AND NOT p.doc_id = ANY(%(gone)s))"
    ),
)
# A prediction stays, as its RiskAssessment does; what it says of the patient's record goes.
_OF_PATIENTS = (
    (
        "UPDATE outlook_prediction SET evidence = '{}' WHERE tenant_id = %(tenant)s "
        "AND patient_id = ANY(%(gone)s)"
    ),
    "DELETE FROM cohort_review WHERE tenant_id = %(tenant)s AND patient_id = ANY(%(gone)s)",
    (
        "UPDATE cohort_run r SET members = ARRAY(SELECT m FROM unnest(r.members) "
        "WITH ORDINALITY AS u(m, n) WHERE NOT m = ANY(%(gone)s) ORDER BY n) "
        "WHERE r.tenant_id = %(tenant)s AND r.members && %(gone)s::text[]"
    ),
)
# What people wrote that quotes somebody who is erased, whichever note it was about. `words` are in
# lower case. What a prediction about somebody else names of them goes out of it alone.
_QUOTING = {
    "judge_topic": "DELETE FROM judge_topic t WHERE t.tenant_id = %(tenant)s AND EXISTS "
    "(SELECT FROM unnest(%(words)s::text[]) w WHERE position(w IN lower(t.text)) > 0)",
    "trap_candidate": "DELETE FROM trap_candidate t WHERE t.tenant_id = %(tenant)s AND EXISTS "
    "(SELECT FROM unnest(%(words)s::text[]) w WHERE position(w IN lower(t.question::text)) > 0)",
    "judgement": "UPDATE judgement t SET comment = '' WHERE t.tenant_id = %(tenant)s AND EXISTS "
    "(SELECT FROM unnest(%(words)s::text[]) w WHERE position(w IN lower(t.comment)) > 0)",
    "outlook_prediction": "UPDATE outlook_prediction t SET evidence = '{}' "
    "WHERE t.tenant_id = %(tenant)s AND EXISTS (SELECT FROM unnest(%(people)s::text[]) p "
    "WHERE position(to_json(p)::text IN t.evidence::text) > 0)",
}


def forget_erased(conn: Connection, values: Mapping[str, Any]) -> dict[str, int]:
    """Drop what was written about these notes, and what quotes these people; return how many rows
    of each table that was. `values`: tenant, docs, people, words."""
    notes = {"tenant": values["tenant"], "gone": values["docs"]}
    for statement in _OF_NOTES:
        conn.execute(statement, notes)
    found = {table: conn.execute(each, values).rowcount for table, each in _QUOTING.items()}
    return {table: count for table, count in found.items() if count}


def forget_notes(conn: Connection, tenant_id: TenantId, doc_ids: Sequence[str]) -> None:
    """Drop what was judged of those that are withdrawn; a superseded one keeps its text and it."""
    if doc_ids:
        rows = conn.execute(
            "SELECT doc_id FROM document WHERE tenant_id = %s AND doc_id = ANY(%s) AND text = ''",
            (tenant_id, list(doc_ids)),
        ).fetchall()
        _forget(conn, tenant_id, [row[0] for row in rows], _OF_NOTES)


def forget_patients(conn: Connection, tenant_id: TenantId, patient_ids: Sequence[str]) -> None:
    """Drop deleted patients from kept cohorts, and what predictions say they have."""
    _forget(conn, tenant_id, patient_ids, _OF_PATIENTS)


def _forget(
    conn: Connection, tenant_id: TenantId, gone: Sequence[str], statements: Sequence[str]
) -> None:
    if gone:
        for statement in statements:
            conn.execute(statement, {"tenant": tenant_id, "gone": sorted(gone)})
