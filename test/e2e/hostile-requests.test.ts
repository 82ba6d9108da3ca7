import { generateKeyPairSync, createHmac } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startStack, type Stack } from '../../src/demo/stack.ts'
import { bearer, rawRequest, reasonOf } from '../support/raw-http.ts'
import { servers } from '../support/servers.ts'

let stack: Stack
let leave: string
const secret = 'the-secret-that-signs-the-tokens-of-this-test'

beforeAll(async () => {
  stack = await startStack({
    ...servers(),
    tokens: 'EdDSA',
    // Both kinds of key at once: what confuses them must fail.
    env: { BETTER_AUTH_SECRET: secret },
  })
  leave = `/api/v1/organizations/${stack.personas.organizations.acme}/leave`
})
afterAll(() => stack.close())
beforeEach(() => stack.upstream.clear())

/** `own`: Envoy answers by itself; null: the connection ends without an answer. */
type Outcome = 'ambiguous_path' | 'no_route' | 'bad_request' | 'tenant_mismatch' | 'own'

describe('variants of an allowed URL', () => {
  const variants: readonly (readonly [string, (url: string) => string, Outcome])[] = [
    ['a path parameter', (url) => `${url};v=1`, 'ambiguous_path'],
    ['a path parameter inside', (url) => url.replace('/leave', ';x/leave'), 'ambiguous_path'],
    ['an encoded slash', (url) => url.replace('/leave', '%2Fleave'), 'own'],
    ['an encoded backslash', (url) => url.replace('/leave', '%5Cleave'), 'own'],
    ['an encoded NUL', (url) => `${url}%00`, 'own'],
    ['a doubly encoded slash', (url) => url.replace('/leave', '%252Fleave'), 'ambiguous_path'],
    ['a doubly encoded dot segment', (url) => `${url}/%252e%252e/leave`, 'ambiguous_path'],
    ['an overlong slash', (url) => url.replace('/leave', '%c0%afleave'), 'ambiguous_path'],
    ['a broken escape', (url) => `${url}%zz`, 'ambiguous_path'],
    ['an encoded semicolon', (url) => `${url}%3Bx`, 'ambiguous_path'],
    ['an encoded question mark', (url) => `${url}%3Fx`, 'ambiguous_path'],
    ['an encoded hash', (url) => `${url}%23x`, 'ambiguous_path'],
    ['an encoded line break', (url) => `${url}%0d%0aX-User-Id:%20root`, 'ambiguous_path'],
    ['a raw hash', (url) => `${url}#x`, 'own'],
    ['a raw byte beyond ASCII', (url) => `${url}\xff`, 'own'],
    ['a trailing slash', (url) => `${url}/`, 'no_route'],
    ['another case', (url) => url.replace('/leave', '/Leave'), 'no_route'],
    ['a further segment', (url) => `${url}/x`, 'no_route'],
    ['an escaped space', (url) => `${url}%20`, 'ambiguous_path'],
    ['a comma in the tenant', (url) => url.replace('/leave', ',x/leave'), 'tenant_mismatch'],
    [
      'a dot segment up to another tenant',
      (url) => url.replace('/leave', '/../other/leave'),
      'tenant_mismatch',
    ],
    ['a path longer than 8 kB', (url) => `${url}/${'a'.repeat(9_000)}`, 'bad_request'],
  ]

  it.each(variants)('%s', async (_name, vary, outcome) => {
    const path = vary(leave)
    const headers = [bearer(stack.personas.acme.owner.token)]
    const answer = await rawRequest(stack.envoy.url, { path, headers })
    expect([reasonOf(answer) ?? 'own', stack.upstream.requests().length]).toEqual([outcome, 0])
    expect(answer.status).toBeGreaterThanOrEqual(400)
  })

  it.each([
    ['dot segments', (url: string) => url.replace('/leave', '/x/../leave')],
    ['encoded dot segments', (url: string) => url.replace('/leave', '/x/%2e%2e/leave')],
    ['doubled slashes', (url: string) => url.replace('/leave', '//leave')],
    ['an encoded letter', (url: string) => url.replace('leave', 'leav%65')],
    ['a backslash', (url: string) => url.replace('/leave', '\\leave')],
  ])(
    '%s: Envoy resolves them, and the upstream sees the path that was decided',
    async (_name, vary) => {
      const headers = [bearer(stack.personas.acme.owner.token)]
      const { status } = await rawRequest(stack.envoy.url, { path: vary(leave), headers })
      expect(status).toBe(200)
      expect(stack.upstream.requests().map(({ path }) => path)).toEqual([leave])
    },
  )
})

it('a dot segment with a parameter is resolved by Envoy from 1.39 on, and refused here before', async () => {
  const path = leave.replace('/leave', '/x/..;/leave')
  const headers = [bearer(stack.personas.acme.owner.token)]
  const answer = await rawRequest(stack.envoy.url, { path, headers })
  const seen = stack.upstream.requests().map((request) => request.path)
  if (answer.status === 200) expect(seen).toEqual([leave])
  else expect([reasonOf(answer), seen]).toEqual(['ambiguous_path', []])
})

describe('attacks with a token', () => {
  const encode = (value: unknown): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = (): Record<string, unknown> => ({
    sub: stack.personas.acme.owner.userId,
    organizationId: stack.personas.organizations.acme,
    orgRole: 'owner',
    iss: stack.betterAuth.baseURL,
    aud: stack.betterAuth.baseURL,
    iat: Math.floor(Date.now() / 1000),
    exp: Math.floor(Date.now() / 1000) + 600,
  })
  const sign = (
    payload: Record<string, unknown>,
    key = secret,
    header: object = {},
  ): Promise<string> =>
    new SignJWT(payload)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header })
      .sign(new TextEncoder().encode(key))
  /** jose refuses to make what jose would refuse to read. */
  const signByHand = (header: object): string => {
    const head = `${encode(header)}.${encode(claims())}`
    return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
  }
  const issued = (): readonly [string, string, string] => {
    const [header = '', payload = '', signature = ''] = stack.personas.acme.owner.token.split('.')
    return [header, payload, signature]
  }

  const attacks: readonly (readonly [string, () => string | Promise<string>, string])[] = [
    [
      'no signature, alg none',
      () => `${encode({ alg: 'none' })}.${encode(claims())}.`,
      'invalid_token',
    ],
    [
      'alg NONE with a signature',
      () => `${encode({ alg: 'NONE' })}.${encode(claims())}.c2ln`,
      'invalid_token',
    ],
    [
      'another secret',
      () => sign(claims(), 'some-other-secret-of-thirty-two-chars'),
      'invalid_token',
    ],
    [
      'the public key as HS256 secret',
      async () => {
        const { keys } = (await (await fetch(stack.betterAuth.jwksUrl)).json()) as {
          keys: { x: string }[]
        }
        return sign(claims(), keys[0]?.x)
      },
      'invalid_token',
    ],
    [
      'the public key document as HS256 secret',
      async () => sign(claims(), await (await fetch(stack.betterAuth.jwksUrl)).text()),
      'invalid_token',
    ],
    [
      'a key of its own in the header (jwk)',
      async () => {
        const { privateKey, publicKey } = generateKeyPairSync('ed25519')
        return new SignJWT(claims())
          .setProtectedHeader({ alg: 'EdDSA', jwk: publicKey.export({ format: 'jwk' }) })
          .sign(privateKey)
      },
      'invalid_token',
    ],
    [
      'the header of one algorithm on the signature of another',
      () => {
        const [, payload, signature] = issued()
        return `${encode({ alg: 'HS256', typ: 'JWT' })}.${payload}.${signature}`
      },
      'invalid_token',
    ],
    [
      'a changed payload under the old signature',
      () => {
        const [header, , signature] = issued()
        return `${header}.${encode(claims())}.${signature}`
      },
      'invalid_token',
    ],
    ['an expired token', () => sign({ ...claims(), exp: 1 }), 'expired_token'],
    ['a token that never expires', () => sign({ ...claims(), exp: null }), 'invalid_token'],
    ['a token of tomorrow', () => sign({ ...claims(), nbf: Date.now() }), 'invalid_token'],
    ['another issuer', () => sign({ ...claims(), iss: 'https://evil.example' }), 'invalid_token'],
    ['another audience', () => sign({ ...claims(), aud: 'https://evil.example' }), 'invalid_token'],
    [
      'a critical extension',
      () => signByHand({ alg: 'HS256', crit: ['b64'], b64: true }),
      'invalid_token',
    ],
    [
      'the type of another kind of token',
      () => sign(claims(), secret, { typ: 'better-auth.session-cache+jwt' }),
      'invalid_token',
    ],
    [
      "Better Auth's session cookie cache, signed with the same secret",
      () => {
        const { sub, ...rest } = claims()
        return sign({
          ...rest,
          session: { userId: sub, token: 'x' },
          user: { id: sub },
          version: '1',
        })
      },
      'invalid_token',
    ],
    ['a subject with a comma', () => sign({ ...claims(), sub: 'a,b' }), 'invalid_token'],
    // With an organization role the issuer's word opens once (contract section 6, rule c).
    [
      'a subject that does not exist',
      () => sign({ ...claims(), sub: 'nobody', orgRole: null }),
      'unknown_user',
    ],
    ['an opaque session token', () => stack.personas.acme.owner.session, 'malformed_credential'],
    [
      'two tokens joined with a comma',
      () => `${issued().join('.')},${issued().join('.')}`,
      'malformed_credential',
    ],
    [
      'a token of 20 kB',
      () => `${issued()[0]}.${'A'.repeat(20_000)}.${issued()[2]}`,
      'malformed_credential',
    ],
    [
      'a roleless signature trick: HMAC of an empty key',
      () => {
        const head = `${encode({ alg: 'HS256' })}.${encode(claims())}`
        return `${head}.${createHmac('sha256', '').update(head).digest('base64url')}`
      },
      'invalid_token',
    ],
  ]

  it('the same token without an attack is let through', async () => {
    const headers = [bearer(await sign(claims()))]
    expect((await rawRequest(stack.envoy.url, { path: leave, headers })).status).toBe(200)
  })

  it.each(attacks)('%s', async (_name, forge, reason) => {
    const headers = [bearer(await forge())]
    const answer = await rawRequest(stack.envoy.url, { path: leave, headers })
    expect([reasonOf(answer), stack.upstream.requests().length]).toEqual([reason, 0])
  })

  const credentials: readonly (readonly [
    string,
    (token: string) => readonly (readonly [string, string])[],
    string,
  ])[] = [
    [
      'two authorization headers',
      (token) => [bearer(token), bearer(token)],
      'malformed_credential',
    ],
    ['the token in a query', () => [], 'missing_credential'],
    ['another scheme', (token) => [['authorization', `Basic ${token}`]], 'malformed_credential'],
  ]
  it.each(credentials)('%s', async (_name, headers, reason) => {
    const { token } = stack.personas.acme.owner
    const path = `${leave}?access_token=${token}`
    const answer = await rawRequest(stack.envoy.url, { path, headers: headers(token) })
    expect([reasonOf(answer), stack.upstream.requests().length]).toEqual([reason, 0])
  })
})

it('an empty authorization header before a good one: Envoy makes one of them, for all to see', async () => {
  const { token } = stack.personas.acme.owner
  const headers = [['authorization', ''] as const, bearer(token)]
  expect((await rawRequest(stack.envoy.url, { path: leave, headers })).status).toBe(200)
  const seen = stack.upstream.requests().map((request) => request.headers.authorization)
  expect(seen).toEqual([`Bearer ${token}`])
})

describe('identity headers that a client sends', () => {
  const spoofed = [
    'x-user-id',
    'X-User-Id',
    'x-org-id',
    'x-org-role',
    'x-user-role',
    'x-authz-decision-id',
  ].map((name) => [name, 'evil'] as const)
  const seen = (): string => JSON.stringify(stack.upstream.requests().map(({ headers }) => headers))

  it('never reach the upstream on an allowed route', async () => {
    const headers = [...spoofed, bearer(stack.personas.acme.viewer.token)]
    expect((await rawRequest(stack.envoy.url, { path: leave, headers })).status).toBe(200)
    expect(stack.upstream.requests()).toHaveLength(1)
    expect(seen()).not.toContain('evil')
    expect(stack.upstream.requests()[0]?.headers['x-org-role']).toBe('viewer')
  })

  it('never reach the upstream on a public route', async () => {
    const answer = await rawRequest(stack.envoy.url, { path: '/healthz', headers: spoofed })
    expect([answer.status, stack.upstream.requests().length]).toEqual([200, 1])
    expect(seen()).not.toContain('evil')
  })

  it.each([
    ['denied', () => `${leave}/l1/approve`, 'POST', 'permission_denied'],
    ['unmatched', () => '/nowhere', 'GET', 'no_route'],
  ])('change nothing on a %s route', async (_name, path, method, reason) => {
    const headers = [...spoofed, bearer(stack.personas.acme.viewer.token)]
    const answer = await rawRequest(stack.envoy.url, { path: path(), method, headers })
    expect([reasonOf(answer), stack.upstream.requests().length]).toEqual([reason, 0])
  })

  it('cannot be made hop-by-hop', async () => {
    const headers = [
      ['connection', 'x-user-id, x-org-role'] as const,
      bearer(stack.personas.acme.viewer.token),
    ]
    await rawRequest(stack.envoy.url, { path: leave, headers })
    expect(stack.upstream.requests()[0]?.headers['x-org-role']).toBe('viewer')
  })
})
