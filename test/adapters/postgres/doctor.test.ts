import { describe, expect, it } from 'vitest'
import { postgresPart } from '../../../src/adapters/postgres/doctor.ts'
import { examineServer, type ServerInfo } from '../../../src/adapters/postgres/doctor-server.ts'
import type { DoctorSession } from '../../../src/adapters/postgres/doctor-session.ts'
import { runSql } from '../../support/better-auth-tables.ts'
import { policyWith } from '../../support/builders.ts'
import { complaints, examinePart, findingOf, isDocumented } from '../../support/doctor.ts'
import { documentedDatabase, dynamicPolicy, rows } from '../../support/documented-database.ts'

const policy = policyWith([], [])

describe('a database made as docs/doctor.md says', () => {
  it.each([
    [{ adapter: 'built-in', ids: 'text' }, []],
    [{ adapter: 'built-in', ids: 'uuid' }, []],
    [{ adapter: 'built-in', ids: 'integer' }, []],
    [{ adapter: 'drizzle', ids: 'text' }, ['warn postgres.type.ban_expires']],
  ] as const)('%o', async (flavour, expected) => {
    const { examine } = await documentedDatabase(flavour)
    const findings = await examine()
    expect(complaints(findings)).toEqual(expected)
    expect(findings.map(({ name }) => name).filter((name) => !isDocumented(name))).toEqual([])
    for (const index of [
      'users_pkey',
      'idx_users_role',
      'idx_members_user_org',
      'idx_members_organization_id_role',
    ]) {
      expect(findingOf(findings, `postgres.plan.${index}`).message).not.toMatch(/: $/)
    }
  })

  it('holds rows of every kind', async () => {
    const { examine, ownerUrl } = await documentedDatabase()
    await runSql(ownerUrl, `${rows} ANALYZE`) // known to be small: no index is quicker than reading all
    expect(complaints(await examine())).toEqual([])
  })
})

describe('with what the policy does not need', () => {
  it('no grant on organization_roles or jwks is missed', async () => {
    const { examine, ownerUrl, role } = await documentedDatabase()
    await runSql(
      ownerUrl,
      `REVOKE SELECT (organization_id, role, permission) ON organization_roles FROM ${role}; REVOKE SELECT (id, public_key, alg, expires_at) ON jwks FROM ${role}`,
    )
    expect(complaints(await examine({ policy, keysInTable: false }))).toEqual([])
    expect(complaints(await examine())).toContain('error postgres.rights.read')
  })

  it('no table of them is missed', async () => {
    const { examine, ownerUrl } = await documentedDatabase()
    await runSql(ownerUrl, 'DROP TABLE organization_roles; DROP TABLE jwks')
    expect(complaints(await examine({ policy, keysInTable: false }))).toEqual([])
  })

  it('and without a policy, roles are not compared', async () => {
    const { examine, ownerUrl } = await documentedDatabase()
    await runSql(ownerUrl, `${rows} UPDATE members SET role = 'boss'`)
    expect(complaints(await examine({ policy: undefined }))).toEqual([])
  })
})

it('a superuser is told to be one, once, with the role that is enough', async () => {
  const { ownerUrl } = await documentedDatabase()
  const findings = await examinePart(
    postgresPart({ url: ownerUrl, policy: dynamicPolicy, keysInTable: true, now: Date.now }),
  )
  expect(complaints(findings)).toEqual(['warn postgres.role'])
  const mend = findingOf(findings, 'postgres.role').mend ?? ''
  expect(mend).toContain('GRANT SELECT (id, role, banned, ban_expires,')
  expect(mend).not.toContain('private_key')
})

it('an owner of the tables is told to use another role', async () => {
  const { examine, ownerUrl, role } = await documentedDatabase()
  await runSql(ownerUrl, `ALTER TABLE members OWNER TO ${role}`)
  const { mend, status } = findingOf(await examine(), 'postgres.rights.write')
  expect([status, mend]).toEqual(['warn', expect.stringContaining('CREATE ROLE tenantgate')])
})

it('a privilege that comes by a group is taken away by leaving it', async () => {
  const { examine, ownerUrl, role } = await documentedDatabase()
  await runSql(
    ownerUrl,
    `CREATE ROLE group_${role}; GRANT UPDATE ON users TO group_${role}; GRANT group_${role} TO ${role}`,
  )
  expect(findingOf(await examine(), 'postgres.rights.write').mend).toBe(
    `REVOKE group_${role} FROM ${role};`,
  )
})

it.each([
  [3_000, 'behind'],
  [-3_000, 'ahead of'],
])('a clock that is 3 s %s is told', async (shiftMs, word) => {
  const { examine } = await documentedDatabase()
  const findings = await examine({ now: () => Date.now() + shiftMs })
  expect(complaints(findings)).toEqual(['error postgres.clock'])
  expect(findingOf(findings, 'postgres.clock').message).toContain(word)
})

describe('the server', () => {
  const good: ServerInfo = {
    ...{ version: '18.1', versionNumber: 180_001, recovering: false, connections: 97, pid: 7 },
    ...{ role: 'r', database: 'd', encrypted: true },
  }
  const told = (
    server: Partial<ServerInfo>,
    announcedPid = 7,
    url = 'postgres://db.example.com/x',
  ) => complaints(examineServer({ ...good, ...server }, { announcedPid } as DoctorSession, url))

  it.each<[string, Partial<ServerInfo>, readonly string[]]>([
    ['is as it should be', {}, []],
    ['is old', { version: '11.22', versionNumber: 110_022 }, ['warn postgres.version']],
    ['is a replica', { recovering: true }, ['warn postgres.replica']],
    ['is in the clear', { encrypted: false }, ['warn postgres.encryption']],
  ])('%s', (_title, server, expected) => {
    expect(told(server)).toEqual(expected)
  })

  it('is behind a pooler where another process answers than was announced', () => {
    expect(told({}, 8)).toEqual(['warn postgres.pooler'])
  })

  it('may be in the clear on this machine', () => {
    expect(told({ encrypted: false }, 7, 'postgres://127.0.0.1/x')).toEqual([])
  })
})
