-- Who saw what, and why: one row in the transaction of the read itself, chained per tenant.

CREATE TABLE audit_event (
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    user_id text NOT NULL,
    roles text[] NOT NULL,
    purpose text NOT NULL,
    action text NOT NULL,                     -- AuditEvent.action C R U D E, and a subtype
    subtype text NOT NULL,
    outcome text NOT NULL,                    -- AuditEvent.outcome 0 4 8 12
    patient_ids text[] NOT NULL,
    entities text[] NOT NULL,
    detail jsonb NOT NULL,                    -- counts and opaque ids only
    hash bytea NOT NULL,                      -- sha256(previous hash, this row)
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX audit_event_at ON audit_event (tenant_id, at);
CREATE INDEX audit_event_user ON audit_event (tenant_id, user_id, seq);
SELECT protect('audit_event');
REVOKE UPDATE, DELETE ON audit_event FROM {{app}};

-- "Who looked at Mrs X": a relation, because patient_ids @> under a policy never meets an index.
CREATE TABLE audit_patient (
    tenant_id uuid NOT NULL,
    patient_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (tenant_id, patient_id, seq)
);
SELECT protect('audit_patient');
REVOKE UPDATE, DELETE ON audit_patient FROM {{app}};

-- The text that is hashed, the same when written and when verified.
CREATE FUNCTION audit_words(e audit_event) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_array(e.tenant_id, e.seq, extract(epoch FROM e.at), e.user_id, e.roles,
        e.purpose, e.action, e.subtype, e.outcome, e.patient_ids, e.entities, e.detail)::text
$$;

-- Appends one row; the advisory lock serialises a tenant's chain until commit.
CREATE FUNCTION audit_append(
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
    e.entities := p_entities; e.detail := p_detail;
    e.hash := sha256(coalesce(before, ''::bytea) || convert_to(audit_words(e), 'UTF8'));
    INSERT INTO audit_event SELECT e.*;
    INSERT INTO audit_patient SELECT t, p, e.seq FROM unnest(p_patients) AS p ON CONFLICT DO NOTHING;
    RETURN e.seq;
END $$;

-- The first sequence number at which the chain is broken, or NULL when it holds.
CREATE FUNCTION audit_broken_at() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT min(seq) FROM (
        SELECT e.seq, e.hash, sha256(
            coalesce(lag(e.hash) OVER w, ''::bytea) || convert_to(audit_words(e), 'UTF8')) AS want,
            e.seq - coalesce(lag(e.seq) OVER w, 0) AS step
        FROM audit_event e WINDOW w AS (ORDER BY e.seq)
    ) chain WHERE hash <> want OR step <> 1
$$;
GRANT EXECUTE ON FUNCTION audit_append, audit_broken_at TO {{app}};
