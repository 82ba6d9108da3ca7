import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { enter } from '../../src/domain/evaluate.ts'
import { newEvaluation } from '../../src/domain/evaluation.ts'
import { decodeTextSegment, isPlainSegment, readPath, withoutQuery } from '../../src/domain/path.ts'
import { policyWith, requestOf } from '../support/builders.ts'

const refusalOf = (target: string): string | undefined => {
  const reading = readPath(target)
  return 'refusal' in reading ? reading.refusal : undefined
}

/** Paths over an alphabet in which the ambiguous is as likely as the plain. */
const roughPath = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('/a', '/', 'b', '.', '%41', '@', '/b?') },
      { weight: 2, arbitrary: fc.constantFrom('..', '/.', '%', '?', ';', '#', '\\') },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 2 }) },
    ),
    { maxLength: 10 },
  )
  .map((parts) => parts.join(''))
const anyPath = fc.oneof(
  roughPath,
  fc.string(),
  roughPath.map((path) => `/${path}`),
)

describe('readPath reads', () => {
  it.each([
    ['the root', '/', ['']],
    ['segments', '/api/v1/me', ['api', 'v1', 'me']],
    ['a trailing slash as an empty last segment', '/a/', ['a', '']],
    ['nothing of the query', '/a?x=//../;#%2F\\é', ['a']],
    ['a query without a path segment', '/?', ['']],
    ['every character of a plain segment', "/AZaz09._~-:@!$&'()*+,=", ["AZaz09._~-:@!$&'()*+,="]],
    ['dots that are no dot segment', '/.../..a/a..', ['...', '..a', 'a..']],
    ['8192 characters', `/${'a'.repeat(8191)}`, ['a'.repeat(8191)]],
    ['8192 characters before a long query', `/${'a'.repeat(8191)}?${'b'.repeat(9000)}`, undefined],
  ])('%s', (_title, target, segments) => {
    expect(readPath(target)).toMatchObject(
      segments === undefined ? { encoded: false } : { segments },
    )
  })

  it.each([
    ['a path with a percent sign as encoded', '/a%20b', true],
    ['a path without one as not encoded', '/ab', false],
    ['a percent sign in the query as not encoded', '/ab?c=%20', false],
  ])('%s', (_title, target, encoded) => {
    expect(readPath(target)).toMatchObject({ encoded })
  })
})

describe('readPath refuses as bad_request', () => {
  it.each([
    ['a missing path', ''],
    ['a query alone', '?a=b'],
    ['8193 characters', `/${'a'.repeat(8192)}`],
    ['a long path, ambiguous or not', `/${';'.repeat(8192)}`],
  ])('%s', (_title, target) => {
    expect(refusalOf(target)).toBe('bad_request')
  })
})

describe('readPath refuses as ambiguous_path', () => {
  it.each([
    ['no leading slash', 'a/b'],
    ['the asterisk form', '*'],
    ['the absolute form', 'http://api.example.com/a'],
    ['an empty segment', '/a//b'],
    ['an empty first segment', '//a'],
    ['an empty last segment after a trailing slash', '/a//'],
    ['a dot segment', '/a/./b'],
    ['a dot segment at the end', '/a/.'],
    ['a double dot segment', '/a/../b'],
    ['a double dot segment at the end', '/a/..'],
    ['a double dot segment before a query', '/a/..?b'],
    ['a backslash', '/a\\b'],
    ['a semicolon', '/a;b=c'],
    ['a fragment', '/a#b'],
    ['a fragment before the query', '/a#?b'],
    ['a space', '/a b'],
    ['a tab', '/a\tb'],
    ['a line break', '/a\nb'],
    ['a line break at the end', '/a\n'],
    ['a NUL', '/a\0b'],
    ['a DEL', '/a\x7fb'],
    ['a character beyond ASCII', '/é'],
    ['a fullwidth slash', '/a／b'],
    ['a lone surrogate', '/\ud800'],
  ])('%s', (_title, target) => {
    expect(refusalOf(target)).toBe('ambiguous_path')
  })
})

describe('isPlainSegment', () => {
  it.each(['a', '...', '.a', "A-Z_~:@!$&'()*+,=", 'org-1'])('takes %j', (segment) => {
    expect(isPlainSegment(segment)).toBe(true)
  })

  it.each([
    '',
    '.',
    '..',
    '%41',
    'a%',
    'a;b',
    'a b',
    'a"',
    'a<',
    '[a]',
    'a|b',
    'a^',
    'é',
    'a\n',
    '{a}',
  ])('does not take %j', (segment) => {
    expect(isPlainSegment(segment)).toBe(false)
  })
})

describe('decodeTextSegment decodes', () => {
  it.each([
    ['a plain segment', 'org-1', 'org-1'],
    ['a space', 'a%20b', 'a b'],
    ['two bytes of UTF-8', 'caf%C3%A9', 'café'],
    ['four bytes of UTF-8, in any case of the digits', '%f0%9F%98%80', '😀'],
    ['what would be ambiguous as itself', '%3B%23%3F', ';#?'],
    ['a percent sign that begins no encoding', '100%25', '100%'],
    ['a percent sign before one hex digit', '%254', '%4'],
    ['a percent sign before what are no hex digits', '%25zz', '%zz'],
    ['a plus sign as itself', 'a+b', 'a+b'],
    ['three dots', '%2E%2e.', '...'],
  ])('%s', (_title, segment, text) => {
    expect(decodeTextSegment(segment)).toBe(text)
  })
})

describe('decodeTextSegment refuses', () => {
  it.each([
    ['nothing', ''],
    ['a slash', 'a%2Fb'],
    ['a slash in lower case', 'a%2fb'],
    ['a backslash', 'a%5Cb'],
    ['a NUL', '%00'],
    ['a line break', 'a%0Ab'],
    ['a DEL', '%7F'],
    ['a second layer of encoding', '%2541'],
    ['a second layer whose digits are encoded too', '%25%34%31'],
    ['a second layer of a slash', '%252F'],
    ['a dot', '%2E'],
    ['two dots', '%2E%2e'],
    ['a dot beside an encoded one', '.%2e'],
    ['dots as they are', '..'],
    ['a byte that is no UTF-8', '%FF'],
    ['an overlong slash', '%C0%AF'],
    ['a surrogate in UTF-8', '%ED%A0%80'],
    ['a cut sequence', '%C3'],
    ['a percent sign alone', 'a%'],
    ['a percent sign before one digit', 'a%4'],
    ['a percent sign before what are no digits', 'a%zz'],
    ['a character outside the alphabet', 'a"b'],
    ['a character beyond ASCII', 'é'],
  ])('%s', (_title, segment) => {
    expect(decodeTextSegment(segment)).toBeUndefined()
  })
})

describe('a path that was read', () => {
  it('reads as itself', () => {
    fc.assert(
      fc.property(anyPath, (target) => {
        const reading = readPath(target)
        if ('path' in reading) expect(readPath(reading.path)).toEqual(reading)
      }),
      { numRuns: 3000 },
    )
  })

  it('holds nothing that step 2 forbids', () => {
    let read = 0
    fc.assert(
      fc.property(anyPath, (target) => {
        const reading = readPath(target)
        if ('refusal' in reading) return
        read++
        expect(reading.path).toBe(target.split('?', 1)[0])
        expect(reading.path).toMatch(/^\/[!-~]*$/)
        expect(reading.path).not.toMatch(/\/\/|[\\;#?]|\/\.{1,2}(\/|$)/)
        expect(`/${reading.segments.join('/')}`).toBe(reading.path)
      }),
      { numRuns: 3000 },
    )
    expect(read).toBeGreaterThan(300)
  })

  it('is refused only for a reason that step 1 or 2 gives', () => {
    fc.assert(
      fc.property(anyPath, (target) => {
        const path = withoutQuery(target)
        const allowed = path.length <= 8192 && /^\/[!-~]*$/.test(path)
        const ambiguous = /\/\/|[\\;#]|\/\.{1,2}(\/|$)/.test(path)
        expect('path' in readPath(target)).toBe(allowed && !ambiguous)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('a path with an ambiguous ingredient', () => {
  const policy = policyWith([
    '{ name: all, match: "GET /{rest...}", access: public }',
    '{ name: one, match: "GET /{a:text}", access: public }',
    '{ name: two, match: "GET /{a:text}/{b:text}", access: public }',
    '{ name: end, match: "GET /{a:text}/", access: public }',
    '{ name: root, match: GET /, access: public }',
  ])
  const plain = fc.array(fc.constantFrom('a', 'b.c', '-', '%20', '...'), { maxLength: 4 })
  const ingredient = fc.constantFrom(
    ...['\\', ';', '#', '//', '/./', '/../', ' ', '\t', '\n', '\0', '\x7f', 'é', '／'],
    ...['%2f', '%2F', '%5c', '%5C', '%00', '%1f', '%7F', '%2541', '%FF', '%C0%AF', '%', '%zz'],
    ...['/%2e/', '/%2E%2e/', '/.%2e/'],
  )

  it('never reaches a route', () => {
    fc.assert(
      fc.property(plain, ingredient, plain, fc.boolean(), (before, middle, after, tight) => {
        const glue = tight ? '' : '/'
        const path = `/${before.join('')}${glue}${middle}${glue}${after.join('')}`
        const evaluation = newEvaluation(policy, requestOf(`GET ${path}`))
        expect(enter(evaluation)).toBe('ambiguous_path')
        expect(evaluation.settings).toBeNull()
      }),
      { numRuns: 3000 },
    )
  })
})
