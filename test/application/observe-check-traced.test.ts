import { expect, it } from 'vitest'
import type { Check } from '../../src/application/check.ts'
import { observeCheck } from '../../src/application/observe-check.ts'
import type { Decision } from '../../src/domain/evaluation.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import type { CheckSpan, CheckTracer } from '../../src/ports/check-tracer.ts'
import {
  decide,
  factOf,
  nowMs,
  policyWith,
  requestOf,
  until,
  type World,
} from '../support/builders.ts'

const policy = policyWith([
  '{ name: list, match: "GET /o/{organizationId}/leave", permission: leave:read }',
])
const inTime = until(new AbortController().signal)
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const untraced = requestOf('GET /o/org-a/leave')
const request: AccessRequest = {
  ...untraced,
  header: (name) => (name === 'traceparent' ? traceparent : untraced.header(name)),
}
const granted: World = { fact: factOf(['viewer']) }

/** A check whose tracer makes this span, and all that happened, in order. */
function traced(check: Check, options: { readonly span: boolean; readonly accepts?: boolean }) {
  const happened: string[] = []
  const records: DecisionRecord[] = []
  const ended: (readonly [Decision, string])[] = []
  const span: CheckSpan = {
    traceId: 'trace-of-the-span',
    spanId: 'the-span',
    end(decision, decisionId) {
      happened.push('ended')
      ended.push([decision, decisionId])
    },
  }
  const tracer: CheckTracer = {
    begin() {
      happened.push('begun')
      return options.span ? span : undefined
    },
  }
  const observed = observeCheck(
    (asked, deadline) => {
      happened.push('checked')
      return check(asked, deadline)
    },
    {
      log: {
        decision(record) {
          happened.push('logged')
          records.push(record)
          return options.accepts ?? true
        },
        policy: () => undefined,
        close: () => Promise.resolve(),
      },
      metrics: { decided: () => undefined },
      tracer,
      loggedAllows: 1,
      logRequired: true,
      worker: 0,
      now: () => nowMs,
      monotonicNow: () => 0,
      timestamp: (ms) => new Date(ms).toISOString(),
      newId: () => 'the-id',
      random: () => 0,
    },
  )
  return { observed, happened, records, ended }
}

it.each<[string, Check]>([
  ['decided at once', (asked) => decide(policy, asked, granted)],
  ['decided later', (asked) => Promise.resolve(decide(policy, asked, granted))],
])('a check that is %s is one span, from before it until it is logged', async (_name, check) => {
  const { ended, happened, observed, records } = traced(check, { span: true })
  const { decision } = await observed(request, inTime)
  expect(happened).toEqual(['begun', 'checked', 'logged', 'ended'])
  expect(ended).toEqual([[decision, 'the-id']])
  expect(records[0]).toMatchObject({ trace_id: 'trace-of-the-span', span_id: 'the-span' })
})

it('a span tells what was answered, where that is not what was decided', async () => {
  const check: Check = (asked) => decide(policy, asked, granted)
  const { ended, observed } = traced(check, { span: true, accepts: false })
  await observed(request, inTime)
  expect(ended.map(([{ reason }]) => reason)).toEqual(['unavailable'])
})

it('a check that is not sampled has the trace of its caller in the log, and no span', async () => {
  const { observed, records } = traced((asked) => decide(policy, asked, granted), { span: false })
  await observed(request, inTime)
  expect(records[0]?.trace_id).toBe('0af7651916cd43dd8448eb211c80319c')
  expect(records[0]).not.toHaveProperty('span_id')
})
