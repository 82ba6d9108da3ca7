-- The indexes that keep a check to three look-ups; Better Auth makes none of them. As the owner of its
-- tables, outside a transaction: CONCURRENTLY lets others go on writing meanwhile.
--
--   psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f indexes.sql

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_members_user_org
  ON members (user_id, organization_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_members_organization_id_role
  ON members (organization_id, role);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_role ON users (role);
