"""Erasure of patients: what was begun, and an audit chain that holds when a row lets ids go."""

from __future__ import annotations

from alembic import context, op

revision = "0022"
down_revision = "0021"

_ERASURE = """
CREATE TABLE erasure (
    tenant_id uuid NOT NULL,
    erasure_id uuid NOT NULL DEFAULT gen_random_uuid(),
    asked_by text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    marks text[] COLLATE "C" NOT NULL,        -- keyed pseudonyms: kept, so that nobody comes back
    people text[] COLLATE "C" NOT NULL,       -- patients' ids, emptied when it is finished
    names text[] COLLATE "C" NOT NULL,        -- "Type/id", emptied when it is finished
    docs text[] COLLATE "C" NOT NULL,         -- documents' ids, emptied when it is finished
    removed jsonb NOT NULL DEFAULT '{}',      -- rows by table
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    records_at timestamptz,                   -- the records are empty of them
    finished_at timestamptz,
    lifted_at timestamptz,                    -- from when on they are taken in again
    PRIMARY KEY (tenant_id, erasure_id)
)
"""
# What a row looked like after an erasure took ids out of it: its digest stands, by way of all of
# that erasure's, in the detail of the erasure's own audit row, and so in the chain.
_REDACTION = """
CREATE TABLE audit_redaction (
    tenant_id uuid NOT NULL,
    erased_in bigint NOT NULL,                -- audit_event.seq of the erasure
    seq bigint NOT NULL,
    digest bytea NOT NULL,                    -- sha256 of the row's words as they were left
    PRIMARY KEY (tenant_id, erased_in, seq)
)
"""
# New rows are salted: once the salt is gone, the hash confirms no guess of what stood there.
_WORDS = """
CREATE OR REPLACE FUNCTION audit_words(e audit_event) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_array(e.tenant_id, e.seq, extract(epoch FROM e.at), e.user_id, e.roles,
        e.purpose, e.action, e.subtype, e.outcome, e.patient_ids, e.entities, e.detail)::text
        || encode(e.salt, 'hex')
$$
"""
_APPEND = """
CREATE OR REPLACE FUNCTION audit_append(
    p_user text, p_roles text[], p_purpose text, p_action text, p_subtype text, p_outcome text,
    p_patients text[], p_entities text[], p_detail jsonb
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    t uuid := nullif(current_setting('app.tenant', true), '')::uuid;
    e audit_event;
    before bytea;
BEGIN
    IF t IS NULL THEN RAISE EXCEPTION 'no tenant' USING ERRCODE = '42501'; END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('audit:' || t::text, 0));
    SELECT seq, hash INTO e.seq, before FROM audit_event
        WHERE tenant_id = t ORDER BY seq DESC LIMIT 1;
    e.tenant_id := t; e.seq := coalesce(e.seq, 0) + 1; e.at := clock_timestamp();
    e.user_id := p_user; e.roles := p_roles; e.purpose := p_purpose; e.action := p_action;
    e.subtype := p_subtype; e.outcome := p_outcome; e.patient_ids := p_patients;
    e.entities := p_entities; e.detail := p_detail; e.salt := uuid_send(gen_random_uuid());
    e.hash := sha256(coalesce(before, ''::bytea) || convert_to(audit_words(e), 'UTF8'));
    INSERT INTO audit_event SELECT e.*;
    INSERT INTO audit_patient SELECT t, p, e.seq FROM unnest(p_patients) AS p
        ON CONFLICT DO NOTHING;
    RETURN e.seq;
END $$
"""
# A row that an erasure changed is held by that erasure, and its hash by the row after it.
_BROKEN = """
CREATE OR REPLACE FUNCTION audit_broken_at() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT min(seq) FROM (
        SELECT chain.seq FROM (
            SELECT e.seq, e.hash, e.erased_in, audit_words(e) AS words,
                coalesce(lag(e.hash) OVER w, ''::bytea) AS before,
                e.seq - coalesce(lag(e.seq) OVER w, 0) AS step
            FROM audit_event e WINDOW w AS (ORDER BY e.seq)
        ) chain LEFT JOIN audit_redaction r ON r.seq = chain.seq AND r.erased_in = chain.erased_in
        WHERE step <> 1 OR CASE WHEN chain.erased_in IS NULL
            THEN hash <> sha256(before || convert_to(words, 'UTF8'))
            ELSE r.digest IS DISTINCT FROM sha256(convert_to(words, 'UTF8')) END
        UNION ALL
        SELECT r.erased_in FROM audit_redaction r LEFT JOIN audit_event e ON e.seq = r.erased_in
        GROUP BY r.erased_in, e.detail, e.subtype HAVING e.subtype IS DISTINCT FROM 'erase'
            OR e.detail ->> 'left' IS DISTINCT FROM encode(sha256(convert_to(string_agg(
                r.seq || ':' || encode(r.digest, 'hex'), ',' ORDER BY r.seq), 'UTF8')), 'hex')
    ) broken
$$
"""


def upgrade() -> None:
    """Rows from before have no salt: their hashes stay as they are."""
    app = context.config.attributes["roles"]["app"]
    op.execute(_ERASURE)
    op.execute(_REDACTION)
    op.execute(
        "ALTER TABLE audit_event ADD COLUMN salt bytea NOT NULL DEFAULT ''::bytea, "
        "ADD COLUMN erased_in bigint"
    )
    for statement in (_WORDS, _APPEND, _BROKEN):
        op.execute(statement)
    for table in ("erasure", "audit_redaction"):
        op.execute(f"SELECT protect('{table}')")
        op.execute(f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM {app}")
