import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryTables } from '../../support/memory-tables.ts'
import { rawRequest } from '../../support/raw-http.ts'
import { startUsersApi, type UsersApi } from '../../support/users-api.ts'

let api: UsersApi
beforeAll(async () => {
  api = await startUsersApi(memoryTables())
})
afterAll(() => api.close())

const retired = [
  ['POST', '/api/v1/users', '/api/auth/admin/create-user'],
  ['PATCH', '/api/v1/users/u1', '/api/auth/admin/set-role'],
  ['DELETE', '/api/v1/users/u1', '/api/auth/admin/remove-user'],
  ['DELETE', `/api/v1/users/${'x'.repeat(400)}`, '/api/auth/admin/remove-user'],
] as const

const bodies: readonly (readonly [string, RequestInit])[] = [
  ['no body', {}],
  ['JSON', { body: '{}', headers: { 'content-type': 'application/json' } }],
  ['broken JSON', { body: '{', headers: { 'content-type': 'application/json' } }],
  ['another type', { body: '<x/>', headers: { 'content-type': 'application/xml' } }],
  ['an unreadable type', { body: 'x', headers: { 'content-type': 'nonsense' } }],
  ['far too much', { body: 'x'.repeat(5_000_000), headers: { 'content-type': 'text/plain' } }],
  ['a token that is none', { headers: { authorization: 'Bearer nonsense' } }],
]

describe.each(retired)('%s %s', (method, path, successor) => {
  it.each(bodies)('is 410 and names its successor: with %s', async (_title, init) => {
    const { headers, json, status } = await api.get(path, undefined, { method, ...init })
    expect(status).toBe(410)
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(headers.get('location')).toBe(successor)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(json).toEqual({
      type: 'about:blank',
      title: 'Users are written through Better Auth',
      status: 410,
      location: successor,
      successor,
    })
    expect(api.faults).toEqual([])
  })
})

it('says so before a body has come', async () => {
  const headers = [
    ['content-type', 'application/json'],
    ['content-length', '1000000000'],
  ] as const
  const answer = await rawRequest(api.url, { method: 'PATCH', path: '/api/v1/users/u1', headers })
  expect(answer.status).toBe(410)
})
