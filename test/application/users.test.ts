import { beforeAll, describe, expect, it } from 'vitest'
import type { AuthenticatedSubject } from '../../src/application/authenticate.ts'
import { createUsers } from '../../src/application/users.ts'
import { readIdentity } from '../../src/domain/identity.ts'
import type { OrganizationRepository } from '../../src/ports/organization-repository.ts'
import type { UserRepository } from '../../src/ports/user-repository.ts'
import { factOf, nowMs, tokenOf, uncheckedRules } from '../support/builders.ts'
import { timed } from '../support/eventually.ts'
import { memoryTables } from '../support/memory-tables.ts'

const inTime = (): AbortSignal => new AbortController().signal

const tables = memoryTables()
const users = createUsers(tables)

beforeAll(async () => {
  for (const id of ['ann', 'bob', 'cid', 'loner', 'root']) await tables.addUser({ id })
  for (const id of ['acme', 'globex']) await tables.addOrganization({ id })
  await tables.addMember({ user: 'ann', organization: 'acme', role: 'owner' })
  await tables.addMember({ user: 'bob', organization: 'acme', role: 'staff' })
  await tables.addMember({ user: 'bob', organization: 'globex', role: 'viewer' })
  await tables.addMember({ user: 'cid', organization: 'globex', role: 'owner' })
})

/** Who asks; neither claims nor the fact's rows are of weight here, platform roles are. */
function viewer(
  subject: string,
  parts: {
    readonly organization?: string
    readonly platform?: string
    readonly claimed?: string
  } = {},
): AuthenticatedSubject {
  const organizationId = parts.organization ?? null
  const token = tokenOf({ sub: subject, organizationId, role: parts.claimed, orgRole: 'owner' })
  const reading = readIdentity(token, uncheckedRules, nowMs)
  if (!('identity' in reading)) throw new Error(reading.why)
  const platformRoles = (parts.platform ?? 'user').split(',')
  return { identity: reading.identity, fact: factOf(['owner'], { platformRoles }) }
}

/** Whom a viewer sees, asked both ways. */
async function seen(by: AuthenticatedSubject): Promise<string> {
  const names: string[] = []
  for (const name of ['ann', 'bob', 'cid', 'loner', 'root']) {
    const user = await users.byId(by, name, inTime())
    expect(await users.byEmail(by, `${name}@example.com`, inTime())).toEqual(user)
    if (user !== undefined) names.push(name)
  }
  return names.join(' ')
}

/** Whose users a viewer can list. */
async function listed(by: AuthenticatedSubject): Promise<string> {
  const names: string[] = []
  for (const name of ['acme', 'globex']) {
    const page = await users.ofOrganization(by, name, { limit: 9, after: null }, inTime())
    if (page !== undefined) names.push(`${name}: ${page.users.map(({ id }) => id).join(' ')}`)
  }
  return names.join(', ')
}

const all = 'ann bob cid loner root'
const both = 'acme: ann bob, globex: bob cid'

describe('who sees whom', () => {
  it.each<[string, AuthenticatedSubject, string, string]>([
    ['a member', viewer('ann', { organization: 'acme' }), 'ann bob', 'acme: ann bob'],
    ['a member of two', viewer('bob', { organization: 'acme' }), 'ann bob cid', both],
    ['who is in no organization', viewer('loner'), 'loner', ''],
    [
      'a token of another organization',
      viewer('ann', { organization: 'globex' }),
      'ann bob',
      'acme: ann bob',
    ],
    [
      'a claimed platform role',
      viewer('ann', { claimed: 'superadmin' }),
      'ann bob',
      'acme: ann bob',
    ],
    [
      'another platform role',
      viewer('root', { platform: 'user,support,Admin,admins' }),
      'root',
      '',
    ],
    ['a platform admin', viewer('root', { platform: 'user,admin' }), all, both],
    ['a superadmin', viewer('root', { platform: 'superadmin', organization: 'acme' }), all, both],
  ])('%s', async (_title, by, whom, whose) => {
    expect(await seen(by)).toBe(whom)
    expect(await listed(by)).toBe(whose)
  })

  it('is what the tables say now', async () => {
    await tables.addUser({ id: 'eve' })
    const eve = viewer('eve', { organization: 'acme' })
    expect(await seen(eve)).toBe('')
    await tables.addMember({ user: 'eve', organization: 'acme', role: 'viewer' })
    expect(await seen(eve)).toBe('ann bob')
    expect(await listed(eve)).toBe('acme: ann bob eve')
    await tables.removeMember({ user: 'eve', organization: 'acme' })
    expect(await seen(eve)).toBe('')
    expect(await listed(eve)).toBe('')
  })
})

describe('the membership that is told', () => {
  const told = async (by: AuthenticatedSubject, id: string) =>
    (await users.byId(by, id, inTime()))?.membership?.organizationId
  it.each<[string, AuthenticatedSubject, string | undefined]>([
    ['is of the token’s organization', viewer('bob', { organization: 'globex' }), 'globex'],
    ['is else of the one joined first', viewer('bob'), 'acme'],
    [
      'is a shared one, whatever the token names',
      viewer('cid', { organization: 'acme' }),
      'globex',
    ],
    [
      'is of the token’s, to an admin',
      viewer('root', { platform: 'admin', organization: 'globex' }),
      'globex',
    ],
    ['is else of the one joined first, to an admin', viewer('root', { platform: 'admin' }), 'acme'],
  ])('%s', async (_title, by, organization) => {
    expect(await told(by, 'bob')).toBe(organization)
  })

  it('is none of who is in no organization', async () => {
    expect((await users.byId(viewer('loner'), 'loner', inTime()))?.membership).toBeNull()
  })
})

describe('an address', () => {
  it('is looked up in lower case, as it is stored', async () => {
    expect(await users.byEmail(viewer('ann'), 'ANN@Example.COM', inTime())).toBeDefined()
  })
})

describe('what can be no id or address is not asked for:', () => {
  const untouched = () => {
    throw new Error('the repository was asked')
  }
  const careful = createUsers({
    users: { byId: untouched, byEmail: untouched },
    organizations: { usersOf: untouched },
  })
  const admin = viewer('root', { platform: 'superadmin' })

  it.each(['', 'a b', 'a,b', 'ü', '\0', 'a\nb', 'x'.repeat(256)])('the id %j', async (id) => {
    const page = { limit: 1, after: null }
    expect(await careful.byId(admin, id, inTime())).toBeUndefined()
    expect(await careful.ofOrganization(admin, id, page, inTime())).toBeUndefined()
  })

  it.each(['', '\0', 'a\0@example.com', 'a@b\r\n', `${'x'.repeat(320)}@example.com`])(
    'the address %j',
    async (email) => {
      expect(await careful.byEmail(admin, email, inTime())).toBeUndefined()
    },
  )
})

describe('a repository that does not answer in time', () => {
  const never = <T>() => new Promise<T>(() => undefined)
  const repositories: { users: UserRepository; organizations: OrganizationRepository } = {
    users: { byId: () => never(), byEmail: () => never() },
    organizations: { byId: () => never(), membershipsOf: () => never(), usersOf: () => never() },
  }
  const slow = createUsers(repositories)
  const ann = viewer('ann')
  it.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    ['byId', (signal) => slow.byId(ann, 'ann', signal)],
    ['byEmail', (signal) => slow.byEmail(ann, 'ann@example.com', signal)],
    ['ofOrganization', (s) => slow.ofOrganization(ann, 'acme', { limit: 1, after: null }, s)],
  ])('is DATABASE_UNAVAILABLE: %s', async (_title, ask) => {
    const { error, ms } = await timed(ask(AbortSignal.timeout(30)))
    expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    expect(ms).toBeLessThan(1_000)
  })
})
