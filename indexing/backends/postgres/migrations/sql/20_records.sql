-- The source of truth: FHIR resources as received, and the documents cut from them.

CREATE TABLE resource (
    tenant_id uuid NOT NULL,
    type text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    last_updated timestamptz NOT NULL,
    received bytea STORAGE EXTERNAL NOT NULL, -- the exact bytes, zstd; empty when deleted
    digest bytea NOT NULL,                    -- sha256 of the exact bytes
    links jsonb NOT NULL DEFAULT '{}',        -- urn:uuid reference -> Type/id
    patient_id text COLLATE "C",
    deleted boolean NOT NULL DEFAULT false,
    issues jsonb NOT NULL DEFAULT '[]',       -- what validation found, stored with it
    author text NOT NULL,                     -- who sent it
    reason text NOT NULL DEFAULT '',          -- and why
    labels text[] NOT NULL DEFAULT '{}',      -- meta.security, as `indexing.access` knows it
    PRIMARY KEY (tenant_id, type, id)
);
CREATE INDEX resource_patient ON resource (tenant_id, patient_id, type) WHERE patient_id IS NOT NULL;
-- Without the type: before the first ANALYZE, (tenant_id, type, …) looks as good as the key to the
-- planner, and each look-up by id then reads every resource of its type.
CREATE INDEX resource_updated ON resource (tenant_id, last_updated);
SELECT protect('resource');

CREATE TABLE resource_history (LIKE resource INCLUDING DEFAULTS INCLUDING STORAGE);
ALTER TABLE resource_history ADD PRIMARY KEY (tenant_id, type, id, version);
SELECT protect('resource_history');

-- `version` counts this document's own changes, so that what changes it from outside (a
-- superseding document, a merged patient) also moves every index forward.
CREATE TABLE document (
    tenant_id uuid NOT NULL,
    doc_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    resource_type text COLLATE "C" NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",              -- whose chart it stands in, merges followed
    subject_id text COLLATE "C",              -- whom the resource names
    encounter_id text COLLATE "C",
    title text NOT NULL,
    type text NOT NULL,
    specialty text NOT NULL,
    author text NOT NULL,
    date_start timestamptz,
    date_end timestamptz,
    labels text[] NOT NULL,
    replaced boolean NOT NULL DEFAULT false,  -- some live document supersedes this one
    live boolean NOT NULL,
    text text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, doc_id)
);
CREATE INDEX document_patient ON document (tenant_id, patient_id, date_start) WHERE live;
CREATE INDEX document_subject ON document (tenant_id, subject_id);
CREATE INDEX document_resource ON document (tenant_id, resource_type, resource_id);
SELECT protect('document');
-- To find who supersedes a document; a relation rather than `replaces @> ...`, which under a
-- policy would never reach an index.
CREATE TABLE document_replacement (
    tenant_id uuid NOT NULL,
    replaced_id text COLLATE "C" NOT NULL,
    replacer_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, replaced_id, replacer_id)
);
CREATE INDEX document_replacer ON document_replacement (tenant_id, replacer_id);
SELECT protect('document_replacement');

-- Patients merged into another: said by the one that is gone (Patient.link, replaced-by), by the
-- one that survives (replaces), or by both. Their documents follow.
CREATE TABLE patient_merge (
    tenant_id uuid NOT NULL,
    patient_id text COLLATE "C" NOT NULL,
    into_id text COLLATE "C" NOT NULL,
    said_by text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, patient_id, said_by)
);
CREATE INDEX patient_merge_into ON patient_merge (tenant_id, into_id);
CREATE INDEX patient_merge_said ON patient_merge (tenant_id, said_by);
SELECT protect('patient_merge');

-- Whose chart a patient's documents stand in: merges followed to the end, rings cut at ten.
CREATE FUNCTION surviving_patient(t uuid, p text) RETURNS text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE chain(id, depth) AS (
        SELECT p COLLATE "C", 0
        UNION ALL
        SELECT (SELECT min(m.into_id) FROM patient_merge m
            WHERE m.tenant_id = t AND m.patient_id = chain.id), depth + 1
        FROM chain WHERE id IS NOT NULL AND depth < 10
    ) SELECT id FROM chain WHERE id IS NOT NULL ORDER BY depth DESC LIMIT 1
$$;
