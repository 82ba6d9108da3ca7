import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { UserPageRequest } from '../../src/ports/organization-repository.ts'
import type { Tables } from '../support/tables.ts'

/** How an OrganizationRepository tells who is in an organization. */
export function usersOfOrganizationContract(open: () => Promise<Tables>): void {
  describe('as a repository of the users of an organization', () => {
    let tables: Tables
    beforeAll(async () => {
      tables = await open()
      for (const id of ['org-a', 'org-b', 'empty']) await tables.addOrganization({ id })
      for (const id of ['ann', 'bob', 'cid', 'out']) await tables.addUser({ id, name: `${id}!` })
      const add = tables.addMember
      await add({ user: 'ann', organization: 'org-a', role: 'owner', departmentId: 'd1' })
      await add({ user: 'bob', organization: 'org-a', role: 'staff,viewer', managerId: 'ann' })
      await add({ user: 'bob', organization: 'org-a', role: 'viewer', managerId: 'cid' })
      await add({ user: 'cid', organization: 'org-a', role: 'viewer' })
      await add({ user: 'ann', organization: 'org-b', role: 'viewer', departmentId: 'd2' })
      await add({ user: 'out', organization: 'org-b', role: 'owner' })
    })
    afterAll(() => tables.close())

    const page = (organization: string, request: Partial<UserPageRequest> = {}) =>
      tables.organizations.usersOf(tables.id(organization), {
        asMember: null,
        limit: 50,
        after: null,
        ...request,
      })

    /** All of it, page by page; `between` is called after each. */
    async function walk(organization: string, limit: number, between?: () => Promise<void>) {
      const ids: string[] = []
      let after: string | null = null
      do {
        const told = await page(organization, { limit, after })
        if (told === undefined) throw new Error('the organization is not open')
        expect(told.users.length).toBeLessThanOrEqual(limit)
        ids.push(...told.users.map(({ id }) => id))
        after = told.next
        await between?.()
      } while (after !== null)
      return ids
    }

    it('tells each once, as in that organization', async () => {
      const told = await page('org-a')
      expect(told?.next).toBeNull()
      const key = { organizationId: tables.id('org-a') }
      expect(new Map(told?.users.map(({ name, membership }) => [name, membership]))).toEqual(
        new Map([
          ['ann!', { ...key, roles: ['owner'], managerId: null, departmentId: 'd1' }],
          ['bob!', { ...key, roles: ['viewer'], managerId: 'ann', departmentId: null }],
          ['cid!', { ...key, roles: ['viewer'], managerId: null, departmentId: null }],
        ]),
      )
      expect(told?.users).toHaveLength(3)
      expect(await page('org-a')).toEqual(told) // always in the same order
    })

    it('tells all of a user', async () => {
      const cid = (await page('org-a'))?.users.find(({ name }) => name === 'cid!')
      const perspective = { sharedWith: null, preferred: null }
      expect(cid).toEqual(await tables.users.byId(tables.id('cid'), perspective))
    })

    it('is open to members alone, where somebody asks', async () => {
      const seenBy = async (user: string) => page('org-a', { asMember: tables.id(user) })
      expect((await seenBy('cid'))?.users).toHaveLength(3)
      expect(await seenBy('out')).toBeUndefined()
      expect(await seenBy('nobody')).toBeUndefined()
      await tables.addMember({ user: 'out', organization: 'org-a', role: 'viewer' })
      expect((await seenBy('out'))?.users).toHaveLength(4)
      await tables.removeMember({ user: 'out', organization: 'org-a' })
      expect(await seenBy('out')).toBeUndefined()
    })

    it('tells nobody of an empty organization', async () => {
      expect(await page('empty')).toEqual({ users: [], next: null })
      expect(await page('empty', { asMember: tables.id('ann') })).toBeUndefined()
    })

    it.each(['no-such', '', `' OR '1'='1`, '%', '1e3', '99999999999999999999'])(
      'knows none under the id %j',
      async (id) => {
        const request = { asMember: null, limit: 5, after: null }
        expect(await tables.organizations.usersOf(id, request)).toBeUndefined()
        expect(await page('org-a', { asMember: id })).toBeUndefined()
      },
    )

    it('ends a page that is full to the last user', async () => {
      expect((await page('org-a', { limit: 3 }))?.next).toBeNull()
      const two = await page('org-a', { limit: 2 })
      expect(two?.users).toHaveLength(2)
      expect(two?.next).toBe(two?.users[1]?.id)
    })

    it('refuses to begin after what cannot be an id', async () => {
      if (tables.anyId) return
      await expect(page('org-a', { after: 'x' })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    })

    it('goes on after a user who has left meanwhile', async () => {
      await tables.addOrganization({ id: 'shrinking' })
      for (const user of ['ann', 'bob', 'cid']) {
        await tables.addMember({ user, organization: 'shrinking', role: 'staff' })
      }
      const [first, ...others] = await walk('shrinking', 1)
      const user = ['ann', 'bob', 'cid'].find((name) => tables.id(name) === first) ?? ''
      await tables.removeMember({ user, organization: 'shrinking' })
      const rest = await page('shrinking', { after: first ?? null })
      expect(rest?.users.map(({ id }) => id)).toEqual(others)
    })

    it('skips nobody and tells nobody twice, whatever moments and rows are equal', async () => {
      const present = new Set<string>()
      let runs = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(7), fc.constantFrom(0, 0, 1e-6, 2e-6)), { maxLength: 16 }),
          fc.integer({ min: 1, max: 5 }),
          async (rows, limit) => {
            runs += 1
            const organization = `run ${runs}`
            await tables.addOrganization({ id: organization })
            for (const [user, createdAtS] of rows) {
              const id = `member ${user}`
              if (!present.has(id)) await tables.addUser({ id, email: `m${user}@x` })
              present.add(id)
              await tables.addMember({ user: id, organization, role: 'staff', createdAtS })
            }
            const expected = [...new Set(rows.map(([user]) => tables.id(`member ${user}`)))]
            const ids = await walk(organization, limit)
            expect(ids.toSorted()).toEqual(expected.toSorted())
          },
        ),
        { numRuns: 25 },
      )
    })

    it('skips nobody who stays and tells nobody twice while others come and go', async () => {
      await tables.addOrganization({ id: 'busy' })
      const stay: string[] = []
      for (let n = 0; n < 9; n += 1) {
        await tables.addUser({ id: `stays ${n}`, email: `s${n}@x` })
        await tables.addMember({ user: `stays ${n}`, organization: 'busy', role: 'staff' })
        stay.push(tables.id(`stays ${n}`))
      }
      let come = 0
      const ids = await walk('busy', 2, async () => {
        const user = `a guest ${(come += 1)}`
        await tables.addUser({ id: user, email: `g${come}@x` })
        if (come > 4) return
        await tables.addMember({ user, organization: 'busy', role: 'staff' })
        if (come > 1) {
          await tables.removeMember({ user: `a guest ${come - 1}`, organization: 'busy' })
        }
      })
      expect(ids.filter((id) => stay.includes(id)).toSorted()).toEqual(stay.toSorted())
      expect(new Set(ids).size).toBe(ids.length)
    })
  })
}
