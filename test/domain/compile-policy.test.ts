import { describe, expect, it } from 'vitest'
import type { Route } from '../../src/domain/policy.ts'
import { policyWith } from '../support/builders.ts'

const { routes } = policyWith(
  [
    '{ name: a, match: "GET /a/{organizationId}", permission: leave:read }',
    '{ name: b, match: "GET /b/{organizationId}", permission: leave:read }',
    '{ name: c, match: "GET /c/{organizationId}", permission: leave:approve }',
    '{ name: d, match: "GET /d/{organizationId}", anyPermission: [leave:read] }',
    '{ name: e, match: "GET /longer/{organizationId}", permission: leave:read }',
  ],
  ['tenant: { path: organizationId }'],
)

function routeOf(path: string): Route {
  return routes.match('GET', '', path, path.length) ?? expect.unreachable(path)
}

const [a, b, c, d, e] = ['/a/o', '/b/o', '/c/o', '/d/o', '/longer/o'].map(routeOf)

describe('routes that ask for the same', () => {
  it('share what they ask for, and no others do', () => {
    expect(b?.requirement).toBe(a?.requirement)
    expect(c?.requirement).toEqual({ quantifier: 'all', permissions: ['leave:approve'] })
    expect(d?.requirement).toEqual({ quantifier: 'any', permissions: ['leave:read'] })
  })

  it('share where they ask for it, and no others do', () => {
    expect(b?.tenant).toBe(a?.tenant)
    expect(e?.tenant).toMatchObject({ place: { kind: 'plain', index: 1, offset: 8 } })
    expect(a?.tenant).toMatchObject({ place: { kind: 'plain', index: 1, offset: 3 } })
  })
})
