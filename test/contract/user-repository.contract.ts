import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { User } from '../../src/ports/user-repository.ts'
import type { Tables, UserRow } from '../support/tables.ts'
import { userPerspectiveContract } from './user-perspective.contract.ts'

/** What every UserRepository must keep to. */
export function userRepositoryContract(open: () => Promise<Tables>): void {
  userPerspectiveContract(open)
  describe('as a repository of users', () => {
    let tables: Tables
    beforeAll(async () => {
      tables = await open()
    })
    afterAll(() => tables.close())

    const byName = (name: string) => tables.users.byId(tables.id(name))

    it('tells all of a user, by id and by email', async () => {
      await tables.addUser({
        id: 'ann',
        email: 'ann@example.com',
        emailVerified: true,
        name: 'Ann Büro',
        image: 'https://example.com/a.png',
        role: 'user,admin',
        banned: true,
        banReason: 'No reason',
        banExpiresInS: 3_600,
        isAnonymous: true,
      })
      const inAnHour = (await tables.nowMs()) + 3_600_000
      const ann = await byName('ann')
      expect(ann).toEqual({
        id: tables.id('ann'),
        email: 'ann@example.com',
        emailVerified: true,
        name: 'Ann Büro',
        image: 'https://example.com/a.png',
        isAnonymous: true,
        role: 'user,admin',
        banned: true,
        banReason: 'No reason',
        banExpires: expect.any(Date) as Date,
        membership: null,
      })
      expect(Math.abs(Number(ann?.banExpires) - inAnHour)).toBeLessThan(10_000)
      expect(await tables.users.byEmail('ann@example.com')).toEqual(ann)
    })

    it.each<[string, Omit<UserRow, 'id'>, Partial<User>]>([
      ['role NULL is user', { role: null }, { role: 'user' }],
      ['banned NULL is not banned', { banned: null }, { banned: false, banReason: null }],
      ['isAnonymous NULL is not anonymous', { isAnonymous: null }, { isAnonymous: false }],
      ['no image is null', {}, { image: null, banExpires: null }],
      ['a ban for ever holds', { banned: true }, { banned: true, banExpires: null }],
      ['a ban that is over is none', { banned: true, banExpiresInS: -60 }, { banned: false }],
    ])('%s', async (title, row, user) => {
      await tables.addUser({ id: title, email: `${title.replaceAll(' ', '.')}@x`, ...row })
      expect(await byName(title)).toMatchObject(user)
    })

    it('knows nobody who is not there', async () => {
      expect(await byName('nobody')).toBeUndefined()
      expect(await tables.users.byEmail('nobody@example.com')).toBeUndefined()
      expect(await tables.users.byEmail('')).toBeUndefined()
    })

    it('compares an email exactly', async () => {
      await tables.addUser({ id: 'eve', email: 'eve@example.com' })
      for (const email of ['Eve@example.com', ' eve@example.com', 'eve@example.com ', 'eve@%']) {
        expect(await tables.users.byEmail(email)).toBeUndefined()
      }
    })

    it.each([`' OR '1'='1`, '%', '1e3', '99999999999999999999', '🙂'])(
      'knows nobody under the id %j',
      async (id) => {
        expect(await tables.users.byId(id)).toBeUndefined()
      },
    )
  })
}
