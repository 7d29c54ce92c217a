-- What derive found in a document: once per (version, language version) and (version, model).
-- Packed by orjson and numpy, because nothing searches inside them.

CREATE TABLE annotation (
    tenant_id uuid NOT NULL,
    doc_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    language_version text NOT NULL,
    found bytea NOT NULL,                     -- indexing.backends.postgres.derived packs it
    PRIMARY KEY (tenant_id, doc_id)
);
SELECT protect('annotation');

CREATE TABLE embedding (
    tenant_id uuid NOT NULL,
    doc_id text COLLATE "C" NOT NULL,
    model text NOT NULL,
    version integer NOT NULL,
    vectors bytea STORAGE EXTERNAL NOT NULL,  -- (n, d) float32, row i for passage i
    PRIMARY KEY (tenant_id, doc_id, model)
);
SELECT protect('embedding');
