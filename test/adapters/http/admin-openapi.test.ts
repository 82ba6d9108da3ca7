import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { plainLines } from '../../../src/domain/decision-line.ts'
import { startAdminApi, type AdminApi } from '../../support/admin-api.ts'
import { arbitraryOf, type Schema } from '../../support/arbitrary-of-schema.ts'
import { nowMs } from '../../support/builders.ts'
import { recordedDecision } from '../../support/decision-records.ts'
import { postgresTables } from '../../support/postgres-tables.ts'
import type { Tables } from '../../support/tables.ts'
import type { Answer, Asker } from '../../support/users-api.ts'

interface Operation {
  readonly operationId: string
  readonly security: readonly unknown[]
  readonly parameters: readonly {
    readonly name: string
    readonly in: 'path' | 'query'
    readonly required: boolean
    readonly schema: Schema
  }[]
  readonly requestBody?: { readonly content: { readonly 'application/json': { schema: Schema } } }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

const documentId = 'https://example.com/openapi.json'
const operations = [
  'get /admin/v1/decisions',
  'get /admin/v1/decisions/{id}',
  'post /admin/v1/explain',
  'post /admin/v1/replay',
  'get /admin/v1/coverage',
  'get /admin/v1/doctor',
  'get /admin/v1/policy',
] as const
const records = Array.from({ length: 60 }, (_, number) =>
  recordedDecision(number, {
    request:
      ['GET /o/org-a/leave', 'POST /o/org-b/leave', 'GET /healthz', 'GET /x'][number % 4] ?? '',
    roles: ['viewer'],
    atMs: nowMs + number,
  }),
)
const policies = [
  'version: 1\nroles: { viewer: [leave:read] }\nroutes: [{ name: me, match: GET /me, access: public }]',
  'version: 1',
  '{',
]

let tables: Tables
let api: AdminApi
let document: Document
let validator: Ajv2020
let folder: string
beforeAll(async () => {
  tables = await postgresTables({ adapter: 'drizzle', ids: 'text' })
  await tables.addUser({ id: 'root', role: 'superadmin' })
  await tables.addUser({ id: 'member' })
  folder = mkdtempSync(join(tmpdir(), 'tenantgate-test-'))
  const file = join(folder, 'decisions.log')
  writeFileSync(file, records.map((record) => `${plainLines.decision(record)}\n`).join(''))
  api = await startAdminApi(tables, { file })
  for (const record of records) api.store.keep(record)
  document = (await api.ask('/openapi.json')).json as Document
  validator = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    formats: { 'date-time': isMoment },
  })
  validator.addVocabulary(['components', 'paths', 'openapi', 'info', 'servers'])
  validator.addSchema({ $id: documentId, ...document })
})
afterAll(async () => {
  await api.close()
  await tables.close()
  rmSync(folder, { recursive: true })
})

const isMoment = (text: string): boolean => !Number.isNaN(Date.parse(text))

function operationOf(name: string): { path: string; method: string; operation: Operation } {
  const [method = '', path = ''] = name.split(' ')
  const operation = document.paths[path]?.[method]
  if (operation === undefined) throw new Error(`${name} is not described`)
  return { path, method, operation }
}

const resolve = (reference: string): Schema =>
  document.components.schemas[reference.split('/').at(-1) ?? ''] ?? {}

/** Holds an answer against what the document says of its status and type. */
function expectDescribed(name: string, answer: Answer): void {
  const { method, operation, path } = operationOf(name)
  const [type = ''] = (answer.headers.get('content-type') ?? '').split(';')
  const status = String(answer.status)
  expect(operation.responses, `${status} ${answer.text}`).toHaveProperty([status, 'content', type])
  const pointer = ['paths', path, method, 'responses', status, 'content', type, 'schema']
    .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/')
  const validate = validator.compile({ $ref: `${documentId}#/${pointer}` })
  const values =
    type === 'application/x-ndjson'
      ? answer.text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown)
      : [answer.json]
  for (const value of values) {
    expect(validate(value), `${JSON.stringify(validate.errors)} ${answer.text}`).toBe(true)
  }
  expect(validate({ nothing: 'of the kind' })).toBe(false)
  expect(answer.headers.get('cache-control')).toBe('no-store')
}

type Values = Readonly<Record<string, unknown>>

/** Values of everything that an operation takes; known ones beside those that the schemas make. */
function requestsOf({ parameters, requestBody }: Operation) {
  const known: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    id: fc.constantFrom(...records.map(({ decision_id }) => decision_id)),
    policy: fc.constantFrom(...policies),
  }
  const often = (name: string, other: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => {
    const one = known[name]
    return one === undefined ? other : fc.oneof({ arbitrary: one, weight: 4 }, other)
  }
  const taken = (place: 'path' | 'query'): fc.Arbitrary<Values> => {
    const list = parameters.filter((parameter) => parameter.in === place)
    const schemas = list.map(
      ({ name, schema }) => [name, often(name, arbitraryOf(schema, resolve))] as const,
    )
    const requiredKeys = list.filter(({ required }) => required).map(({ name }) => name)
    // A cursor is of one list alone: made from its schema it is always refused.
    return fc
      .record(Object.fromEntries(schemas), { requiredKeys })
      .map(({ cursor, ...rest }) =>
        typeof cursor === 'string' && cursor.length % 5 === 0 ? { ...rest, cursor } : rest,
      )
  }
  const schema = requestBody?.content['application/json'].schema
  const body =
    schema === undefined
      ? fc.constant(undefined)
      : fc
          .tuple(arbitraryOf(schema, resolve), known['policy'] ?? fc.constant(''), fc.boolean())
          .map(([value, policy, with_]) => ({ ...(value as object), ...(with_ && { policy }) }))
  return fc.record({ path: taken('path'), query: taken('query'), body, streams: fc.boolean() })
}

async function send(
  name: string,
  request: { path: Values; query: Values; body: unknown; streams: boolean },
  as: Asker | undefined,
): Promise<Answer> {
  const { method, path } = operationOf(name)
  const url = path.replace(/\{(\w+)\}/g, (_all, key: string) =>
    encodeURIComponent(String(request.path[key])),
  )
  const query = new URLSearchParams(
    Object.entries(request.query).map(([key, value]) => [key, String(value)]),
  ).toString()
  return api.ask(`${url}?${query}`, as, {
    method: method.toUpperCase(),
    ...(request.body !== undefined && {
      body: JSON.stringify(request.body),
      headers: {
        'content-type': 'application/json',
        ...(request.streams && { accept: 'application/x-ndjson' }),
      },
    }),
  })
}

describe('the document', () => {
  it('describes the admin API whole, each operation with its token and its refusals', () => {
    const described = Object.entries(document.paths)
      .filter(([path]) => path.startsWith('/admin'))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
    expect(described.toSorted()).toEqual([...operations].toSorted())
    for (const name of operations) {
      const { operation } = operationOf(name)
      expect(operation.security).toEqual([{ bearer: [] }])
      expect(Object.keys(operation.responses)).toEqual(
        expect.arrayContaining(['200', '400', '401', '403', '429', '503']),
      )
      expect(operation.requestBody !== undefined).toBe(name.startsWith('post'))
      expect('body' in operation).toBe(false)
    }
  })
})

it('describes a source that is not there, and what comes too often', async () => {
  const none = await startAdminApi(tables, { entries: 0, rate: { burst: 6, perMinute: 1 } })
  onTestFinished(none.close)
  const root = { user: 'root' }
  const id = records[0]?.decision_id ?? ''
  const body = { method: 'POST', body: '{"source":"log"}' }
  for (const source of ['memory', 'log']) {
    const list = await none.ask(`/admin/v1/decisions?source=${source}`, root)
    const one = await none.ask(`/admin/v1/decisions/${id}?source=${source}`, root)
    expect([list.status, one.status]).toEqual([409, 409])
    expectDescribed('get /admin/v1/decisions', list)
    expectDescribed('get /admin/v1/decisions/{id}', one)
  }
  expectDescribed('post /admin/v1/replay', await none.ask('/admin/v1/replay', root, body))
  const policy = () => none.ask('/admin/v1/policy', root)
  expect([(await policy()).status, (await policy()).status]).toEqual([200, 429])
  expectDescribed('get /admin/v1/policy', await policy())
})

describe.each(operations)('%s', (name) => {
  const slow = ['post /admin/v1/replay', 'get /admin/v1/coverage', 'post /admin/v1/explain']

  it('answers what the document says, whatever is sent', async () => {
    const seen = new Set<number>()
    await fc.assert(
      fc.asyncProperty(requestsOf(operationOf(name).operation), async (request) => {
        const answer = await send(name, request, { user: 'root' })
        seen.add(answer.status)
        expectDescribed(name, answer)
      }),
      { numRuns: slow.includes(name) ? 25 : 60 },
    )
    expect([...seen]).toContain(200)
    expect([...seen].filter((status) => status >= 500)).toEqual([])
    expect(api.faults).toEqual([])
  })

  it('and whoever is no admin gets a refusal, whatever is sent', async () => {
    await fc.assert(
      fc.asyncProperty(
        requestsOf(operationOf(name).operation),
        fc.constantFrom<(Asker | undefined)[]>(undefined, { user: 'member' }, { user: 'nobody' }),
        async (request, as) => {
          const answer = await send(name, request, as)
          expect(answer.status).toBe(as === undefined ? 401 : 403)
          expectDescribed(name, answer)
        },
      ),
      { numRuns: 15 },
    )
  })
})
