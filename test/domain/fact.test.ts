import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { factFromRows, parseDynamicPermissions, type FactRows } from '../../src/domain/fact.ts'
import { isPermission } from '../../src/domain/permission.ts'

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
