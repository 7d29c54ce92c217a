-- The vector index: passages of live documents with what they are filtered by, beside them,
-- because a filter in a join is not seen by an HNSW scan. Values are folded to lower case by us.

-- Which version of a document the index holds; a tombstone (live = false) keeps its version.
CREATE TABLE vector_document (
    tenant_id uuid NOT NULL,
    doc_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    model text NOT NULL DEFAULT '',
    live boolean NOT NULL,
    PRIMARY KEY (tenant_id, doc_id)
);
SELECT protect('vector_document');

CREATE TABLE vector_passage (
    tenant_id uuid NOT NULL,
    doc_id text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    patient_id text COLLATE "C",              -- as stored, for Access
    patient text COLLATE "C" NOT NULL,        -- folded, '' for none, for filters
    type text COLLATE "C" NOT NULL,
    specialty text COLLATE "C" NOT NULL,
    author text COLLATE "C" NOT NULL,
    date_start timestamptz,
    date_end timestamptz,
    labels text[],                            -- NULL for none: tested without unpacking an array
    embedding vector STORAGE PLAIN NOT NULL,  -- norm 1; in line, so that a scan reads it at once
    PRIMARY KEY (tenant_id, doc_id, number)
) PARTITION BY LIST (tenant_id);
CREATE INDEX vector_passage_patient ON vector_passage (tenant_id, patient);
SELECT protect('vector_passage');

-- Gives a large tenant its HNSW index; a small one is scanned, which misses nothing. The index
-- holds 16-bit floats (half the size); what it finds is scored by the 32-bit ones.
CREATE FUNCTION vector_index_large(t uuid, at_least bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    part text := 'vector_passage_' || replace(t::text, '-', '');
    size bigint;
    d integer;
BEGIN
    IF t IS DISTINCT FROM nullif(current_setting('app.tenant', true), '')::uuid THEN
        RAISE insufficient_privilege;
    END IF;
    IF to_regclass(part || '_hnsw') IS NOT NULL THEN
        RETURN true;
    END IF;
    SELECT count(*) INTO size FROM vector_passage WHERE tenant_id = t;
    IF size < at_least THEN
        RETURN false;
    END IF;
    SELECT vector_dims(embedding) INTO d FROM vector_passage WHERE tenant_id = t LIMIT 1;
    EXECUTE format(
        'CREATE INDEX %I ON %I USING hnsw ((embedding::halfvec(%s)) halfvec_ip_ops) '
        'WITH (m = 16, ef_construction = 128)', part || '_hnsw', part, d);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION vector_index_large(uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vector_index_large(uuid, bigint) TO {{app}};
