import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryTables } from '../../support/memory-tables.ts'
import { startUsersApi, type UsersApi } from '../../support/users-api.ts'

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly security: readonly unknown[]
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly required: boolean
  }[]
  readonly responses: Readonly<Partial<Record<string, Response>>>
}
interface Response {
  readonly description: string
  readonly content?: Readonly<Record<string, { readonly schema: AnySchema }>>
}
interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

const documentId = 'https://example.com/openapi.json'

let api: UsersApi
let document: Document
let validator: Ajv2020
beforeAll(async () => {
  const tables = memoryTables()
  api = await startUsersApi(tables)
  await tables.addOrganization({ id: 'acme' })
  await tables.addUser({ id: 'ann', banExpiresInS: 60 })
  await tables.addUser({ id: 'banned', banned: true })
  await tables.addMember({ user: 'ann', organization: 'acme', role: 'owner' })
  const answer = await api.get('/openapi.json')
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  document = answer.json as Document
  validator = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { 'date-time': true } })
  validator.addVocabulary(['components', 'paths', 'openapi', 'info', 'servers'])
  validator.addSchema({ $id: documentId, ...document })
})
afterAll(() => api.close())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

describe('/openapi.json', () => {
  it('describes every route there is', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(operations().map(({ method, path }) => `${method} ${path}`)).toEqual([
      'get /livez',
      'get /readyz',
      'get /metrics',
      'post /api/v1/users',
      'patch /api/v1/users/{id}',
      'delete /api/v1/users/{id}',
      'get /api/v1/users/{id}',
      'get /api/v1/users/email/{email}',
      'get /api/v1/organizations/{organizationId}/users',
    ])
    expect(Object.keys(document.components.schemas).toSorted()).toEqual([
      'Problem',
      'Readiness',
      'Successor',
      'User',
      'UserPage',
    ])
  })

  it('names every operation once, and every parameter of its path', () => {
    const ids = operations().map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { operation, path } of operations()) {
      const inPath = operation.parameters.filter((parameter) => parameter.in === 'path')
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      expect(inPath.map(({ name }) => name)).toEqual(named)
      expect(inPath.every(({ required }) => required)).toBe(true)
      for (const response of Object.values(operation.responses)) {
        expect(response?.description).toMatch(/./)
      }
    }
  })

  it('asks for a token where the routes do', () => {
    const open = operations().filter(({ operation }) => operation.security.length === 0)
    expect(open.map(({ operation }) => operation.operationId)).toEqual([
      ...['livez', 'readyz', 'metrics', 'createUser', 'updateUser', 'deleteUser'],
    ])
  })

  it.each<[string, string, string, { user: string; organization?: string } | undefined, number]>([
    ['get', '/readyz', '/readyz', undefined, 200],
    ['get', '/livez', '/livez', undefined, 200],
    ['get', '/api/v1/users/{id}', '/api/v1/users/ann', { user: 'ann' }, 200],
    ['get', '/api/v1/users/{id}', '/api/v1/users/nobody', { user: 'ann' }, 404],
    ['get', '/api/v1/users/{id}', '/api/v1/users/ann', undefined, 401],
    ['get', '/api/v1/users/{id}', '/api/v1/users/ann', { user: 'banned' }, 403],
    [
      'get',
      '/api/v1/users/email/{email}',
      '/api/v1/users/email/ann@example.com',
      { user: 'ann' },
      200,
    ],
    [
      'get',
      '/api/v1/organizations/{organizationId}/users',
      '/api/v1/organizations/acme/users',
      { user: 'ann' },
      200,
    ],
    [
      'get',
      '/api/v1/organizations/{organizationId}/users',
      '/api/v1/organizations/acme/users?limit=0',
      { user: 'ann' },
      400,
    ],
    ['post', '/api/v1/users', '/api/v1/users', undefined, 410],
  ])('describes what %s %s answers: %s', async (method, path, url, as, status) => {
    const answer = await api.get(url, as, { method: method.toUpperCase() })
    expect(answer.status).toBe(status)
    const [type = ''] = (answer.headers.get('content-type') ?? '').split(';')
    const operation = document.paths[path]?.[method]
    expect(operation?.responses).toHaveProperty([String(status), 'content', type])
    const pointer = ['paths', path, method, 'responses', status, 'content', type, 'schema']
      .map((part) => encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1')))
      .join('/')
    const validate = validator.compile({ $ref: `${documentId}#/${pointer}` })
    expect(validate(answer.json), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ nothing: 'of the kind' })).toBe(false)
  })
})
