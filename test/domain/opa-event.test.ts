import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { opaLines, plainLines } from '../../src/domain/decision-line.ts'
import type { PolicyRecord } from '../../src/domain/policy-record.ts'
import { recordOf, type DecisionRecord } from '../../src/domain/record.ts'
import {
  decide,
  factOf,
  nowMs,
  policyWith,
  requestOf,
  tokenOf,
  type World,
} from '../support/builders.ts'

const schema = new URL('../support/opa-event.schema.json', import.meta.url)
const validate = new Ajv({ allErrors: true }).compile(
  JSON.parse(readFileSync(schema, 'utf8')) as object,
)
const labels = { app: 'tenantgate', id: 'instance-1', version: '0.1.0' }
const timestamp = new Date(nowMs).toISOString()
const policy = policyWith([
  '{ name: health, match: GET /healthz, access: public }',
  '{ name: list, match: "GET /o/{organizationId}", permission: leave:read }',
  '{ name: dry, match: "GET /dry/{organizationId}", permission: leave:none, mode: shadow }',
])

function recorded(line: string, world: World = {}): DecisionRecord {
  const headers = {
    authorization: 'Bearer eyJh.eyJz.c2ln',
    'x-request-id': 'request-1',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  }
  return recordOf(decide(policy, requestOf(line, { headers }), world), {
    ...{ decisionId: 'decision-1', nowMs, timestamp, durationUs: 143, worker: 0, loggedAllows: 1 },
  })
}
const eventOf = (line: string): Record<string, unknown> =>
  JSON.parse(line) as Record<string, unknown>

describe('an event of OPA’s decision log', () => {
  it.each<[string, DecisionRecord]>([
    ['an allow', recorded('GET /o/org-a')],
    ['a public route', recorded('GET /healthz')],
    ['no route', recorded('GET /nowhere')],
    ['a bad request', recorded('GET ')],
    ['an invalid token', recorded('GET /o/org-a', { token: { why: 'no' } })],
    ['a stranger', recorded('GET /o/org-a', { fact: factOf([], { rows: [] }) })],
    ['no facts', recorded('GET /o/org-a', { fact: 'down' })],
    ['shadow mode', recorded('GET /dry/org-a')],
    ['another tenant', recorded('GET /o/org-b', { token: tokenOf({ orgRole: 'staff' }) })],
  ])('of %s is one by OPA’s documentation, and holds the whole record', (_title, record) => {
    const event = eventOf(opaLines(labels).decision(record))
    expect([validate(event), validate.errors]).toEqual([true, null])
    expect(event['custom']).toEqual({ tenantgate: eventOf(plainLines.decision(record)) })
  })

  it('says what OPA’s users look at', () => {
    expect(eventOf(opaLines(labels).decision(recorded('GET /o/org-a?q=1')))).toMatchObject({
      labels,
      decision_id: 'decision-1',
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      bundles: { policy: { revision: policy.version } },
      path: 'tenantgate/decision',
      input: {
        attributes: {
          request: {
            http: { id: 'request-1', method: 'GET', host: 'api.example.com', path: '/o/org-a' },
          },
        },
      },
      result: { allowed: true, http_status: 200, reason: 'granted', route: 'list' },
      requested_by: 'u1',
      timestamp,
      metrics: { timer_server_handler_ns: 143_000 },
    })
    expect(eventOf(opaLines(labels).decision(recorded('GET /nowhere')))).toMatchObject({
      result: { allowed: false, http_status: 403, reason: 'no_route' },
    })
  })

  it('of a policy is one too, with the whole policy', () => {
    const record: PolicyRecord = {
      ...{ type: 'policy', timestamp, policy: policy.version, definition: policy.definition },
    }
    const event = eventOf(opaLines(labels).policy(record))
    expect([validate(event), validate.errors]).toEqual([true, null])
    expect(event['custom']).toEqual({ tenantgate: eventOf(plainLines.policy(record)) })
  })

  it('would be refused with a field that OPA does not know', () => {
    expect(validate({ labels, decision_id: 'd', timestamp, type: 'decision' })).toBe(false)
  })
})
