import { describe, expect, it } from 'vitest'
import { anyHost, canonicalHost, hostPatternFault, patternsFor } from '../../src/domain/host.ts'

describe('canonicalHost', () => {
  it.each([
    ['keeps a name', 'api.example.com', 'api.example.com'],
    ['lowers its case', 'API.Example.COM', 'api.example.com'],
    ['drops a port', 'api.example.com:8443', 'api.example.com'],
    ['drops a colon without a port', 'api.example.com:', 'api.example.com'],
    ['drops one trailing dot', 'api.example.com.', 'api.example.com'],
    ['drops a trailing dot before a port', 'api.example.com.:443', 'api.example.com'],
    ['keeps an address in brackets', '[::1]:8080', '[::1]'],
    ['keeps what is missing', '', ''],
  ])('%s', (_title, host, canonical) => {
    expect(canonicalHost(host)).toBe(canonical)
  })
})

describe('patternsFor', () => {
  it.each([
    [
      'goes from the exact name over longer wildcards to any host',
      'a.b.example.com',
      ['a.b.example.com', '*.b.example.com', '*.example.com', '*.com', anyHost],
    ],
    ['gives a single label no wildcard', 'localhost', ['localhost', anyHost]],
    ['gives a missing host any-host routes alone', '', [anyHost]],
  ])('%s', (_title, host, patterns) => {
    expect([...patternsFor(host, 9)]).toEqual(patterns)
  })

  it.each([
    [0, ['a.b.c.d', anyHost]],
    [1, ['a.b.c.d', '*.d', anyHost]],
    [2, ['a.b.c.d', '*.c.d', '*.d', anyHost]],
  ])('tries no wildcard of more than %i dots', (maxDots, patterns) => {
    expect([...patternsFor('a.b.c.d', maxDots)]).toEqual(patterns)
  })

  it('does not let a wildcard stand for an empty label', () => {
    expect([...patternsFor('.example.com', 9)]).not.toContain('*.example.com')
  })

  it('does not let a wildcard stand for the bare name', () => {
    expect([...patternsFor('example.com', 9)]).not.toContain('*.example.com')
  })
})

describe('hostPatternFault', () => {
  it.each([
    'example.com',
    '*.example.com',
    '*.com',
    'localhost',
    'a_b.example.com',
    'xn--bcher-kva.example',
    '10.0.0.1',
  ])('has none for %s', (pattern) => {
    expect(hostPatternFault(pattern)).toBeUndefined()
  })

  it.each([
    ['a port', 'example.com:8080'],
    ['a wildcard alone', '*'],
    ['a wildcard that is not the first label', 'a.*.com'],
    ['a wildcard within a label', 'a*.example.com'],
    ['two wildcards', '*.*.com'],
    ['an empty label', 'a..com'],
    ['a leading dot', '.example.com'],
    ['a trailing dot', 'example.com.'],
    ['a space', 'a b.com'],
    ['a comma', 'a.com,b.com'],
    ['a scheme', 'http://a.com'],
    ['a label that begins with a hyphen', '-a.com'],
    ['nothing', ''],
  ])('finds fault with %s', (_title, pattern) => {
    expect(hostPatternFault(pattern)).toBeTypeOf('string')
  })
})
