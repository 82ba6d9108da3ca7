import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tables } from '../support/tables.ts'
import { usersOfOrganizationContract } from './users-of-organization.contract.ts'

/** What every OrganizationRepository must keep to. */
export function organizationRepositoryContract(open: () => Promise<Tables>): void {
  usersOfOrganizationContract(open)
  describe('as a repository of organizations', () => {
    let tables: Tables
    beforeAll(async () => {
      tables = await open()
      await tables.addOrganization({ id: 'org-a', name: 'Büro "A"', slug: 'buero-a' })
      await tables.addOrganization({ id: 'org-b' })
      await tables.addUser({ id: 'mia' })
    })
    afterAll(() => tables.close())

    const membershipsOf = (user: string, organization: string) =>
      tables.organizations.membershipsOf(tables.id(user), tables.id(organization))

    it('tells an organization', async () => {
      expect(await tables.organizations.byId(tables.id('org-a'))).toEqual({
        id: tables.id('org-a'),
        name: 'Büro "A"',
        slug: 'buero-a',
      })
    })

    it.each(['no-such', '', `' OR '1'='1`, '%', '1e3', '99999999999999999999'])(
      'knows none under the id %j',
      async (id) => {
        expect(await tables.organizations.byId(id)).toBeUndefined()
        expect(await tables.organizations.membershipsOf(tables.id('mia'), id)).toEqual([])
        expect(await tables.organizations.membershipsOf(id, tables.id('org-a'))).toEqual([])
      },
    )

    it('tells every row of a member, in the order they were added', async () => {
      for (const role of ['staff, viewer', 'owner']) {
        await tables.addMember({ user: 'mia', organization: 'org-a', role })
      }
      const key = { organizationId: tables.id('org-a'), userId: tables.id('mia') }
      expect(await membershipsOf('mia', 'org-a')).toEqual([
        { ...key, roles: ['staff', 'viewer'] },
        { ...key, roles: ['owner'] },
      ])
    })

    it('tells none of who is no member', async () => {
      expect(await membershipsOf('mia', 'org-b')).toEqual([])
      expect(await membershipsOf('nobody', 'org-a')).toEqual([])
    })
  })
}
