import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  confirms,
  factFromRows,
  pairKey,
  parseDynamicPermissions,
  type Fact,
  type FactRows,
} from '../../src/domain/fact.ts'
import { isPermission } from '../../src/domain/permission.ts'
import { factOf } from '../support/builders.ts'

const rows = (parts: Partial<FactRows>): FactRows => ({
  user: { role: 'user', banned: false },
  memberRoles: ['staff'],
  dynamicRoles: [],
  verifiedAtMs: 7,
  ...parts,
})

describe('factFromRows', () => {
  it.each([
    ['a member', {}, { user: true, banned: false, rows: [['staff']], platformRoles: ['user'] }],
    ['several roles', { memberRoles: ['staff, viewer,'] }, { rows: [['staff', 'viewer']] }],
    ['every members row', { memberRoles: ['a', 'b,c'] }, { rows: [['a'], ['b', 'c']] }],
    ['a member without a role', { memberRoles: [''] }, { rows: [[]] }],
    ['no member', { memberRoles: [] }, { rows: [] }],
    ['a banned user', { user: { role: 'user', banned: true } }, { banned: true }],
    [
      'users.role NULL as user',
      { user: { role: null, banned: false } },
      { platformRoles: ['user'] },
    ],
    ['an empty users.role as none', { user: { role: '', banned: false } }, { platformRoles: [] }],
    [
      'several platform roles',
      { user: { role: 'admin, superadmin', banned: false } },
      { platformRoles: ['admin', 'superadmin'] },
    ],
    [
      'no user, whatever else is there',
      { user: null, memberRoles: ['owner'] },
      { user: false, banned: false, rows: [], platformRoles: [] },
    ],
  ])('reads %s', (_title, parts, expected) => {
    expect(factFromRows(rows(parts), 'postgres')).toMatchObject(expected)
  })

  it('keeps its source and when it was verified', () => {
    expect(factFromRows(rows({}), 'redis')).toMatchObject({ source: 'redis', verifiedAtMs: 7 })
  })

  it('leaves dynamic roles out where nobody holds one', () => {
    const dynamicRoles = [{ role: 'lead', permission: '{"leave":["read"]}' }]
    expect(factFromRows(rows({ dynamicRoles, memberRoles: [] }), 'postgres').dynamic.size).toBe(0)
    expect(factFromRows(rows({ dynamicRoles }), 'postgres').dynamic.size).toBe(0)
  })

  it('holds a permission of a dynamic role once, however often it is written down', () => {
    const read = `{"leave":[${Array.from({ length: 1_000 }, () => '"read"').join()}]}`
    const dynamicRoles = [
      { role: 'lead', permission: read },
      { role: 'lead', permission: '{"leave":["approve","read"]}' },
    ]
    const fact = factFromRows(rows({ dynamicRoles, memberRoles: ['lead'] }), 'postgres')
    expect(fact.dynamic.get('lead')).toEqual(['leave:read', 'leave:approve'])
  })

  it('unites the rows of each dynamic role that the subject holds', () => {
    const dynamicRoles = [
      { role: 'lead', permission: '{"leave":["read"]}' },
      { role: 'other', permission: '{"x":["y"]}' },
      { role: 'lead', permission: '{"leave":["approve"]}' },
      { role: 'broken', permission: '{' },
      { role: 'of others', permission: '{"x":["z"]}' },
    ]
    const memberRoles = ['lead', 'other, broken']
    expect(factFromRows(rows({ dynamicRoles, memberRoles }), 'postgres').dynamic).toEqual(
      new Map([
        ['lead', ['leave:read', 'leave:approve']],
        ['other', ['x:y']],
        ['broken', []],
      ]),
    )
  })
})

describe('pairKey', () => {
  it.each([
    [{ user: 'a', organization: 'b' }],
    [{ user: 'a', organization: null }],
    [{ user: 'ab', organization: null }],
    [{ user: 'b', organization: 'a' }],
    [{ user: 'a b', organization: 'c' }],
    [{ user: 'a', organization: 'b c' }],
  ])('is one name for %o and no other', (pair) => {
    const all = ['a/b', 'a/', 'ab/', 'b/a', 'a b/c', 'a/b c']
      .map((text) => text.split('/'))
      .map(([user = '', name = '']) => ({ user, organization: name === '' ? null : name }))
    expect(all.filter((other) => pairKey(other) === pairKey(pair))).toEqual([pair])
  })
})

describe('confirms', () => {
  const full: Partial<Fact> = {
    rows: [['staff', 'lead'], ['viewer']],
    dynamic: new Map([
      ['lead', ['leave:read', 'leave:approve']],
      ['viewer', ['x:y']],
    ]),
    platformRoles: ['user', 'support'],
  }
  const fact = factOf([], full)

  it.each<[string, Partial<Fact>]>([
    ['the same', {}],
    ['rows in another order', { rows: [['viewer'], ['staff', 'lead']] }],
    [
      'dynamic roles and their permissions in another order',
      {
        dynamic: new Map([
          ['viewer', ['x:y']],
          ['lead', ['leave:approve', 'leave:read']],
        ]),
      },
    ],
    ['another source and time', { source: 'redis', verifiedAtMs: 3 }],
  ])('takes %s as borne out', (_title, parts) => {
    expect(confirms({ ...fact, ...parts }, fact)).toBe(true)
    expect(confirms(fact, { ...fact, ...parts })).toBe(true)
  })

  it.each<[string, Partial<Fact>]>([
    ['no user', { user: false }],
    ['a ban', { banned: true }],
    ['no membership', { rows: [] }],
    ['a row less', { rows: [['staff', 'lead']] }],
    ['a row twice', { rows: [['viewer'], ['viewer']] }],
    ['another role', { rows: [['staff', 'lead'], ['approver']] }],
    ['a role less', { rows: [['staff'], ['viewer']] }],
    ['roles across rows', { rows: [['staff'], ['lead', 'viewer']] }],
    ['another platform role', { platformRoles: ['user', 'admin'] }],
    ['a platform role less', { platformRoles: ['user'] }],
    ['no dynamic roles', { dynamic: new Map() }],
    [
      'a dynamic role by another name',
      {
        dynamic: new Map([
          ['lead', ['leave:read', 'leave:approve']],
          ['other', ['x:y']],
        ]),
      },
    ],
    [
      'a dynamic permission less',
      {
        dynamic: new Map([
          ['lead', ['leave:read']],
          ['viewer', ['x:y']],
        ]),
      },
    ],
    [
      'dynamic permissions the other way round',
      {
        dynamic: new Map([
          ['lead', ['x:y']],
          ['viewer', ['leave:read', 'leave:approve']],
        ]),
      },
    ],
  ])('takes %s as a change', (_title, parts) => {
    expect(confirms({ ...fact, ...parts }, fact)).toBe(false)
    expect(confirms(fact, { ...fact, ...parts })).toBe(false)
  })

  const claimed = factOf(['staff', 'lead'], { source: 'claims', platformRoles: [] })

  it.each<[string, Partial<Fact>]>([
    ['its roles', { rows: [['staff', 'lead']] }],
    ['its roles in another order', { rows: [['lead', 'staff']] }],
    [
      'its roles in every row',
      {
        rows: [
          ['staff', 'lead'],
          ['lead', 'staff'],
        ],
      },
    ],
    [
      'its roles, and what a claim never says',
      {
        rows: [['staff', 'lead']],
        platformRoles: ['admin'],
        dynamic: new Map([['lead', ['x:y']]]),
      },
    ],
  ])('takes a claim as borne out by %s', (_title, parts) => {
    expect(confirms(factOf([], parts), claimed)).toBe(true)
  })

  it.each<[string, Partial<Fact>]>([
    ['no user', { user: false, rows: [['staff', 'lead']] }],
    ['a ban', { banned: true, rows: [['staff', 'lead']] }],
    ['no membership', { rows: [] }],
    ['a role less', { rows: [['staff']] }],
    ['a role more', { rows: [['staff', 'lead', 'owner']] }],
    ['another row', { rows: [['staff', 'lead'], ['viewer']] }],
  ])('takes a claim as contradicted by %s', (_title, parts) => {
    expect(confirms(factOf([], parts), claimed)).toBe(false)
  })
})

describe('parseDynamicPermissions', () => {
  it.each([
    [
      'every action of every resource',
      '{"leave":["read","approve"],"x":["y"]}',
      ['leave:read', 'leave:approve', 'x:y'],
    ],
    ['no actions', '{"leave":[]}', []],
    [
      'a resource that objects have',
      '{"__proto__":["a"],"constructor":["b"]}',
      ['__proto__:a', 'constructor:b'],
    ],
  ])('reads %s', (_title, json, permissions) => {
    expect(parseDynamicPermissions(json)).toEqual(permissions)
  })

  it.each([
    ['a wildcard of actions', '{"leave":["*"]}'],
    ['a wildcard of resources', '{"*":["read"]}'],
    ['everything', '{"*":["*"]}'],
    ['a wildcard within', '{"leave":["type:*"]}'],
    ['an action with a comma', '{"leave":["read,approve"]}'],
    ['an empty action', '{"leave":[""]}'],
    ['an empty resource', '{"":["read"]}'],
  ])('grants nothing for %s', (_title, json) => {
    expect(parseDynamicPermissions(json)).toEqual([])
  })

  it.each([
    ['what is no JSON', 'leave:read'],
    ['nothing', ''],
    ['cut JSON', '{"leave":["read"'],
    ['null', 'null'],
    ['a text', '"leave:read"'],
    ['a list', '["leave:read"]'],
    ['a number', '1'],
    ['an action that is no list', '{"x":["y"],"leave":"read"}'],
    ['actions as a mapping', '{"x":["y"],"leave":{"read":true}}'],
    ['an action that is no text', '{"x":["y"],"leave":["read",1]}'],
    ['an action that is null', '{"x":["y"],"leave":[null]}'],
  ])('grants nothing at all where the JSON is %s', (_title, json) => {
    expect(parseDynamicPermissions(json)).toEqual([])
  })

  it('grants permissions only, whatever the text', () => {
    const json = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .dictionary(fc.constantFrom('leave', '*', 'a:b', ''), fc.array(fc.string()))
        .map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(json, (json) => {
        expect(parseDynamicPermissions(json).every(isPermission)).toBe(true)
      }),
    )
  })
})
