-- Who may sign in, what they are doing here, and the pages that were answered to them.
-- Passwords are argon2 hashes; sessions and tokens are kept as sha256 of what the bearer holds.

CREATE TABLE account (
    tenant_id uuid NOT NULL,
    user_id text COLLATE "C" NOT NULL,        -- never reused, so that an audit row stays true
    name text COLLATE "C" NOT NULL CHECK (name = lower(name)),
    roles text[] NOT NULL,
    labels text[] NOT NULL DEFAULT '{}',      -- restricting security labels this account may see
    password_hash text NOT NULL,
    disabled boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, user_id),
    UNIQUE (tenant_id, name)
);
SELECT protect('account');
SELECT open_to_lookup('account');

CREATE TABLE account_session (
    tenant_id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, secret_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES account ON DELETE CASCADE
);
CREATE INDEX account_session_secret ON account_session (secret_hash);
CREATE INDEX account_session_user ON account_session (tenant_id, user_id);
SELECT protect('account_session');
SELECT open_to_lookup('account_session');

CREATE TABLE account_token (
    tenant_id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    token_id text COLLATE "C" NOT NULL,       -- names the token in listings and in revoke
    user_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, secret_hash),
    UNIQUE (tenant_id, token_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES account ON DELETE CASCADE
);
CREATE INDEX account_token_secret ON account_token (secret_hash);
CREATE INDEX account_token_user ON account_token (tenant_id, user_id);
SELECT protect('account_token');
SELECT open_to_lookup('account_token');

-- The one way in, before a tenant is known: at most one row. `p_kind` is login (p_key: the name),
-- session or token (p_key: the secret's sha256 in hex, p_tenant ignored).
CREATE FUNCTION account_lookup(p_kind text, p_tenant text, p_key text)
RETURNS TABLE (
    tenant_id uuid, tenant_code text, tenant_name text, demo boolean, time_zone text,
    user_id text, name text, roles text[], labels text[], password_hash text,
    created_at timestamptz, seen_at timestamptz, expires_at timestamptz
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.tenant_id, t.code, t.name, t.demo, t.time_zone, a.user_id, a.name, a.roles, a.labels,
        CASE WHEN p_kind = 'login' THEN a.password_hash END, k.created_at, k.seen_at, k.expires_at
    FROM (
        SELECT a.tenant_id, a.user_id, a.created_at, a.created_at AS seen_at,
            NULL::timestamptz AS expires_at
        FROM account a JOIN tenant t ON t.tenant_id = a.tenant_id
        WHERE p_kind = 'login' AND t.code = p_tenant AND a.name = p_key
        UNION ALL
        SELECT s.tenant_id, s.user_id, s.created_at, s.seen_at, NULL
        FROM account_session s WHERE p_kind = 'session' AND s.secret_hash = decode(p_key, 'hex')
        UNION ALL
        SELECT b.tenant_id, b.user_id, b.created_at, b.created_at, b.expires_at
        FROM account_token b WHERE p_kind = 'token' AND b.secret_hash = decode(p_key, 'hex')
            AND b.revoked_at IS NULL
    ) k
    JOIN account a ON a.tenant_id = k.tenant_id AND a.user_id = k.user_id AND NOT a.disabled
    JOIN tenant t ON t.tenant_id = k.tenant_id AND t.active
    LIMIT 1
$$;
-- The code of the only tenant, so that a one-hospital installation need not be asked for it.
CREATE FUNCTION tenant_sole() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT min(code) FROM tenant WHERE active HAVING count(*) = 1 $$;
-- Whether every active tenant is invented: the sign-in page carries the banner then.
CREATE FUNCTION tenant_all_demo() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT coalesce(bool_and(demo), false) FROM tenant WHERE active $$;
ALTER FUNCTION account_lookup(text, text, text) OWNER TO {{lookup}};
ALTER FUNCTION tenant_sole() OWNER TO {{lookup}};
ALTER FUNCTION tenant_all_demo() OWNER TO {{lookup}};
REVOKE ALL ON FUNCTION account_lookup(text, text, text), tenant_sole(), tenant_all_demo()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_lookup(text, text, text), tenant_sole(), tenant_all_demo()
    TO {{app}};

-- Failed sign-ins. Names no tenant and no person: `key` is a keyed hash of account and address,
-- or of the address alone, and unknown accounts are counted like known ones.
CREATE TABLE login_failure (
    key bytea PRIMARY KEY,
    failures integer NOT NULL,
    last_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON login_failure TO {{app}};

-- An answer as it was given, so that paging never shifts: readable by its owner until it expires.
CREATE TABLE frozen_page (
    tenant_id uuid NOT NULL,
    page_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    view_digest bytea NOT NULL,               -- of the Access it was answered under
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    question jsonb NOT NULL,
    answer bytea STORAGE EXTERNAL NOT NULL,   -- JSON, zstd
    PRIMARY KEY (tenant_id, page_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES account ON DELETE CASCADE
);
CREATE INDEX frozen_page_expiry ON frozen_page (tenant_id, expires_at);
CREATE INDEX frozen_page_user ON frozen_page (tenant_id, user_id);
SELECT protect('frozen_page');

-- When an account last opened a chart: `before` is the visit that "new since" counts from.
CREATE TABLE chart_visit (
    tenant_id uuid NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C" NOT NULL,
    last_at timestamptz NOT NULL,
    before timestamptz,
    PRIMARY KEY (tenant_id, user_id, patient_id)
);
SELECT protect('chart_visit');
