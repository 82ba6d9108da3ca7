import { describe, expect, it } from 'vitest'
import type { Fact } from '../../src/domain/fact.ts'
import { Standing, standingOf } from '../../src/domain/standing.ts'
import { factOf } from '../support/builders.ts'

const rows = [['staff', 'viewer'], ['staff']]
const said = (fact: Partial<Fact> = {}): Fact =>
  factOf([], { rows: structuredClone(rows), ...fact })

const others: readonly [string, Partial<Fact>][] = [
  ['a role is another', { rows: [['staff', 'owner'], ['staff']] }],
  ['a role is gone', { rows: [['staff'], ['staff']] }],
  ['a role came', { rows: [['staff', 'viewer', 'owner'], ['staff']] }],
  ['roles are in another order', { rows: [['viewer', 'staff'], ['staff']] }],
  ['rows are in another order', { rows: [['staff'], ['staff', 'viewer']] }],
  ['a row is gone', { rows: [['staff', 'viewer']] }],
  ['a row came', { rows: [...rows, ['staff']] }],
  ['nobody is a member', { rows: [] }],
  ['the subject is banned', { banned: true }],
  ['the subject does not exist', { user: false }],
  ['a platform role is another', { platformRoles: ['superadmin'] }],
  ['a dynamic role came', { dynamic: new Map([['made', ['leave:read']]]) }],
]

describe('what facts say', () => {
  it('is one for all who say the same, whenever it was read', () => {
    const one = standingOf(said())
    expect(standingOf(said({ verifiedAtMs: 1, source: 'redis' }))).toBe(one)
    expect(one).toMatchObject({ user: true, banned: false, rows })
  })

  it.each(others)('is another where %s', (_title, parts) => {
    const one = standingOf(said())
    const other = standingOf(said(parts))
    expect(other).not.toBe(one)
    expect([one.isOf(said(parts)), other.isOf(said())]).toEqual([false, false])
    expect(other).toMatchObject(parts)
    expect(standingOf(said())).toMatchObject({ rows, banned: false, user: true })
  })

  it('is never told apart by a text alone', () => {
    const pairs: readonly [Partial<Fact>, Partial<Fact>][] = [
      [{ rows: [['a,b']] }, { rows: [['a', 'b']] }],
      [{ rows: [[]] }, { rows: [['']] }],
      [
        { rows: [['b']], platformRoles: ['a'] },
        { rows: [['1 b']], platformRoles: ['a 1'] },
      ],
      [{ rows: [['["a"],["b"]']] }, { rows: [['a'], ['b']] }],
    ]
    for (const [one, other] of pairs) {
      for (const parts of [one, other, one]) {
        expect(standingOf(said(parts))).toMatchObject(parts)
      }
    }
  })

  it('cannot be changed for one subject by what is done with the fact of another', () => {
    const roles = ['support']
    const list = [['lead']]
    const one = standingOf(said({ rows: list, platformRoles: roles }))
    list[0]?.push('owner')
    list.push(['owner'])
    roles.push('superadmin')
    expect(standingOf(said({ rows: [['lead']], platformRoles: ['support'] }))).toBe(one)
    expect(one).toMatchObject({ rows: [['lead']], platformRoles: ['support'] })
    expect([one.rows, ...one.rows, one.platformRoles].every(Object.isFrozen)).toBe(true)
  })

  it('is not shared where an owner of roles made it long, or where roles are dynamic', () => {
    for (const parts of [
      { rows: [['r'.repeat(200)]] },
      { dynamic: new Map([['made', ['leave:read']]]) },
    ]) {
      expect(standingOf(said(parts))).not.toBe(standingOf(said(parts)))
    }
  })

  it('is forgotten where too many say something else', () => {
    const one = standingOf(said())
    for (let role = 0; role < 5_000; role += 1) standingOf(said({ rows: [[`made${role}`]] }))
    const again = standingOf(said())
    expect(again).not.toBe(one)
    expect(again).toEqual(new Standing(said()))
  })
})
