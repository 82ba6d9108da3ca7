import { readFileSync } from 'node:fs'
import { SignJWT } from 'jose'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readPolicyCases } from '../../src/application/policy-cases.ts'
import { tokenOf, type SimulatedSubject } from '../../src/application/subject.ts'
import { startStack, type Stack } from '../../src/demo/stack.ts'
import { until } from '../support/poll.ts'
import { bearer, rawRequest, reasonOf } from '../support/raw-http.ts'
import { servers } from '../support/servers.ts'

/**
 * The cases that `tenantgate test` runs in memory, with real tokens, rows and an Envoy in between:
 * the same file has to hold on both.
 */
const reading = readPolicyCases(parse(readFileSync('test/cases/leave.cases.yaml', 'utf8')))
if ('faults' in reading) throw new Error('the cases do not load')
/** What Envoy answers or normalises before anybody is asked is tested in hostile-requests.test.ts. */
const envoyPasses = (path: string): boolean => {
  const [target = ''] = path.split('?')
  const resolved = /\/\/|\/\.\.?(\/|$)|\\|%2f|%5c|%00|#|[^!-~]/i.test(target)
  const unreserved = /%(2d|2e|5f|7e|3[0-9]|4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a])/i.test(target)
  return !resolved && !unreserved
}
const cases = reading.cases.filter(({ request }) => envoyPasses(request.path))

const secret = 'the-secret-that-signs-the-tokens-of-this-test'
let stack: Stack
let client: pg.Client

beforeAll(async () => {
  stack = await startStack({
    ...{ ...servers(), tokens: 'EdDSA', policy: 'test/cases/leave.policy.yaml' },
    env: { BETTER_AUTH_SECRET: secret },
  })
  client = new pg.Client({ connectionString: stack.databaseUrl })
  await client.connect()
  // The first check of a process is its slowest: on a busy machine it can miss its deadline.
  const stranger = tokenHeader({ sub: 'nobody', exp: Math.floor(Date.now() / 1_000) + 60 })
  const request = { method: 'GET', path: '/api/v1/me', host: 'api.example.com' }
  await until(
    async () => {
      const answer = await rawRequest(stack.envoy.url, { ...request, headers: [await stranger] })
      return reasonOf(answer) === 'unknown_user'
    },
    { what: 'a first check in time' },
  )
})
afterAll(async () => {
  await client.end()
  await stack.close()
})
beforeEach(() => stack.upstream.clear())

const tokenHeader = async (claims: Record<string, unknown>): Promise<readonly [string, string]> => {
  const issued = { iss: stack.betterAuth.baseURL, aud: stack.betterAuth.baseURL, ...claims }
  const token = new SignJWT(issued).setProtectedHeader({ alg: 'HS256' })
  return bearer(await token.sign(new TextEncoder().encode(secret)))
}

async function insert(subject: NonNullable<SimulatedSubject>, user: string): Promise<void> {
  if (!subject.exists) return
  await client.query(
    `INSERT INTO users (id, name, email, email_verified, role, banned) VALUES ($1, $1, $1, true, $2, $3)`,
    [user, subject.platformRoles.join(','), subject.banned],
  )
  if (subject.organization === null || !subject.member) return
  await client.query(
    `INSERT INTO organizations (id, name, slug, created_at) VALUES ($1, $1, $1, now()) ON CONFLICT DO NOTHING`,
    [subject.organization],
  )
  await client.query(
    `INSERT INTO members (id, user_id, organization_id, role, created_at) VALUES ($1, $1, $2, $3, now())`,
    [user, subject.organization, subject.roles.join(', ')],
  )
}

it('most cases can be asked through Envoy', () => {
  expect(cases.length).toBeGreaterThan(25)
})

it.each(cases.map((one, index) => [one.name, one, `user-${index}`] as const))(
  '%s',
  async (_name, { request, subject, expected }, user) => {
    const headers: (readonly [string, string])[] = [...request.headers]
    if (subject !== null) {
      await insert(subject, user)
      const { claims } = tokenOf({ ...subject, user }, Date.now())
      if (!request.headers.has('authorization')) headers.push(await tokenHeader({ ...claims }))
    }
    const { method, path } = request
    const host = request.host === '' ? 'api.example.com' : request.host
    const answer = await rawRequest(stack.envoy.url, { method, path, host, headers })
    const allowed = expected === 'allow'
    // A HEAD answer has no body that could name the reason.
    if (!allowed && method !== 'HEAD') {
      expect(reasonOf(answer)).toBe(
        typeof expected === 'object' ? expected.deny : expect.any(String),
      )
    }
    const denied = allowed ? { reason: reasonOf(answer) } : {}
    expect({
      ...denied,
      status: answer.status === 200,
      upstream: stack.upstream.requests(),
    }).toEqual(
      allowed
        ? { reason: undefined, status: true, upstream: [expect.anything()] }
        : { status: false, upstream: [] },
    )
  },
)
