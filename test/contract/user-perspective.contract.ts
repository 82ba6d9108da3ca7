import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tables } from '../support/tables.ts'

/** Which membership a UserRepository tells of a user, by who looks. */
export function userPerspectiveContract(open: () => Promise<Tables>): void {
  describe('as a repository of users in their organizations', () => {
    let tables: Tables
    beforeAll(async () => {
      tables = await open()
      for (const user of ['ada', 'ben', 'cat', 'dup', 'tie']) await tables.addUser({ id: user })
      for (const id of ['org-1', 'org-2', 'org-3']) await tables.addOrganization({ id })
      // Rows are not added in the order in which they were made.
      await join('ada', 'org-3', 'viewer', { createdAtS: 30 })
      await join('ada', 'org-1', 'staff, viewer', { createdAtS: 10, managerId: 'ben' })
      await join('ada', 'org-2', 'owner', { createdAtS: 20, departmentId: 'd-7' })
      await join('ben', 'org-3', 'staff', { createdAtS: 1 })
      await join('ben', 'org-2', 'staff', { createdAtS: 2 })
    })
    afterAll(() => tables.close())

    const join = (
      user: string,
      organization: string,
      role: string,
      row: Partial<Parameters<Tables['addMember']>[0]> = {},
    ) => tables.addMember({ user, organization, role, ...row })

    /** What is told of a user's membership by id; by email it must be the same. */
    async function told(user: string, sharedWith: string | null, preferred?: string) {
      const perspective = {
        sharedWith: sharedWith === null ? null : tables.id(sharedWith),
        preferred: preferred === undefined ? null : tables.id(preferred),
      }
      const found = await tables.users.byId(tables.id(user), perspective)
      expect(await tables.users.byEmail(`${user}@example.com`, perspective)).toEqual(found)
      return found?.membership
    }
    const at = (organization: string) => ({ organizationId: tables.id(organization) })

    it('tells none without a perspective', async () => {
      expect(await tables.users.byId(tables.id('ada'))).toMatchObject({ membership: null })
      expect(await tables.users.byEmail('ada@example.com')).toMatchObject({ membership: null })
    })

    it('tells what the row says', async () => {
      expect(await told('ada', null, 'org-1')).toEqual({
        ...at('org-1'),
        roles: ['staff', 'viewer'],
        managerId: 'ben',
        departmentId: null,
      })
      expect(await told('ada', null, 'org-2')).toEqual({
        ...at('org-2'),
        roles: ['owner'],
        managerId: null,
        departmentId: 'd-7',
      })
    })

    it.each<[string, string | null, string | undefined, string]>([
      ['the preferred one', null, 'org-3', 'org-3'],
      ['the one joined first, where none is preferred', null, undefined, 'org-1'],
      ['the one joined first, where the preferred one is not joined', null, 'nowhere', 'org-1'],
      ['one’s own, whole', 'ada', 'org-3', 'org-3'],
      ['one’s own that was joined first', 'ada', undefined, 'org-1'],
      ['a shared one that is preferred', 'ben', 'org-3', 'org-3'],
      ['the shared one the user joined first, whenever the other did', 'ben', undefined, 'org-2'],
      ['a shared one rather than a preferred one that is not', 'ben', 'org-1', 'org-2'],
    ])('tells %s', async (_title, sharedWith, preferred, organization) => {
      expect(await told('ada', sharedWith, preferred)).toMatchObject(at(organization))
    })

    it.each<[string, string, string | null]>([
      ['of who is in no organization', 'cat', null],
      ['to who is in none', 'ada', 'cat'],
      ['to who does not exist', 'ada', 'nobody'],
    ])('tells none %s', async (_title, user, sharedWith) => {
      expect(await told(user, sharedWith, 'org-1')).toBeNull()
    })

    it.each(['', '1e3', `' OR '1'='1`, '99999999999999999999'])(
      'tells none to %j, whom no row can name',
      async (id) => {
        const perspective = { sharedWith: id, preferred: id }
        expect(await tables.users.byId(tables.id('ada'), perspective)).toMatchObject({
          membership: null,
        })
      },
    )

    it('tells what holds now', async () => {
      await tables.addUser({ id: 'gus' })
      await join('gus', 'org-1', 'staff')
      expect(await told('ada', 'gus')).toMatchObject(at('org-1'))
      await tables.removeMember({ user: 'gus', organization: 'org-1' })
      expect(await told('ada', 'gus', 'org-1')).toBeNull()
    })

    it('tells of several rows what all agree on, and else what the oldest says', async () => {
      const rows = [
        ['viewer,staff', { createdAtS: 5.000_002, managerId: 'late', departmentId: 'late' }],
        ['owner, staff,viewer', { createdAtS: 5.000_001, managerId: 'first', departmentId: null }],
        ['staff,viewer,admin', { createdAtS: 5.000_003, managerId: 'last', departmentId: 'last' }],
      ] as const
      for (const [role, row] of rows) await join('dup', 'org-1', role, row)
      expect(await told('dup', null)).toEqual({
        ...at('org-1'),
        roles: ['staff', 'viewer'],
        managerId: 'first',
        departmentId: null,
      })
      await join('dup', 'org-1', '', { createdAtS: 6 })
      expect(await told('dup', null)).toMatchObject({ roles: [], managerId: 'first' })
    })

    it('decides by the id between rows of the same moment', async () => {
      for (const id of ['m1', 'm2', 'm3']) tables.id(id) // in this order, whatever ids are
      await join('tie', 'org-2', 'b', { id: 'm3', createdAtS: 7, managerId: 'm3' })
      await join('tie', 'org-1', 'a', { id: 'm2', createdAtS: 7, managerId: 'm2' })
      await join('tie', 'org-1', 'a', { id: 'm1', createdAtS: 7, managerId: 'm1' })
      expect(await told('tie', null)).toMatchObject({ ...at('org-1'), managerId: 'm1' })
    })
  })
}
