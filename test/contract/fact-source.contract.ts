import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fact } from '../../src/domain/fact.ts'
import type { FactSource } from '../../src/ports/fact-source.ts'
import type { Tables, UserRow } from '../support/tables.ts'

/** What every FactSource must keep to, over tables that only this suite writes to. */
export function factSourceContract(open: () => Promise<Tables>): void {
  describe('as a source of facts', () => {
    let tables: Tables
    let facts: FactSource
    let dynamicFacts: FactSource
    const signal = new AbortController().signal

    beforeAll(async () => {
      tables = await open()
      facts = tables.facts({ dynamicRoles: false })
      dynamicFacts = tables.facts({ dynamicRoles: true })
      for (const id of ['org-a', 'org-b']) await tables.addOrganization({ id })
    })
    afterAll(() => tables.close())

    const factOf = (user: string, organization: string | null, source = facts): Promise<Fact> =>
      source.read(
        {
          user: tables.id(user),
          organization: organization === null ? null : tables.id(organization),
        },
        signal,
      )

    async function member(user: string, roles: readonly string[], organization = 'org-a') {
      await tables.addUser({ id: user })
      for (const role of roles) await tables.addMember({ user, organization, role })
    }

    it('tells a member, its roles, and when that was read', async () => {
      await member('mia', ['staff'])
      const before = await tables.nowMs()
      const fact = await factOf('mia', 'org-a')
      const after = await tables.nowMs()
      expect(fact).toEqual({
        user: true,
        banned: false,
        rows: [['staff']],
        dynamic: new Map(),
        platformRoles: ['user'],
        source: 'postgres',
        verifiedAtMs: expect.any(Number) as number,
      })
      expect(fact.verifiedAtMs).toBeGreaterThanOrEqual(Math.floor(before) - 1)
      expect(fact.verifiedAtMs).toBeLessThanOrEqual(after + 1)
    })

    it.each<[string, readonly string[], Fact['rows']]>([
      [
        'several rows each by themselves',
        ['staff', 'viewer,auditor', 'staff'],
        [['staff'], ['viewer', 'auditor'], ['staff']],
      ],
      ['comma roles trimmed, empties dropped', ['staff, viewer ,,staff'], [['staff', 'viewer']]],
      ['a row without any role', [''], [[]]],
      ['a row whose role is a comma', [' , '], [[]]],
      [
        'roles that are no ASCII or hold quotes',
        [`büro,"q",it's,{a}\\`],
        [['büro', '"q"', "it's", '{a}\\']],
      ],
      ['the role NULL, which is no null', ['NULL,null'], [['NULL', 'null']]],
    ])('tells %s', async (title, roles, rows) => {
      await member(title, roles)
      const fact = await factOf(title, 'org-a')
      expect([...fact.rows].sort()).toEqual([...rows].sort())
    })

    it('tells who is no member, not even of another organization than its own', async () => {
      await member('olaf', ['owner'], 'org-b')
      expect(await factOf('olaf', 'org-a')).toMatchObject({ user: true, rows: [] })
      expect(await factOf('olaf', 'no such org')).toMatchObject({ user: true, rows: [] })
      expect(await factOf('olaf', 'org-b')).toMatchObject({ user: true, rows: [['owner']] })
    })

    it('tells the user alone where no organization is asked for', async () => {
      await member('nora', ['owner'])
      const fact = await factOf('nora', null)
      expect(fact).toMatchObject({ user: true, rows: [], platformRoles: ['user'] })
      expect(await factOf('nora', null, dynamicFacts)).toMatchObject({
        rows: [],
        dynamic: new Map(),
      })
    })

    it('tells that there is no such user, and nothing else of it', async () => {
      expect(await factOf('nobody', 'org-a')).toMatchObject({
        user: false,
        banned: false,
        rows: [],
        platformRoles: [],
      })
    })

    it.each<[string, Omit<UserRow, 'id'>, boolean]>([
      ['not banned', { banned: false }, false],
      ['banned NULL', { banned: null }, false],
      ['banned for ever', { banned: true }, true],
      ['banned for an hour more', { banned: true, banExpiresInS: 3_600 }, true],
      ['banned for some seconds more', { banned: true, banExpiresInS: 20 }, true],
      ['whose ban ended an hour ago', { banned: true, banExpiresInS: -3_600 }, false],
      ['whose ban has just ended', { banned: true, banExpiresInS: -0.05 }, false],
      ['with an expiry, but not banned', { banned: false, banExpiresInS: 3_600 }, false],
    ])('tells a user %s', async (title, row, banned) => {
      await tables.addUser({ id: title, ...row })
      expect(await factOf(title, 'org-a')).toMatchObject({ user: true, banned })
    })

    it.each<[string, string | null, readonly string[]]>([
      ['NULL as user', null, ['user']],
      ['an empty role as none', '', []],
      ['several', 'user, admin', ['user', 'admin']],
    ])('tells platform roles: %s', async (title, role, platformRoles) => {
      await tables.addUser({ id: title, role })
      expect(await factOf(title, 'org-a')).toMatchObject({ platformRoles })
    })

    describe('with dynamic roles', () => {
      beforeAll(async () => {
        const rows: readonly [string, string][] = [
          ['approver', '{"leave":["approve"]}'],
          ['approver', '{"leave":["read"],"report":["export"]}'],
          ['lead hr', '{"leave":["*"],"member":["read"]}'],
          ['broken', '{"leave":['],
          ['odd', '{"leave":"approve"}'],
          ['list', '["leave:approve"]'],
          ['__proto__', '{"leave":["read"]}'],
          ['of others', '{"leave":["read"]}'],
        ]
        for (const [role, permission] of rows) {
          await tables.addOrganizationRole({ organization: 'org-a', role, permission })
        }
        await tables.addOrganizationRole({
          organization: 'org-b',
          role: 'approver',
          permission: '{"leave":["delete"]}',
        })
        await member('dora', ['approver, lead hr,broken,odd', 'list,__proto__'])
        await tables.addMember({ user: 'dora', organization: 'org-b', role: 'approver' })
      })

      it('tells those that the subject holds, rows of one role united, unreadable ones empty', async () => {
        const { dynamic } = await factOf('dora', 'org-a', dynamicFacts)
        const sorted = [...dynamic].map(([role, list]) => [role, [...list].sort()] as const)
        expect(new Map(sorted)).toEqual(
          new Map([
            ['approver', ['leave:approve', 'leave:read', 'report:export']],
            ['lead hr', ['member:read']],
            ['broken', []],
            ['odd', []],
            ['list', []],
            ['__proto__', ['leave:read']],
          ]),
        )
      })

      it('tells none of another organization', async () => {
        const { dynamic } = await factOf('dora', 'org-b', dynamicFacts)
        expect(dynamic).toEqual(new Map([['approver', ['leave:delete']]]))
      })

      it('tells none where the policy does not heed them', async () => {
        expect((await factOf('dora', 'org-a')).dynamic).toEqual(new Map())
      })
    })

    describe('asked for ids with odd characters', () => {
      const odd = [
        `'; DROP TABLE users; --`,
        `' OR '1'='1`,
        '$1',
        '%',
        '_',
        '\\',
        'NULL',
        '0',
        '-1',
        '1e3',
        ' 1',
        '99999999999999999999',
        '2147483648',
        '{}',
        'ABCDEF12-CDEF-7ABC-8DEF-000000000001',
        '{0190ab12-cdef-7abc-8def-000000000001}',
        '0190ab12cdef7abc8def000000000001',
        'é'.repeat(255),
        '🙂',
        '\u0001',
      ]
      it.each(odd)('finds nobody under %j', async (id) => {
        const pairs = [
          { user: id, organization: tables.id('org-a') },
          { user: tables.id('mia'), organization: id },
          { user: id, organization: id },
        ]
        for (const pair of pairs) {
          const fact = await facts.read(pair, signal)
          expect(fact.rows).toEqual([])
          expect(fact.user).toBe(pair.user !== id)
        }
      })

      it('finds whom they are of, and nobody else', async () => {
        if (!tables.anyId) return
        for (const id of odd) {
          await tables.addUser({ id })
          await tables.addMember({ user: id, organization: 'org-a', role: `role of ${id}` })
        }
        for (const id of odd) {
          const fact = await facts.read({ user: id, organization: 'org-a' }, signal)
          expect(fact.rows).toEqual([[`role of ${id}`.trim()]])
        }
      })

      it('finds nobody under another spelling of an id', async () => {
        const id = tables.id('mia')
        for (const other of [` ${id}`, `${id} `, id.toUpperCase(), `0${id}`, `+${id}`]) {
          if (other === id) continue
          const fact = await facts.read({ user: other, organization: tables.id('org-a') }, signal)
          expect(fact).toMatchObject({ user: false, rows: [] })
        }
      })
    })

    it('rejects where the signal has aborted', async () => {
      await member('abel', ['owner'])
      const pair = { user: tables.id('abel'), organization: tables.id('org-a') }
      await expect(facts.read(pair, AbortSignal.abort())).rejects.toBeDefined()
    })

    describe('asked for many pairs at once', () => {
      const pairOf = (user: string, organization: string | null) => ({
        user: tables.id(user),
        organization: organization === null ? null : tables.id(organization),
      })

      it('tells each what it tells alone, in the order of the question', async () => {
        await member('ina', ['viewer'])
        await member('jan', ['staff', 'viewer,lead'], 'org-b')
        await tables.addUser({ id: 'kim', role: 'superadmin', banned: true })
        await tables.addOrganizationRole({
          organization: 'org-b',
          role: 'lead',
          permission: '{"leave":["close"]}',
        })
        const pairs = [
          ...[pairOf('jan', 'org-b'), pairOf('ina', 'org-a'), pairOf('ina', 'org-b')],
          ...[pairOf('kim', null), pairOf('nobody at all', 'org-a'), pairOf('ina', 'org-a')],
        ]
        for (const source of [facts, dynamicFacts]) {
          const alone = await Promise.all(pairs.map((pair) => source.read(pair, signal)))
          const together = await source.readMany(pairs, signal)
          const withoutTime = (list: readonly Fact[]) =>
            list.map(({ rows, ...fact }) => ({
              ...fact,
              rows: [...rows].sort(),
              verifiedAtMs: 0,
            }))
          expect(withoutTime(together)).toEqual(withoutTime(alone))
        }
      })

      it('reads 500 in one go, and none without asking', async () => {
        await member('lea', ['viewer'])
        const pairs = Array.from({ length: 500 }, (_, n) =>
          n === 499 ? pairOf('lea', 'org-a') : { user: String(n + 1_000_000), organization: null },
        )
        const many = await facts.readMany(pairs, signal)
        expect(many).toHaveLength(500)
        expect(many[499]).toMatchObject({ user: true, rows: [['viewer']] })
        expect(await facts.readMany([], signal)).toEqual([])
      })

      it('rejects where the signal has aborted', async () => {
        const pairs = [pairOf('lea', 'org-a')]
        await expect(facts.readMany(pairs, AbortSignal.abort())).rejects.toBeDefined()
      })
    })
  })
}
