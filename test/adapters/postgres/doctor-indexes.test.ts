import { describe, expect, it } from 'vitest'
import { runSql } from '../../support/better-auth-tables.ts'
import { complaints, findingOf } from '../../support/doctor.ts'
import { documentedDatabase } from '../../support/documented-database.ts'

describe('serves as well:', () => {
  it.each([
    [
      'a unique index of another name',
      'idx_members_user_org',
      'CREATE UNIQUE INDEX members_pair_key ON members (user_id, organization_id)',
      /members_pair_key .* serves instead/,
    ],
    [
      'the same pair the other way round',
      'idx_members_user_org',
      'CREATE INDEX pairs ON members (organization_id, user_id)',
      /pairs .* serves instead/,
    ],
    [
      'more columns behind',
      'idx_members_organization_id_role',
      'CREATE INDEX wide ON members (organization_id, role, created_at)',
      /wide/,
    ],
    [
      'columns included',
      'idx_members_user_org',
      'CREATE INDEX covering ON members (user_id, organization_id) INCLUDE (role)',
      /covering \(user_id, organization_id\)/,
    ],
    [
      'a hash of one column',
      'idx_users_role',
      'CREATE INDEX hashed ON users USING hash (role)',
      /hashed/,
    ],
  ])('%s', async (_title, index, sql, message) => {
    const { examine, ownerUrl } = await documentedDatabase()
    await runSql(ownerUrl, `DROP INDEX ${index}; ${sql}`)
    const findings = await examine()
    expect(complaints(findings)).toEqual([])
    expect(findingOf(findings, `postgres.index.${index}`).message).toMatch(message)
  })
})

describe('the planner', () => {
  const many = `INSERT INTO users (id, name, email, email_verified, role)
      SELECT 'u' || n, 'u', 'u' || n, true, CASE WHEN n % 1000 = 0 THEN 'superadmin' ELSE 'user' END FROM generate_series(1, 20000) n;
    INSERT INTO organizations (id, name, slug, created_at) SELECT 'o' || n, 'o', 'o' || n, now() FROM generate_series(1, 20) n;
    INSERT INTO members (id, user_id, organization_id, role, created_at)
      SELECT 'm' || n, 'u' || n, 'o' || (n % 20 + 1), 'staff', now() FROM generate_series(1, 20000) n;
    ANALYZE`

  it('uses the indexes of large tables', async () => {
    const { examine, ownerUrl } = await documentedDatabase()
    await runSql(ownerUrl, many)
    const findings = await examine()
    expect(complaints(findings)).toEqual([])
    expect(findingOf(findings, 'postgres.plan.idx_members_user_org').message).toMatch(
      /idx_members_user_org$/,
    )
  })

  it('is told of where it reads a large table whole', async () => {
    const { examine, ownerUrl, role } = await documentedDatabase()
    await runSql(
      ownerUrl,
      `${many}; ALTER ROLE ${role} SET enable_indexscan = off; ALTER ROLE ${role} SET enable_bitmapscan = off; ALTER ROLE ${role} SET enable_indexonlyscan = off`,
    )
    const told = complaints(await examine()).filter((one) => one.includes('.plan.'))
    expect(told).toContain('error postgres.plan.idx_members_user_org')
  })
})
