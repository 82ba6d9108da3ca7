import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isMet, isPermission, isWildcard, resolveGrants } from '../../src/domain/permission.ts'

describe('isPermission', () => {
  it.each(['leave:approve', 'leave', 'a:b:c', 'leave_type:read', 'x.y:z-1', '0:1', '__proto__'])(
    'takes %s',
    (text) => {
      expect(isPermission(text)).toBe(true)
    },
  )

  it.each([
    '',
    '*',
    'leave:*',
    'leave:',
    ':read',
    'a::b',
    'a b',
    'a,b',
    '-a',
    'a:-b',
    'é',
    'a\n',
    'a*',
  ])('does not take %j', (text) => {
    expect(isPermission(text)).toBe(false)
  })
})

describe('isWildcard', () => {
  it.each(['*', 'leave:*', 'a:b:*'])('takes %s', (text) => {
    expect(isWildcard(text)).toBe(true)
  })

  it.each([
    '',
    'leave',
    'leave*',
    'le*',
    '*:read',
    'leave:*:x',
    '**',
    ':*',
    'leave: *',
    'leave:**',
  ])('does not take %j', (text) => {
    expect(isWildcard(text)).toBe(false)
  })
})

describe('resolveGrants', () => {
  const universe = ['leave', 'leave:approve', 'leave:read', 'leaves:read', 'leave:type:read', 'x:y']

  it.each([
    ['a permission as it stands', ['leave:read'], ['leave:read']],
    ['a permission outside the universe too', ['z:z'], ['z:z']],
    ['everything', ['*'], universe],
    ['all below a name', ['leave:*'], ['leave:approve', 'leave:read', 'leave:type:read']],
    ['all below two names', ['leave:type:*'], ['leave:type:read']],
    ['nothing below an unknown name', ['lea:*'], []],
    ['nothing', [], []],
  ])('comes to %s', (_title, grants, held) => {
    expect([...resolveGrants(grants, universe)].sort()).toEqual([...held].sort())
  })

  it('never holds a wildcard as a permission', () => {
    const grant = fc.constantFrom('*', 'leave:*', 'x:*', 'leave:read', 'z:z')
    fc.assert(
      fc.property(fc.array(grant), (grants) => {
        for (const held of resolveGrants(grants, universe)) expect(isPermission(held)).toBe(true)
      }),
    )
  })
})

describe('isMet', () => {
  it.each([
    ['all, when each is held', 'all', ['a', 'b'], ['a', 'b', 'c'], true],
    ['not all, when one is missing', 'all', ['a', 'b'], ['a'], false],
    ['any, when one is held', 'any', ['a', 'b'], ['b'], true],
    ['not any, when none is held', 'any', ['a', 'b'], ['c'], false],
    ['not all of none', 'all', [], ['a'], false],
    ['not any of none', 'any', [], ['a'], false],
  ] as const)('%s', (_title, quantifier, permissions, held, met) => {
    const holds = (permission: string): boolean => held.some((one) => one === permission)
    expect(isMet({ quantifier, permissions }, holds)).toBe(met)
  })
})
