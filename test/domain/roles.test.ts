import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commonRoles, parseRoles } from '../../src/domain/roles.ts'

describe('parseRoles', () => {
  it.each([
    ['one role', 'staff', ['staff']],
    ['several roles', 'staff,viewer', ['staff', 'viewer']],
    ['roles with space around them', ' staff , viewer ', ['staff', 'viewer']],
    ['no empty roles', ',staff,, ,viewer,', ['staff', 'viewer']],
    ['each role once', 'staff,viewer,staff', ['staff', 'viewer']],
    ['roles with space inside them', 'team lead', ['team lead']],
    ['roles with their case', 'Staff,staff', ['Staff', 'staff']],
    ['none of nothing', '', []],
    ['none of space', ' \t\n', []],
  ])('reads %s', (_title, text, roles) => {
    expect(parseRoles(text)).toEqual(roles)
  })

  it('reads its own result as itself', () => {
    const text = fc.array(fc.constantFrom('a', 'b', ' ', ',', '\t', 'é')).map((c) => c.join(''))
    fc.assert(
      fc.property(text, (text) => {
        const roles = parseRoles(text)
        expect(parseRoles(roles.join(','))).toEqual(roles)
        expect(roles.some((role) => role === '' || role.includes(','))).toBe(false)
      }),
    )
  })
})

describe('commonRoles', () => {
  it.each([
    ['the roles of one list', [['a', 'b']], ['a', 'b']],
    [
      'what every list holds, in the order of the first',
      [
        ['c', 'a', 'b'],
        ['b', 'c'],
      ],
      ['c', 'b'],
    ],
    ['none where one list is empty', [['a'], []], []],
    ['none where the lists share none', [['a'], ['b']], []],
    ['none of no lists', [], []],
  ])('gives %s', (_title, lists, roles) => {
    expect(commonRoles(lists)).toEqual(roles)
  })
})
