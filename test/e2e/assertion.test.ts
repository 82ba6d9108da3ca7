import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { createAssertionSigner } from '../../src/adapters/jose/assertion-signer.ts'
import { connectionManager } from '../../src/adapters/servers/envoy-config.ts'
import { startEnvoy, type EnvoyServer } from '../../src/adapters/servers/envoy.ts'
import type { Persona } from '../../src/demo/personas.ts'
import { examplePolicy, startStack, type Stack } from '../../src/demo/stack.ts'
import { startTenantgate, type TenantgateProcess } from '../../src/demo/tenantgate-process.ts'
import { claimsOf, type AssertionClaims } from '../../src/domain/assertion.ts'
import { buildLeaveService } from '../support/go.ts'
import { startLeaveService, type LeaveService } from '../support/leave-service.ts'
import { until } from '../support/poll.ts'
import { bearer, rawRequest, reasonOf } from '../support/raw-http.ts'
import { servers } from '../support/servers.ts'

const rotationMs = 2_000
const header = 'x-identity-assertion'

let stack: Stack
/** Another instance: the service reads its keys there, and its checks are answered by the first. */
let second: TenantgateProcess
let service: LeaveService
/** In front of the service in Go; the stack's own is in front of an upstream that records. */
let edge: EnvoyServer
/** In front of the upstream that records, without the removal of identity headers. */
let trusting: EnvoyServer
/** Starts the service, which has no keys yet. */
let startService: () => Promise<LeaveService>
const closers: (() => Promise<void>)[] = []

/** The example policy, with the service as its only upstream. */
async function writePolicy(folder: string): Promise<string> {
  const policy = parse(await readFile(examplePolicy, 'utf8')) as {
    routes: { upstream?: string }[]
    [key: string]: unknown
  }
  for (const route of policy.routes) delete route.upstream
  Object.assign(policy, { upstreams: { leave: 'http://leave:8080' }, defaultUpstream: 'leave' })
  const file = join(folder, 'policy.yaml')
  await writeFile(file, stringify(policy))
  return file
}

beforeAll(async () => {
  const built = await buildLeaveService()
  closers.push(built.remove)
  const folder = await mkdtemp(join(tmpdir(), 'tenantgate-test-'))
  closers.push(() => rm(folder, { recursive: true }))
  stack = await startStack({
    ...servers(),
    tokens: 'HS256',
    policy: await writePolicy(folder),
    env: {
      TENANTGATE_ASSERTION: 'on',
      TENANTGATE_ASSERTION_ROTATION: `${rotationMs}ms`,
      TENANTGATE_LOG_LEVEL: 'trace',
      TENANTGATE_DEADLINE: '1s', // a busy machine is not what is looked for here
    },
  })
  closers.push(stack.close)
  second = await startTenantgate({ ...stack.env, TENANTGATE_DECISION_LOG: 'off' })
  closers.push(second.close)
  const jwksUrl = `http://${second.httpAddress}/.well-known/jwks.json`
  startService = () => startLeaveService(built.path, { TENANTGATE_JWKS_URL: jwksUrl })
  service = await startService()
  closers.push(service.close)
  const authz = [stack.tenantgate.grpcAddress]
  edge = await startEnvoy({ envoy: servers().envoy, authz, upstream: service.address })
  closers.push(edge.close)
  trusting = await startEnvoy({
    ...{ envoy: servers().envoy, authz, upstream: stack.upstream.address },
    patch: (config) => delete connectionManager(config)['early_header_mutation_extensions'],
  })
  closers.push(trusting.close)
}, 300_000)
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const leaveOf = (organization: string): string => `/api/v1/organizations/${organization}/leave`

/** A request to the service that does not go through the gate. */
const straight = (path: string, headers: readonly (readonly [string, string])[] = []) =>
  rawRequest(`http://${service.address}`, { path, headers })

/** Signs as tenantgate does, for who knows the secret. */
function signed(persona: Persona, claims: Partial<AssertionClaims> = {}): string {
  const { organizations } = stack.personas
  const identity = {
    userId: persona.userId,
    organizationId: organizations.acme,
    ...{ organizationRoles: ['owner'], platformRoles: [], audience: 'leave' },
  }
  const signer = createAssertionSigner({
    secrets: [stack.env['BETTER_AUTH_SECRET'] ?? ''],
    rotationMs,
  })
  return signer.sign({ ...claimsOf(identity, 'd', Date.now()), ...claims })
}

describe('through the gate', () => {
  it('the service is told who asks, and answers', async () => {
    const { acme, organizations } = stack.personas
    const path = leaveOf(organizations.acme)
    const created = await fetch(`${edge.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${acme.staff.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ from: '2026-12-01', to: '2026-12-03', reason: 'ski trip' }),
    })
    expect([created.status, await created.json()]).toMatchObject([
      201,
      { userId: acme.staff.userId, organizationId: organizations.acme },
    ])
    const listed = await rawRequest(edge.url, { path, headers: [bearer(acme.viewer.token)] })
    expect([listed.status, listed.body.includes('ski trip')]).toEqual([200, true])
    const other = await rawRequest(edge.url, {
      path: leaveOf(organizations.globex),
      headers: [bearer(stack.personas.globex.viewer.token)],
    })
    expect([other.status, other.body.trim()]).toEqual([200, '[]'])
  })

  it('an upstream gets one assertion, which jose verifies by the keys of any instance', async () => {
    const { acme, organizations } = stack.personas
    stack.upstream.clear()
    const answer = await rawRequest(stack.envoy.url, {
      path: leaveOf(organizations.acme),
      headers: [bearer(acme.admin.token), [header, 'a.b.c'], ['X-Identity-Assertion', 'd.e.f']],
    })
    expect(answer.status).toBe(200)
    const assertion = String(stack.upstream.requests()[0]?.headers[header])
    for (const { httpAddress } of [stack.tenantgate, second]) {
      const keys = createRemoteJWKSet(new URL(`http://${httpAddress}/.well-known/jwks.json`))
      const { payload } = await jwtVerify(assertion, keys, {
        ...{ algorithms: ['EdDSA'], issuer: 'tenantgate', audience: 'leave' },
        typ: 'tenantgate-assertion+jwt',
      })
      expect(payload).toMatchObject({
        ...{ sub: acme.admin.userId, org: organizations.acme, org_roles: ['admin'] },
        decision_id: expect.any(String) as string,
      })
    }
  })

  it.each([
    ['by the gateway', () => stack.envoy],
    ['and by tenantgate itself, should the gateway not do it', () => trusting],
  ])("a client's own assertion is removed %s", async (_name, gateway) => {
    const { acme } = stack.personas
    const forged = signed(acme.owner)
    const sent = async (path: string, more: readonly (readonly [string, string])[]) => {
      stack.upstream.clear()
      const headers = [[header, forged] as const, [header, 'a.b.c'] as const, ...more]
      expect((await rawRequest(gateway().url, { path, headers })).status).toBe(200)
      return stack.upstream.requests()[0]?.headers[header]
    }
    expect(await sent('/healthz', [])).toBeUndefined()
    const own = String(await sent('/api/v1/me', [bearer(acme.viewer.token)]))
    expect(decodeJwt(own)).toMatchObject({ sub: acme.viewer.userId })
  })

  it("a client's own assertion opens nothing", async () => {
    const headers = [[header, signed(stack.personas.acme.owner)] as const]
    const answer = await rawRequest(edge.url, { path: '/api/v1/me', headers })
    expect(reasonOf(answer)).toBe('missing_credential')
  })
})

describe('straight to the service', () => {
  const as = (assertion: string): readonly (readonly [string, string])[] => [[header, assertion]]
  const nowS = Math.floor(Date.now() / 1000)

  it('what the gate signs for it holds', async () => {
    const answer = await straight('/api/v1/me', as(signed(stack.personas.acme.owner)))
    expect([answer.status, reasonOf(answer)]).toEqual([200, undefined])
  })

  it.each<[string, readonly (readonly [string, string])[]]>([
    ['nothing', []],
    [
      'identity headers',
      [
        ['x-user-id', 'root'],
        ['x-user-role', 'superadmin'],
        ['x-authz-decision-id', 'd'],
      ],
    ],
  ])('%s is no identity', async (_name, headers) => {
    const answer = await straight('/api/v1/me', headers)
    expect([answer.status, reasonOf(answer)]).toEqual([403, 'not_through_gate'])
  })

  const evil: KeyObject = generateKeyPairSync('ed25519').privateKey
  it.each<[string, () => string]>([
    [
      'one that has expired',
      () => signed(stack.personas.acme.owner, { iat: nowS - 66, exp: nowS - 6 }),
    ],
    ['one for another upstream', () => signed(stack.personas.acme.owner, { aud: 'billing' })],
    [
      'one signed by somebody else under a published key’s name',
      () => {
        const [head, claims] = signed(stack.personas.acme.owner).split('.')
        const text = `${head}.${claims}`
        return `${text}.${sign(null, Buffer.from(text), evil).toString('base64url')}`
      },
    ],
    [
      'one that was changed',
      () => {
        const [head, , signature] = signed(stack.personas.acme.owner).split('.')
        const claims = signed(stack.personas.acme.owner, { sub: 'root' }).split('.')[1]
        return `${head}.${claims}.${signature}`
      },
    ],
    ["a user's own access token", () => stack.personas.acme.owner.token],
  ])('%s is refused', async (_name, make) => {
    const answer = await straight('/api/v1/me', as(make()))
    expect([answer.status, reasonOf(answer)]).toEqual([403, 'invalid_identity'])
  })
})

it('keys rotate under load without one failed request', { timeout: 60_000 }, async () => {
  const { personas, upstream } = stack
  const known: Persona[] = []
  const outcomes: Record<string, number> = {}
  const waiting = personas.all.filter(({ name }) => name !== 'banned')
  const kidNow = () => decodeProtectedHeader(signed(personas.acme.owner)).kid
  const kids = new Set<unknown>()
  // Who comes for the first time is signed for with the key of that time; the others go on with
  // theirs, whose keys are those of epochs that are over.
  while (waiting.length > 0 || kids.size < 4) {
    known.push(...waiting.splice(0, 1))
    kids.add(kidNow())
    const until = Date.now() + 400
    while (Date.now() < until) {
      const answers = await Promise.all(
        known.map(({ token }) =>
          rawRequest(edge.url, { path: '/api/v1/me', headers: [bearer(token)] }),
        ),
      )
      for (const { status } of answers) outcomes[status] = (outcomes[status] ?? 0) + 1
      await sleep(20)
    }
  }
  expect(Object.keys(outcomes)).toEqual(['200'])
  expect(outcomes['200']).toBeGreaterThan(100)
  upstream.clear()
  for (const { token } of known) {
    await rawRequest(stack.envoy.url, { path: '/api/v1/me', headers: [bearer(token)] })
  }
  const assertions = upstream.requests().map((request) => String(request.headers[header]))
  const used = new Set(assertions.map((one) => decodeProtectedHeader(one).kid))
  expect(used.size, 'keys of assertions in use at once').toBeGreaterThan(1)

  // A service that starts now reads all of these keys from what is published now.
  const fresh = await startService()
  try {
    for (const assertion of assertions) {
      const headers = [[header, assertion] as const]
      const { status } = await rawRequest(`http://${fresh.address}`, {
        path: '/api/v1/me',
        headers,
      })
      expect(status).toBe(200)
    }
  } finally {
    await fresh.close()
  }
})

it('neither the secret nor an assertion is in any log', async () => {
  await until(() => service.log().includes('"msg":"refused"'), { what: 'a refusal in the log' })
  const decisions = await readFile(stack.decisionLog, 'utf8')
  const logs = [stack.tenantgate.log(), second.log(), service.log(), decisions].join('\n')
  expect(logs).not.toContain(stack.env['BETTER_AUTH_SECRET'])
  expect(logs).not.toMatch(/eyJhbGciOiJFZERTQSI/)
})

it('the service ends in order when it is asked to', async () => {
  service.signal('SIGTERM')
  expect(await service.ended).toBe('exited with status 0')
})
