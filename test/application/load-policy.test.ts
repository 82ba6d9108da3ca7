import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLoadPolicy, type LocatedFault } from '../../src/application/load-policy.ts'
import { parsePolicyDocument, sha256 } from '../../src/adapters/files/policy-document.ts'
import { canonicalText } from '../../src/domain/compile-policy.ts'
import { loadPolicy, policyFrom } from '../support/builders.ts'

function faultsOf(text: string): readonly LocatedFault[] {
  const loading = loadPolicy(text)
  return 'faults' in loading ? loading.faults : []
}

/** Where the faults of a text stand, as `line:column path`. */
const placesOf = (text: string): readonly string[] =>
  faultsOf(text).map(({ line, column, path }) => `${line}:${column} ${path}`)

const route = '  - { name: a, match: "GET /{organizationId}", permission: leave:read }'

describe('a fault stands', () => {
  it.each([
    ['at the value that is wrong', 'version: 2', ['1:10 version']],
    ['at the first line where the version is missing', 'routes: []', ['1:1 ']],
    ['below comments', '# one\n# two\nversion: 2', ['3:10 version']],
    ['at a key that is not known', 'version: 1\nrolls: {}', ['2:1 rolls']],
    ['at an entry of a list', 'version: 1\nroles:\n  a: [x:y, "z z"]', ['3:12 roles.a[1]']],
    [
      'at an entry of a block list',
      'version: 1\nroles:\n  a:\n    - x:y\n    - "*:z"',
      ['5:7 roles.a[1]'],
    ],
    ['at a role that is wrong', 'version: 1\nroles:\n  "a,b": []', ['3:3 roles.a,b']],
    [
      'at a route without what it needs',
      'version: 1\nroutes:\n  - name: a\n    match: GET /{organizationId}',
      ['3:5 routes[0]'],
    ],
    [
      'at a value of a route',
      `version: 1\nroutes:\n${route}\n  - name: b\n    match: GET /a;b/{organizationId}\n    permission: x:y`,
      ['5:12 routes[1].match'],
    ],
    [
      'at a key whose value is empty',
      'version: 1\nroutes:\n  - { name: a, match: GET /a, access: public, hosts: [] }',
      ['3:47 routes[0].hosts'],
    ],
    [
      'at the route that conflicts',
      `version: 1\nroutes:\n${route}\n${route.replace('name: a', 'name: b')}`,
      ['4:23 routes[1].match'],
    ],
    [
      'at a host of a list',
      'version: 1\nroutes:\n  - { name: a, match: GET /a, access: public, hosts: [a, "b:1"] }',
      ['3:58 routes[0].hosts[1]'],
    ],
    ['at what is no mapping', 'version: 1\nroutes: [1]', ['2:10 routes[0]']],
    ['at the top of what is no policy', '- a\n- b', ['1:1 ']],
    ['in JSON', '{\n  "version": 1,\n  "rolls": {}\n}', ['3:3 rolls']],
    ['in JSON with tabs', '{\n\t"version": 2\n}', ['2:13 version']],
  ])('%s', (_title, text, places) => {
    expect(placesOf(text)).toEqual(places)
  })

  it('in the order of lines, all at once', () => {
    const text = `version: 2
roles:
  a: [bad permission]
routes:
  - name: a
    match: get /{organizationId}
    permission: leave:*
  - name: a
    match: GET /x
    freshness: newest
rolls: {}`
    const lines = faultsOf(text).map(({ line }) => line)
    expect(lines).toEqual([...lines].sort((a, b) => a - b))
    expect(new Set(lines)).toEqual(new Set([1, 3, 6, 7, 8, 9, 10, 11]))
  })

  it('with a message that says what to write', () => {
    for (const { message } of faultsOf('version: 1\nroutes: [{ name: a, match: /x }]')) {
      expect(message.length).toBeGreaterThan(10)
    }
  })
})

describe('a text that is no YAML has its fault', () => {
  it.each([
    ['at a key that stands twice', 'version: 1\nroles: {}\nroles: {}', 3],
    ['at a key that stands twice, quoted once', 'version: 1\n"version": 1', 2],
    ['at a role that stands twice', 'version: 1\nroles:\n  a: []\n  b: []\n  a: ["*"]', 5],
    ['at a list that does not end', 'version: 1\nroles: {a: [b', 2],
    ['at a tab for indentation', 'version: 1\nroles:\n\ta: []', 3],
    ['at a second document', 'version: 1\n---\nversion: 1', 2],
    ['at a key that is no text', 'version: 1\n? [a]\n: 1', 2],
    ['at an alias without an anchor', 'version: 1\nroles:\n  a: *nowhere', 3],
  ])('%s', (_title, text, line) => {
    const faults = faultsOf(text)
    expect(faults).not.toEqual([])
    expect(faults[0]).toMatchObject({ line, path: '' })
  })
})

describe('a policy does not load from', () => {
  const bomb = ['a: &a ["x:y","x:y","x:y","x:y","x:y","x:y","x:y","x:y","x:y"]']
  for (const [index, name] of 'bcdefghi'.split('').entries()) {
    const alias = `*${'abcdefgh'[index] ?? ''}`
    bomb.push(`${name}: &${name} [${Array(9).fill(alias).join(',')}]`)
  }

  it.each([
    ['nothing', ''],
    ['a comment alone', '# nothing'],
    ['a document without content', '---\n...\n'],
    ['a text', 'policy'],
    ['null', 'null'],
    ['a number', '1'],
    ['aliases that multiply', bomb.join('\n')],
    ['a list that holds itself', 'version: 1\nroles: &r { a: [*r] }'],
    ['a mapping that holds itself', '&a\nversion: 1\nroutes: [*a]'],
    ['a binary file', '\0\u0001\u0002\ufffd'],
    [
      'merged keys',
      'version: 1\nroutes:\n  - &a { name: a, match: GET /a, access: public }\n  - { <<: *a, name: b }',
    ],
  ])('%s', (_title, text) => {
    expect(faultsOf(text)).not.toEqual([])
  })

  it('aliases that multiply, which are found before they are followed', () => {
    const faults = faultsOf(bomb.join('\n'))
    expect(faults).toHaveLength(1)
    expect(faults[0]?.message).toMatch(/alias/i)
  })

  it('anything without throwing', () => {
    const line = fc.constantFrom(
      ...[
        'version: 1',
        'roles:',
        '  a: [x:y]',
        '  a: &b *b',
        'routes:',
        '  - name: a',
        '    match: GET /a',
      ],
      ...[
        '    access: public',
        '- *b',
        '? x',
        '"',
        '{',
        '}',
        '!!set',
        '%YAML 1.1',
        '---',
        '\t',
        '<<: *b',
        '__proto__: 1',
      ],
    )
    const text = fc.oneof(
      fc.array(line).map((lines) => lines.join('\n')),
      fc.string(),
      fc.json(),
    )
    fc.assert(
      fc.property(text, (text) => {
        for (const { line, column } of faultsOf(text)) {
          expect(line).toBeGreaterThanOrEqual(1)
          expect(column).toBeGreaterThanOrEqual(1)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('a policy loads', () => {
  it.each([
    ['from YAML', `version: 1\nroutes:\n${route}`],
    ['from JSON', '{"version":1,"routes":[{"name":"a","match":"GET /a","access":"public"}]}'],
    [
      'from JSON with tabs',
      '{\n\t"version": 1,\n\t"routes": [\n\t\t{"name": "a", "match": "GET /a", "access": "public"}\n\t]\n}',
    ],
    [
      'with a comment for the language server',
      '# yaml-language-server: $schema=schema/policy.json\nversion: 1',
    ],
    ['with a document start', '---\nversion: 1\n'],
    ['with aliases', 'version: 1\nroles: { a: &p [x:y], b: *p }'],
  ])('%s', (_title, text) => {
    expect(faultsOf(text)).toEqual([])
  })

  it('with the first 16 digits of the digest of its canonical form', () => {
    const policy = policyFrom('version: 1')
    expect(policy.version).toBe(`sha256:${sha256(canonicalText(policy.definition)).slice(0, 16)}`)
    const load = createLoadPolicy({
      parse: parsePolicyDocument,
      digest: () => '0123456789abcdefgh',
    })
    expect(load('version: 1')).toMatchObject({ policy: { version: 'sha256:0123456789abcdef' } })
  })
})
