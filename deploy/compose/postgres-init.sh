#!/bin/sh
# Runs once, when PostgreSQL's volume is empty: the role that Better Auth connects as, which owns the
# database and nothing else. tenantgate's role is made by deploy/postgres/tenantgate-role.sql, once the
# tables are there.
set -eu
psql -v ON_ERROR_STOP=1 --username postgres --dbname app <<'SQL'
\getenv password BETTER_AUTH_POSTGRES_PASSWORD
CREATE ROLE better_auth LOGIN PASSWORD :'password';
ALTER DATABASE app OWNER TO better_auth;
REVOKE ALL ON DATABASE app FROM PUBLIC;
SQL
