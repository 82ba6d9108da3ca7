-- The role that tenantgate connects as: it reads the columns named below, and nothing else.
--
--   TENANTGATE_POSTGRES_PASSWORD=... psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f tenantgate-role.sql
--
-- psql 15 or later, as a role that may create roles and owns Better Auth's tables (or as a superuser).
-- It may be run any number of times: what is no longer named here is taken away, a column that is
-- there by now is added. Run it again after Better Auth's migrations. Without the variable the
-- password stays as it is. indexes.sql beside it makes the indexes that checks need.

\set ON_ERROR_STOP on
\getenv password TENANTGATE_POSTGRES_PASSWORD
-- Where Better Auth's tables are: -v schema=NAME.
\if :{?schema}
\else
  \set schema public
\endif
-- Each tenantgate process keeps up to 16 connections (10 for checks). Four processes: three, and one
-- more while they are rolled: -v connections=NUMBER.
\if :{?connections}
\else
  \set connections 64
\endif

BEGIN;

SELECT 'CREATE ROLE tenantgate'
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tenantgate')
\gexec
ALTER ROLE tenantgate LOGIN CONNECTION LIMIT :connections;
\if :{?password}
  ALTER ROLE tenantgate PASSWORD :'password';
\endif

-- The process sets its sessions like this too; here it holds for whoever has the password.
ALTER ROLE tenantgate SET default_transaction_read_only = on;
ALTER ROLE tenantgate SET statement_timeout = '5s';
ALTER ROLE tenantgate SET lock_timeout = '1s';
ALTER ROLE tenantgate SET idle_in_transaction_session_timeout = '10s';
-- Not "$user" first: the plugin for Better Auth keeps its outbox in a schema named tenantgate.
ALTER ROLE tenantgate SET search_path = :"schema";

SELECT format('GRANT CONNECT ON DATABASE %I TO tenantgate', current_database())
\gexec
GRANT USAGE ON SCHEMA :"schema" TO tenantgate;
REVOKE ALL ON ALL TABLES IN SCHEMA :"schema" FROM tenantgate;

CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
  SELECT relation, needed, name
  FROM (VALUES
    -- every check
    ('users', true, 'id, role, banned, ban_expires'),
    ('members', true, 'user_id, organization_id, role'),
    -- GET /api/v1/users and the lists of users; take these three lines out if nobody asks for them
    ('users', true, 'ban_reason, email, email_verified, name, image, is_anonymous'),
    ('members', true, 'id, created_at'),
    ('organizations', true, 'id, name, slug'),
    -- fields that some add to Better Auth's members
    ('members', false, 'manager_id, department_id'),
    -- dynamicRoles: true
    ('organization_roles', false, 'organization_id, role, permission'),
    -- TENANTGATE_JWKS=postgres: the public half of each key (jwkss is drizzle's plural)
    ('jwks', false, 'id, public_key, alg, expires_at'),
    ('jwkss', false, 'id, public_key, alg, expires_at')
  ) AS list (relation, needed, names), unnest(string_to_array(names, ', ')) AS name;

CREATE TEMPORARY TABLE present ON COMMIT DROP AS
  SELECT wanted.*, c.oid::regclass AS found, a.attnum
  FROM wanted
  JOIN pg_catalog.pg_namespace n ON n.nspname = :'schema'
  LEFT JOIN pg_catalog.pg_class c
    ON c.relnamespace = n.oid AND c.relname = relation AND c.relkind IN ('r', 'p', 'v')
  LEFT JOIN pg_catalog.pg_attribute a
    ON a.attrelid = c.oid AND a.attname = wanted.name AND a.attnum > 0 AND NOT a.attisdropped;

DO $$
DECLARE
  missing text;
BEGIN
  SELECT string_agg(relation || '.' || name, ', ') INTO missing
    FROM present WHERE needed AND attnum IS NULL;
  IF missing IS NOT NULL OR NOT EXISTS (SELECT FROM present) THEN
    RAISE EXCEPTION 'Better Auth''s tables lack what tenantgate reads: %', coalesce(missing, 'all')
      USING HINT = 'Run its migrations first, with plural snake_case names: docs/better-auth.md.';
  END IF;
END
$$;

SELECT format('GRANT SELECT (%s) ON %s TO tenantgate', string_agg(quote_ident(name), ', '), found)
  FROM present WHERE attnum IS NOT NULL GROUP BY found
\gexec

COMMIT;
