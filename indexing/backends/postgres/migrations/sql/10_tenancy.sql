-- Tenants, and the one way that a table becomes a tenant's.
--
-- {{app}}    the application's role: NOSUPERUSER NOBYPASSRLS, owns nothing
-- {{feed}}   may read the change feed of every tenant, and nothing else
-- {{lookup}} NOLOGIN; owns the few SECURITY DEFINER functions that must look across tenants
--
-- The tenant is set by set_config('app.tenant', <uuid>, true) in the same transaction. Unset, or
-- left '' by an earlier transaction, means no tenant: zero rows, and no row can be written.

CREATE EXTENSION IF NOT EXISTS vector;

CREATE FUNCTION protect(t regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
    EXECUTE format(
        'CREATE POLICY tenant ON %s FOR ALL '
        'USING (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid) '
        'WITH CHECK (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO {{app}}', t);
END $$;

-- Lets the lookup role read a protected table across tenants, for its SECURITY DEFINER functions.
CREATE FUNCTION open_to_lookup(t regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE POLICY lookup ON %s FOR SELECT TO {{lookup}} USING (true)', t);
    EXECUTE format('GRANT SELECT ON %s TO {{lookup}}', t);
END $$;

CREATE TABLE tenant (
    tenant_id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    tier text NOT NULL DEFAULT 'standard',
    compliance text[] NOT NULL DEFAULT '{}',
    region text NOT NULL DEFAULT '',
    key_id text NOT NULL DEFAULT '',
    active boolean NOT NULL DEFAULT true,
    time_zone text NOT NULL DEFAULT 'UTC',
    demo boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
SELECT protect('tenant');
SELECT open_to_lookup('tenant');

-- The registry by code: one row or none. Set-up commands resolve --tenant through it.
CREATE FUNCTION tenant_by_code(wanted text) RETURNS SETOF tenant
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT * FROM tenant WHERE code = wanted $$;
-- Every tenant, for the follower and for `tenants list`.
CREATE FUNCTION tenant_list() RETURNS SETOF tenant
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT * FROM tenant ORDER BY code $$;
ALTER FUNCTION tenant_by_code(text) OWNER TO {{lookup}};
ALTER FUNCTION tenant_list() OWNER TO {{lookup}};
REVOKE ALL ON FUNCTION tenant_by_code(text), tenant_list() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenant_by_code(text) TO {{app}}, {{owner}}, {{feed}};
GRANT EXECUTE ON FUNCTION tenant_list() TO {{owner}}, {{feed}};

-- Physical partitions of a new tenant: every table partitioned by LIST (tenant_id) gets one. Row
-- security and grants are not inherited, and a partition can be named directly: so each is
-- protected too.
CREATE FUNCTION tenant_partitions(t uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent regclass;
    name text;
BEGIN
    FOR parent IN SELECT partrelid::regclass FROM pg_partitioned_table WHERE partstrat = 'l' LOOP
        name := parent::text || '_' || replace(t::text, '-', '');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %s FOR VALUES IN (%L)', name, parent, t);
            PERFORM protect(name::regclass);
            EXECUTE format('REVOKE ALL ON %I FROM {{app}}', name);
        END IF;
    END LOOP;
END $$;
