import { describe, expect, it } from 'vitest'
import { matchTemplate, parseTemplate, type Template } from '../../src/domain/template.ts'

function templateOf(source: string): Template {
  const parsed = parseTemplate(source)
  if ('faults' in parsed) throw new Error(parsed.faults.join('; '))
  return parsed
}

function faultsOf(source: string): readonly string[] {
  const parsed = parseTemplate(source)
  return 'faults' in parsed ? parsed.faults : []
}

const valuesOf = (source: string, path: string): Record<string, string> | undefined => {
  const values = matchTemplate(templateOf(source), path.slice(1).split('/'))
  return values && Object.fromEntries(values)
}

describe('parseTemplate reads', () => {
  it.each([
    ['the root', '/', ['literal']],
    ['literals', '/a/b.c', ['literal', 'literal']],
    ['a trailing slash', '/a/', ['literal', 'literal']],
    ['each kind of parameter', '/a/{b}/{c:text}/{d...}', ['literal', 'plain', 'text', 'rest']],
    ['names with digits, _ and -', '/{a_1-b}', ['plain']],
    ['a rest alone', '/{all...}', ['rest']],
    ['a name that objects have', '/{constructor}/{__proto__}', ['plain', 'plain']],
  ])('%s', (_title, source, kinds) => {
    const template = templateOf(source)
    expect(template.segments.map(({ kind }) => kind)).toEqual(kinds)
    expect(template.source).toBe(source)
  })
})

describe('parseTemplate finds fault with', () => {
  it.each([
    ['a template without a leading slash', 'a/b', /starts with \//],
    ['nothing', '', /starts with \//],
    ['a literal with a percent sign', '/a%20b', /it holds %/],
    ['a literal with a question mark', '/a?b', /query/],
    ['a literal with a semicolon', '/a;b', /;/],
    ['a literal with a backslash', '/a\\b', /\\/],
    ['a literal with a fragment', '/a#b', /#/],
    ['a literal with a space', '/a b', /visible ASCII/],
    ['a literal beyond ASCII', '/é', /visible ASCII/],
    ['a literal dot segment', '/a/./b', /segment \./],
    ['a literal double dot segment', '/a/../b', /segment \.\./],
    ['an empty segment', '/a//b', /empty segment/],
    ['an empty first segment', '//a', /empty segment/],
    ['a parameter that is not a whole segment', '/a-{b}', /whole segment/],
    ['two parameters in one segment', '/{a}{b}', /whole segment/],
    ['a parameter without a name', '/{}', /whole segment/],
    ['a name that begins with a digit', '/{1a}', /whole segment/],
    ['an unknown type', '/{a:int}', /whole segment/],
    ['a brace alone', '/a}', /whole segment/],
    ['an asterisk with braces', '/{*a}', /whole segment/],
    ['a parameter that stands in it twice', '/{a}/b/{a}', /twice/],
    ['a parameter that stands in it twice with another type', '/{a}/{a:text}', /twice/],
    ['a rest that is not the last', '/{a...}/b', /last segment/],
    ['a rest before a trailing slash', '/{a...}/', /last segment/],
  ])('%s', (_title, source, message) => {
    const faults = faultsOf(source)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(message)
  })

  it('several things at once', () => {
    expect(faultsOf('/a;b/{c:int}/{d...}/x')).toHaveLength(3)
  })
})

describe('matchTemplate', () => {
  it.each([
    ['matches literals byte for byte', '/a/B', '/a/B', {}],
    ['does not match another case', '/a/b', '/a/B', undefined],
    ['does not match a longer path', '/a', '/a/b', undefined],
    ['does not match a shorter path', '/a/b', '/a', undefined],
    ['does not match a trailing slash', '/a', '/a/', undefined],
    ['matches a trailing slash that it has', '/{a}/', '/x/', { a: 'x' }],
    ['does not match without the slash that it has', '/{a}/', '/x', undefined],
    ['gives a plain value as it stands', '/{a}', '/x@y', { a: 'x@y' }],
    ['gives a plain parameter nothing encoded', '/{a}', '/x%20y', undefined],
    ['gives a plain parameter no empty segment', '/a/{b}', '/a/', undefined],
    ['gives a plain parameter no dot segment', '/{a}', '/..', undefined],
    ['decodes a text once', '/{a:text}', '/x%20y', { a: 'x y' }],
    ['gives a text no hidden slash', '/{a:text}', '/x%2Fy', undefined],
    ['gives a rest one segment', '/a/{b...}', '/a/x', { b: 'x' }],
    ['gives a rest several segments', '/a/{b...}', '/a/x/y/z', { b: 'x/y/z' }],
    ['gives a rest at least one segment', '/a/{b...}', '/a', undefined],
    ['gives a rest no empty segment', '/a/{b...}', '/a/', undefined],
    ['gives a rest no trailing slash', '/a/{b...}', '/a/x/', undefined],
    ['gives a rest nothing encoded', '/a/{b...}', '/a/x/%20', undefined],
    [
      'keeps names that objects have',
      '/{constructor}/{toString}',
      '/x/y',
      { constructor: 'x', toString: 'y' },
    ],
    ['matches the root', '/', '/', {}],
    ['does not take the root for a parameter', '/{a}', '/', undefined],
  ])('%s', (_title, source, path, values) => {
    expect(valuesOf(source, path)).toEqual(values)
  })
})
