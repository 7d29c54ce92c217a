-- The graph index: which live documents mention which concepts, and what they say of them.

-- A document and what it is filtered by; a tombstone (live = false) keeps its version.
CREATE TABLE graph_document (
    tenant_id uuid NOT NULL,
    doc_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    live boolean NOT NULL,
    patient_id text COLLATE "C",              -- as stored, for Access
    patient text COLLATE "C" NOT NULL DEFAULT '',   -- folded, '' for none, for filters
    type text COLLATE "C" NOT NULL DEFAULT '',
    specialty text COLLATE "C" NOT NULL DEFAULT '',
    author text COLLATE "C" NOT NULL DEFAULT '',
    date_start timestamptz,
    date_end timestamptz,                     -- always set where date_start is
    labels text[],                            -- NULL for none: tested without unpacking an array
    PRIMARY KEY (tenant_id, doc_id)
);
SELECT protect('graph_document');

CREATE TABLE graph_mention (
    tenant_id uuid NOT NULL,
    concept_id text COLLATE "C" NOT NULL,
    doc_id text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,         -- what the note as a whole says of it
    mentions integer NOT NULL,                -- with that status
    PRIMARY KEY (tenant_id, concept_id, doc_id) INCLUDE (status, mentions)
);
CREATE INDEX graph_mention_document ON graph_mention (tenant_id, doc_id);
SELECT protect('graph_mention');

-- How many live documents a tenant has: counting them for every question would cost more than it.
CREATE TABLE graph_size (
    tenant_id uuid PRIMARY KEY,
    live bigint NOT NULL
);
SELECT protect('graph_size');
