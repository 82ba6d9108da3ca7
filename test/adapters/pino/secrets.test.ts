import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createCheckDecoder } from '../../../src/adapters/envoy/check-decoder.ts'
import { createDecisionLog } from '../../../src/adapters/pino/decision-log.ts'
import { observeCheck } from '../../../src/application/observe-check.ts'
import { createRefuseCheck } from '../../../src/application/refuse-check.ts'
import { opaLines, plainLines } from '../../../src/domain/decision-line.ts'
import type { Reason } from '../../../src/domain/decision.ts'
import { checkRequestBytes } from '../../support/authorization-client.ts'
import {
  checkWith,
  factOf,
  nowMs,
  policyWith,
  simulatedFacts,
  simulatedTokens,
  tokenOf,
  until,
} from '../../support/builders.ts'
import { eventually } from '../../support/eventually.ts'
import { testFolder } from '../../support/folder.ts'
import { readLogFile } from '../../support/log-lines.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const requests = 10_000
const policy = policyWith(
  [
    '{ name: health, match: GET /healthz, access: public }',
    '{ name: me, match: GET /me, access: authenticated }',
    '{ name: list, match: "GET|POST /o/{organizationId}/leave", permission: leave:read }',
    '{ name: search, match: "GET /o/{organizationId}/search/{text:text}", permission: leave:read }',
    '{ name: by-header, match: GET /leave, permission: leave:read, tenant: { header: x-tenant } }',
  ],
  ['tenant: { path: organizationId }'],
)

const random = seededRandom(20_261_120)
const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T
const maybe = (...pair: readonly [string, string]): (readonly [string, string])[] =>
  random() < 0.7 ? [pair] : []

/** Each secret is one of a kind, and in a form that no encoding of JSON changes. */
let secrets = 0
const secret = (): string => `s3cr3t${(secrets += 1)}x${random().toString(36).slice(2)}`

/** A request that carries secrets wherever a client or an operator may put one. */
function hostileRequest(): object {
  const query = pick([() => `?token=${secret()}`, () => `?${secret()}`, () => '', () => '?'])()
  const fragment = random() < 0.1 ? `#${secret()}` : ''
  const path = pick([
    '/healthz',
    '/me',
    '/o/org-a/leave',
    '/o/org-b/leave',
    '/o/org-a/search/a%20b',
    '/leave',
    '/nowhere',
    '/a//b',
    '',
  ])
  const authorization = pick([
    () => `Bearer ${secret()}.${secret()}.${secret()}`,
    () => `Basic ${secret()}`,
    () => secret(),
    () => `Bearer ${secret()},Bearer ${secret()}`,
    () => '',
  ])
  const headers = Object.fromEntries<string>([
    ...maybe('authorization', authorization()),
    ...maybe('cookie', `better-auth.session_token=${secret()}; other=${secret()}`),
    ...maybe('x-api-key', secret()),
    ...maybe('referer', `https://example.com/?code=${secret()}`),
    ...maybe('proxy-authorization', `Basic ${secret()}`),
    ...maybe('x-forwarded-for', secret()),
    ...maybe('traceparent', secret()),
    ...maybe('tracestate', secret()),
    ...maybe('x-tenant', pick(['org-a', `${secret()}, ${secret()}`, `Ü${secret()}`])),
    ...maybe('x-user-id', secret()),
    ...maybe(`x-${secret()}`, secret()),
    ...maybe('x-request-id', 'request-1'),
  ])
  return {
    attributes: {
      request: {
        http: {
          ...{ method: pick(['GET', 'POST', 'CONNECT']), host: 'api.example.com', headers },
          ...{ path: path + query + fragment, query: secret(), fragment: secret() },
          ...{ body: `{"password":"${secret()}"}`, raw_body: Buffer.from(secret()) },
        },
      },
      context_extensions: Object.fromEntries<string>(
        maybe(pick(['note', 'upstream_key']), secret()),
      ),
      source: { principal: secret() },
    },
  }
}

it.each([
  ['its own', plainLines],
  ['OPA’s', opaLines({ app: 'tenantgate', id: 'i', version: '0' })],
])(`no secret of ${requests} requests is in a decision log of %s form`, async (_name, format) => {
  const file = join(testFolder(), 'decisions.log')
  const log = createDecisionLog({
    ...{ sink: file, format, now: () => new Date(nowMs).toISOString() },
    onDropped: () => expect.fail('a line was dropped'),
    onFault: (cause) => expect.fail(String(cause)),
  })
  log.policy(policy.version, policy.definition)
  const shared = {
    ...{ log, metrics: { decided: () => undefined }, worker: 0, now: () => nowMs },
    timestamp: (ms: number) => new Date(ms).toISOString(),
    newId: () => 'id',
  }
  const { check } = checkWith({
    policy: () => policy,
    tokens: simulatedTokens(async () =>
      pick([
        () => tokenOf({ jti: secret(), email: secret(), name: secret() }, { x5c: [secret()] }),
        () => tokenOf({ exp: 1, email: secret() }),
        () => ({ why: `the signature of ${secret()} does not hold` }),
      ])(),
    ),
    facts: simulatedFacts(async () => {
      if (random() < 0.1) throw new Error(`password authentication failed: ${secret()}`)
      return factOf(pick([['staff'], ['x'], []]))
    }),
  })
  const observed = observeCheck(check, {
    ...{ ...shared, loggedAllows: 1, logRequired: false },
    ...{ monotonicNow: () => performance.now(), random },
  })
  const decode = createCheckDecoder({ tenantHeaders: () => policy.tenantHeaders })
  const refuse = createRefuseCheck({ ...shared, policy: () => policy, onFault: () => undefined })
  for (let count = 0; count < requests; count += 1) {
    const bytes = checkRequestBytes(hostileRequest())
    const request = decode(bytes, 0, bytes.length)
    await observed(request, until(new AbortController().signal))
    if (count % 10 === 0) refuse({ request, durationMs: 1 })
    if (count % 1_000 === 0) await eventually(() => log.usage().queuedBytes < 1_000_000)
  }
  await log.close()
  const { lines } = readLogFile(file)
  expect(lines).toHaveLength(1 + requests * 1.1)
  const text = readFileSync(file, 'utf8')
  const told = new Set(Array.from(text.matchAll(/"reason":"(\w+)"/g), ([, reason]) => reason))
  // Otherwise it is no wonder that nothing is found.
  const expected: readonly Reason[] = [
    ...(['granted', 'bad_request', 'ambiguous_path', 'no_route', 'missing_credential'] as const),
    ...(['malformed_credential', 'invalid_token', 'expired_token', 'tenant_mismatch'] as const),
    ...(['permission_denied', 'unavailable'] as const),
  ]
  expect([...told]).toEqual(expect.arrayContaining([...expected]))
  expect(secrets).toBeGreaterThan(requests * 5)
  expect(text.match(/.{0,80}s3cr3t.{0,80}/)).toBeNull()
  expect(text).not.toMatch(/czNjcjN0|733363723374/) // base64 and hex of it
})
