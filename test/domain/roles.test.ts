import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commonRoles, parseRoles, parseRows } from '../../src/domain/roles.ts'

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

describe('what many subjects share', () => {
  it('is one list for one text, and nobody can change it', () => {
    const roles = parseRoles('shared, viewer')
    expect(parseRoles('shared, viewer')).toBe(roles)
    expect(() => (roles as string[]).push('owner')).toThrow(TypeError)
    const rows = parseRows(['shared, viewer'])
    expect(parseRows(['shared, viewer'])).toBe(rows)
    expect(rows).toEqual([['shared', 'viewer']])
    expect(() => (rows as string[][]).push(['owner'])).toThrow(TypeError)
  })

  it('is read right, however many texts there are and however long they are', () => {
    for (let round = 0; round < 2; round += 1) {
      for (let index = 0; index < 10_000; index += 1) {
        expect(parseRoles(`a${index},b`)).toEqual([`a${index}`, 'b'])
      }
    }
    const long = `${'x'.repeat(200)},y`
    expect(parseRoles(long)).toEqual(['x'.repeat(200), 'y'])
    expect(parseRoles(long)).not.toBe(parseRoles(long))
  })

  it('is not shared by members of several rows', () => {
    expect(parseRows([])).toEqual([])
    expect(parseRows(['a', 'b,c'])).toEqual([['a'], ['b', 'c']])
    expect(parseRows(['a', 'a'])).toEqual([['a'], ['a']])
    expect(parseRows([''])).toEqual([[]])
  })
})
