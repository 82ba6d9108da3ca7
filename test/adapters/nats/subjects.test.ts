import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commonSubjects, intersection, subjectPrefix } from '../../../src/adapters/nats/subjects.ts'

describe('intersection', () => {
  it.each([
    ['member.>', 'member.>', 'member.>'],
    ['member.>', '>', 'member.>'],
    ['member.>', '*.removed', 'member.removed'],
    ['member.>', 'member.*', 'member.*'],
    ['a.*.c', '*.b.>', 'a.b.c'],
    ['member.>', 'member', undefined],
    ['member.>', 'user.>', undefined],
    ['a.b', 'a.*.c', undefined],
    ['a.*', 'a.b.c', undefined],
  ])('of %s and %s is %s', (one, other, common) => {
    expect(intersection(one, other)).toBe(common)
    expect(intersection(other, one)).toBe(common)
  })

  it('matches exactly what both match', () => {
    const token = fc.constantFrom('a', 'b')
    const subject = fc.array(token, { minLength: 1, maxLength: 4 })
    const pattern = fc
      .tuple(fc.array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([tokens, open]) => (open ? [...tokens, '>'] : tokens))
    const matches = (tokens: readonly string[], text: readonly string[]): boolean =>
      tokens.at(-1) === '>'
        ? text.length >= tokens.length &&
          matches(tokens.slice(0, -1), text.slice(0, tokens.length - 1))
        : text.length === tokens.length && tokens.every((one, i) => one === '*' || one === text[i])
    fc.assert(
      fc.property(pattern, pattern, subject, (one, other, text) => {
        const common = intersection(one.join('.'), other.join('.'))?.split('.')
        const expected = matches(one, text) && matches(other, text)
        expect(common !== undefined && matches(common, text)).toBe(expected)
      }),
    )
  })
})

it('commonSubjects pairs what is wanted with what there is', () => {
  expect(commonSubjects(['*.removed', 'user.banned', 'x.>'], ['member.>', 'user.>'])).toEqual([
    'member.removed',
    'user.removed',
    'user.banned',
  ])
  expect(commonSubjects([], ['member.>'])).toEqual([])
})

describe('subjectPrefix', () => {
  it.each([
    [undefined, ''],
    ['', ''],
    ['app', 'app.'],
    ['app.', 'app.'],
    ['eu.app-1_x', 'eu.app-1_x.'],
  ])('reads %j as %j', (prefix, read) => {
    expect(subjectPrefix(prefix)).toBe(read)
  })

  it.each(['.', '.app', 'a..b', 'a.*', '>', 'a b', 'a\n'])('refuses %j', (prefix) => {
    expect(() => subjectPrefix(prefix)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})
