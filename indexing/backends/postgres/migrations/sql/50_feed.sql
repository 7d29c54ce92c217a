-- The change feed. Rows hold a position and a name, never a payload. Serial ids commit out of
-- order, so a reader takes only rows whose transaction is below the oldest one still running.

CREATE TABLE outbox (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    row bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    key text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (xid, row)
);
CREATE INDEX outbox_tenant ON outbox (tenant_id, xid, row);
SELECT protect('outbox');
REVOKE UPDATE, DELETE ON outbox FROM {{app}};
CREATE POLICY feed ON outbox FOR ALL TO {{feed}} USING (true) WITH CHECK (true);
GRANT SELECT, DELETE ON outbox TO {{feed}};

-- How far each follower is; holds no tenant's data.
CREATE TABLE cursor_position (
    follower text PRIMARY KEY,
    xid bigint NOT NULL DEFAULT 0,
    row bigint NOT NULL DEFAULT 0,
    complete_to timestamptz,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON cursor_position TO {{feed}};
GRANT SELECT ON cursor_position TO {{app}};

-- Events that are themselves at fault, and everything later of the same key until a replay.
CREATE TABLE parked (
    tenant_id uuid NOT NULL,
    follower text NOT NULL,
    kind text NOT NULL,
    key text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    deleted boolean NOT NULL,
    reason text NOT NULL,                     -- the error's class, never its words
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, follower, key)
);
SELECT protect('parked');

-- Which physical namespace each index answers from; rebuild fills another, then switches.
CREATE TABLE index_namespace (
    tenant_id uuid NOT NULL,
    index_name text NOT NULL,
    namespace text NOT NULL,
    previous text,
    switched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, index_name)
);
SELECT protect('index_namespace');
