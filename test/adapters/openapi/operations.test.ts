import { describe, expect, it } from 'vitest'
import { parsePolicyDocument } from '../../../src/adapters/files/policy-document.ts'
import { readOperations } from '../../../src/adapters/openapi/operations.ts'
import { coverageOf } from '../../../src/application/coverage.ts'
import type { Operation } from '../../../src/domain/coverage-operations.ts'
import { policyFrom } from '../../support/builders.ts'

const read = (text: string) => readOperations('api.yaml', parsePolicyDocument(text))

function operationsOf(text: string): readonly Operation[] {
  const reading = read(text)
  if ('faults' in reading) throw new Error(JSON.stringify(reading.faults))
  return reading.operations
}

/** A document of these paths, written in YAML's flow style. */
const documentOf = (paths: string, ...top: readonly string[]): string =>
  ['openapi: 3.1.0', ...top, 'paths:', ...paths.split('\n').map((line) => `  ${line}`)].join('\n')

/** How public routes, as `GET /path` or `GET host/path`, cover the operations of a document. */
function covered(routes: readonly string[], text: string): readonly string[] {
  const policy = policyFrom(
    JSON.stringify({
      version: 1,
      routes: routes.map((route) => {
        const [, method = '', host = '', path = ''] = /^(\S+) ([^/]*)(.*)$/.exec(route) ?? []
        const hosts = host === '' ? {} : { hosts: [host] }
        return {
          name: route.replaceAll(' ', '.'),
          match: `${method} ${path}`,
          access: 'public',
          ...hosts,
        }
      }),
    }),
  )
  return coverageOf(policy, { openapi: operationsOf(text) }).operations.map(
    ({ coverage, example }) => `${coverage}${example === null ? '' : ` ${example}`}`,
  )
}

describe('an operation', () => {
  const one = (path: string, parameters = ''): string =>
    documentOf(`${path}: { get: { parameters: [${parameters}] } }`)
  const parameter = (schema: string): string => `{ name: id, in: path, schema: ${schema} }`

  it.each<[string, readonly string[], string, string]>([
    ['with other names of its parameters', ['GET /o/{a}/x'], one('/o/{id}/x'), 'covered'],
    ['with a literal for a parameter', ['GET /o/{a}'], one('/o/me'), 'covered'],
    ['with a parameter for a literal', ['GET /o/me'], one('/o/{id}'), 'partly GET /o/x'],
    [
      'with a literal behind a parameter',
      ['GET /o/{organizationId}/x/special'],
      one('/o/{id}/x/{y}'),
      'partly GET /o/x/x/x',
    ],
    ['by encoded text that no route takes', ['GET /o/{a}'], one('/o/{id}'), 'covered'],
    ['by a route for text', ['GET /o/{a:text}'], one('/o/{id}'), 'covered'],
    ['by a rest', ['GET /o/{a...}'], one('/o/{id}/x/{y}'), 'covered'],
    ['by a rest of the wrong length', ['GET /o/x/{a...}'], one('/o/x'), 'none GET /o/x'],
    ['with another method', ['POST /o/{a}'], one('/o/{id}'), 'none GET /o/x'],
    ['with a trailing slash', ['GET /o/{a}'], one('/o/{id}/'), 'none GET /o/x/'],
    ['by several routes together', ['GET /o/{a}', 'GET /o/me'], one('/o/{id}'), 'covered'],
    ['with parameters in one segment', ['GET /f/{a}'], one('/f/{name}.{kind}'), 'covered'],
    ['with a part of a segment', ['GET /f/a.json'], one('/f/{name}.json'), 'partly GET /f/x.json'],
    ['with an action', ['GET /f/a'], one('/f/{name}:go'), 'none GET /f/x:go'],
    [
      'with listed values, all of them named',
      ['GET /o/a', 'GET /o/b'],
      one('/o/{id}', parameter('{ enum: [a, b] }')),
      'covered',
    ],
    [
      'with listed values, one of them not named',
      ['GET /o/a', 'GET /o/b'],
      one('/o/{id}', parameter('{ enum: [a, b, c] }')),
      'partly GET /o/c',
    ],
    ['with one value', ['GET /o/1'], one('/o/{id}', parameter('{ const: 1 }')), 'covered'],
    [
      'with values that have to be encoded',
      ['GET /o/{a:text}'],
      one('/o/{id}', parameter("{ enum: ['ä b'] }")),
      'covered',
    ],
    [
      'with a flag',
      ['GET /o/true', 'GET /o/false'],
      one('/o/{id}', parameter('{ type: boolean }')),
      'covered',
    ],
    [
      'with a number, which no word is',
      ['GET /o/me'],
      one('/o/{id}', parameter('{ type: [integer, "null"] }')),
      'none GET /o/0',
    ],
    [
      'with a number, of which one is named',
      ['GET /o/0'],
      one('/o/{id}', parameter('{ type: integer }')),
      'partly GET /o/1',
    ],
    [
      'with a UUID',
      ['GET /o/me'],
      one('/o/{id}', parameter('{ type: string, format: uuid }')),
      'none GET /o/00000000-0000-4000-8000-000000000000',
    ],
    [
      'with a matrix parameter, which no check lets through',
      ['GET /o/{a}'],
      one('/o/{id}', '{ name: id, in: path, style: matrix, schema: {} }'),
      'none GET /o/;id=x',
    ],
  ])('%s', (_title, routes, text, expected) => {
    expect(covered(routes, text)).toEqual([expected])
  })

  it('that is more concrete takes its requests away from one with a parameter', () => {
    const text = documentOf(`/o/{id}: { get: {} }\n/o/me: { get: {} }`)
    expect(covered(['GET /o/me'], text)).toEqual(['none GET /o/x', 'covered'])
    // But not where it has another method.
    const other = documentOf(`/o/{id}: { get: {} }\n/o/me: { post: {} }`)
    expect(covered(['GET /o/me'], other)).toEqual(['partly GET /o/x', 'none POST /o/me'])
  })

  it('says why no policy can let it through', () => {
    const policy = policyFrom('{ version: 1, routes: [] }')
    const openapi = operationsOf(documentOf('/a;b: { get: {} }'))
    expect(coverageOf(policy, { openapi }).operations[0]?.why).toContain('it holds ;')
  })
})

describe('a document', () => {
  it('gives every method, its line and its id; extensions and callbacks play no part', () => {
    const operations = operationsOf(`openapi: 3.0.3
info: { title: t, version: '1' }
x-paths: { /nope: {} }
paths:
  x-more: { get: {} }
  /a:
    summary: all
    x-note: { get: {} }
    parameters:
      - { name: q, in: query }
    get:
      operationId: listA
      responses: { 200: { description: ok } }
      callbacks: { done: { '{$request.body#/url}': { post: {} } } }
    ${['put', 'post', 'delete', 'options', 'head', 'patch', 'trace'].join(': {}\n    ')}: {}
`)
    expect(operations[0]).toMatchObject({ line: 11, operation: 'listA', method: 'GET', path: '/a' })
    expect(operations.map(({ method }) => method)).toEqual([
      'GET',
      'PUT',
      'POST',
      'DELETE',
      'OPTIONS',
      'HEAD',
      'PATCH',
      'TRACE',
    ])
    expect(operations[1]).toMatchObject({ line: 15, operation: null })
  })

  it('is JSON as well, and has the methods of OpenAPI 3.2', () => {
    const item = { query: {}, additionalOperations: { COPY: {} } }
    const text = JSON.stringify({ openapi: '3.2.0', paths: { '/a': item } })
    expect(operationsOf(text).map(({ method }) => method)).toEqual(['QUERY', 'COPY'])
  })

  it('refers to path items, parameters and schemas, also through one another', () => {
    const text = `openapi: 3.1.0
paths:
  /o/{id}: { $ref: '#/components/pathItems/one' }
  /p/{id}: { $ref: '#/paths/~1o~1%7Bid%7D', summary: the same }
components:
  pathItems:
    one: { $ref: '#/components/pathItems/two' }
    two:
      parameters: [{ $ref: '#/components/parameters/id' }]
      get: {}
  parameters: { id: { name: id, in: path, schema: { $ref: '#/components/schemas/kind' } } }
  schemas: { kind: { enum: [a] } }
`
    expect(covered(['GET /o/a', 'GET /p/a'], text)).toEqual(['covered', 'covered'])
  })

  it('has the parameter of the operation before that of the path', () => {
    const text = documentOf(
      `/o/{id}: { parameters: [{ name: id, in: path, schema: { enum: [a] } }], get: {}, put: { parameters: [{ name: id, in: path, schema: { enum: [b] } }] } }`,
    )
    expect(covered(['GET /o/a', 'PUT /o/b'], text)).toEqual(['covered', 'covered'])
  })
})

describe('servers', () => {
  const at = (servers: string): string => documentOf('/a: { get: {} }', `servers: ${servers}`)

  it.each<[string, readonly string[], string, string]>([
    ['give a base path', ['GET /v1/a'], at('[{ url: /v1/ }]'), 'covered'],
    [
      'give a base path and any host',
      ['GET h.t/v1/a'],
      at('[{ url: v1 }]'),
      'partly GET host.invalid/v1/a',
    ],
    ['give a host', ['GET h.t/v1/a'], at("[{ url: 'https://H.t:8443/v1' }]"), 'covered'],
    ['give a host that a wildcard takes', ['GET *.t/a'], at("[{ url: 'http://h.t' }]"), 'covered'],
    ['give another host', ['GET h.t/a'], at("[{ url: 'http://i.t' }]"), 'none GET i.t/a'],
    [
      'give any host beside a named one',
      ['GET h.t/a'],
      at("[{ url: 'http://h.t' }, { url: / }]"),
      'partly GET host.invalid/a',
    ],
    [
      'give several, each of which counts',
      ['GET h.t/a'],
      at("[{ url: 'http://h.t' }, { url: 'http://i.t' }]"),
      'partly GET i.t/a',
    ],
    [
      'have variables with all their values',
      ['GET eu.t/v1/a', 'GET us.t/v1/a'],
      at(
        "[{ url: 'https://{r}.t/{v}', variables: { r: { enum: [eu, us], default: eu }, v: { default: v1 } } }]",
      ),
      'covered',
    ],
    [
      'have variables with any name of a host',
      ['GET demo.t/a'],
      at(
        "[{ url: 'https://{n}.t:{p}', variables: { n: { default: demo }, p: { default: '1' } } }]",
      ),
      'partly GET host.t/a',
    ],
    [
      'have variables that a wildcard takes',
      ['GET *.t/a'],
      at("[{ url: 'https://{n}.t', variables: { n: { default: demo } } }]"),
      'covered',
    ],
  ])('%s', (_title, routes, text, expected) => {
    expect(covered(routes, text)).toEqual([expected])
  })

  it('of an operation stand before those of its path, and these before the document’s', () => {
    const text = documentOf(
      '/a: { servers: [{ url: /path }], get: { servers: [{ url: /own }] }, put: {} }\n/b: { get: {} }',
      'servers: [{ url: /all }]',
    )
    expect(operationsOf(text).map(({ path }) => path)).toEqual(['/own/a', '/path/a', '/all/b'])
  })
})

describe('a document is refused, with line and column,', () => {
  it.each<[string, string, string]>([
    ['of Swagger 2', "swagger: '2.0'\npaths: {}", '1:10 swagger Swagger 2 is not read'],
    ['that is none', 'hello: there', '1:1  this is no OpenAPI 3 document'],
    ['of OpenAPI 4', 'openapi: 4.0.0', '1:10 openapi this is no OpenAPI 3 document'],
    ['with broken syntax', 'openapi: 3.1.0\npaths: {', '2:9  '],
    ['whose paths are a list', 'openapi: 3.1.0\npaths: []', '2:1 paths paths is no mapping'],
    [
      'with a path that does not start with /',
      documentOf('a: {}'),
      '3:3 paths.a a path starts with /',
    ],
    [
      'with a reference to nothing',
      documentOf("/a: { $ref: '#/components/pathItems/none' }"),
      '3:15 paths./a.$ref "#/components/pathItems/none" leads to nothing',
    ],
    [
      'with a reference to itself',
      documentOf("/a: { $ref: '#/paths/~1a' }"),
      '3:15 paths./a.$ref "#/paths/~1a" refers to itself',
    ],
    [
      'with a path in another file',
      documentOf('/a: { $ref: other.yaml }'),
      '3:15 paths./a.$ref "other.yaml" is in another file: bundle',
    ],
    [
      'with a misspelt method',
      documentOf('/a: { gett: {} }'),
      '3:9 paths./a.gett unknown key "gett"',
    ],
    [
      'with an operation that is none',
      documentOf('/a: { get: yes }'),
      '3:14 paths./a.get the operation',
    ],
    [
      'with braces that do not pair',
      documentOf('"/a/{b": { get: {} }'),
      '3:14 paths./a/{b.get the braces',
    ],
    [
      'with a parameter that is not there',
      documentOf("/a: { get: { parameters: [{ $ref: '#/components/parameters/x' }] } }"),
      '3:29 paths./a.get.parameters.0 "#/components/parameters/x" leads to nothing',
    ],
    [
      'with a server without a url',
      documentOf('/a: { get: {}, put: {} }', 'servers: [{ uri: /x }]'),
      '2:11 servers.0 the server has no url',
    ],
    [
      'with an unknown variable',
      documentOf('/a: { get: {} }', "servers: [{ url: '/{v}' }]"),
      '2:11 servers.0 the variable {v} is not among its variables',
    ],
    [
      'with variables that hold each other',
      documentOf(
        '/a: { get: {} }',
        "servers: [{ url: '/{a}', variables: { a: { enum: ['{b}'] }, b: { enum: ['{a}'] } } }]",
      ),
      '2:11 servers.0 the variables of /{a} lead round in a circle',
    ],
    [
      'with a variable that holds itself',
      documentOf(
        '/a: { get: {} }',
        "servers: [{ url: '/{v}', variables: { v: { default: 'x{v}' } } }]",
      ),
      '2:11 servers.0 the variable {v} stands in its own value',
    ],
  ])('%s', (_title, text, expected) => {
    const reading = read(text)
    const faults = 'faults' in reading ? reading.faults : []
    const told = faults.map(
      ({ column, line, message, path }) => `${line}:${column} ${path} ${message}`,
    )
    expect(told).toEqual([expect.stringContaining(expected)])
  })

  it('not for a parameter in another file: only its values are not known', () => {
    const text = documentOf('/a/{b}: { get: { parameters: [{ $ref: other.yaml }] } }')
    expect(covered(['GET /a/{x}'], text)).toEqual(['covered'])
  })
})
