import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readNews, readOrder } from '../../../src/adapters/processes/messages.ts'
import { recordedDecision } from '../../support/decision-records.ts'
import { nowMs } from '../../support/builders.ts'

const record = recordedDecision(1, { atMs: nowMs })
const start = (value: unknown) => (value === 'start' ? value : undefined)
const report = { status: 'ready', components: { postgres: { status: 'ok' } } }

const orders = [
  { type: 'start', start: 'start' },
  { type: 'stop' },
  { type: 'log', broken: true },
  ...[
    { kind: 'state' },
    { kind: 'metrics' },
    { kind: 'drain' },
    { kind: 'prepare', version: 'v', text: 't' },
    { kind: 'commit', version: 'v' },
    { kind: 'decision', id: 'd' },
    { kind: 'decisions', before: null, limit: 1, lookAt: 2, maxBytes: 9, filter: {} },
    { kind: 'decisions', before: 7, limit: 1, lookAt: 2, maxBytes: 9, filter: { user: 'u' } },
  ].map((question) => ({ type: 'ask', id: 3, question })),
]
const news = [
  { type: 'listening', address: '127.0.0.1:1' },
  { type: 'failed', code: 'CONFIG_INVALID', message: 'why' },
  { type: 'leaving' },
  { type: 'farewell', metrics: '' },
  ...[
    { kind: 'state', value: { report, policy: 'v' } },
    { kind: 'metrics', value: 'text' },
    { kind: 'prepare', value: true },
    { kind: 'commit', value: false },
    { kind: 'drain', value: true },
    { kind: 'decision', value: null },
    { kind: 'decision', value: record },
    { kind: 'decisions', value: { records: [record], numbers: [4], next: null } },
    { kind: 'metrics', value: undefined },
  ].map((answer) => ({ type: 'answer', id: 3, ...answer })),
]

describe('messages between processes', () => {
  it.each(orders)('an order is read as it is: %j', (order) => {
    expect(readOrder(order, start)).toEqual(order)
  })

  it.each(news)('news are read as they are: %j', (one) => {
    expect(readNews(one)).toEqual(one)
  })

  it.each([
    { type: 'start', start: 'of another release' },
    { type: 'ask', id: -1, question: { kind: 'state' } },
    { type: 'ask', id: 1, question: { kind: 'prepare', version: 'v' } },
    {
      type: 'ask',
      id: 1,
      question: { kind: 'decisions', before: '0', limit: 1, lookAt: 1, maxBytes: 9, filter: {} },
    },
    { type: 'log' },
    { type: 'grant' },
  ])('what is no order is none: %j', (order) => {
    expect(readOrder(order, start)).toBeUndefined()
  })

  it.each([
    { kind: 'state', value: { report: { status: 'fine', components: {} }, policy: 'v' } },
    { kind: 'state', value: { report } },
    { kind: 'metrics', value: 1 },
    { kind: 'commit', value: 'true' },
    { kind: 'decision', value: {} },
    { kind: 'decisions', value: { records: [record], numbers: [], next: null } },
    { kind: 'decisions', value: { records: [record], numbers: [-1], next: null } },
  ])('an answer that is none of its kind counts as not given: %j', (answer) => {
    expect(readNews({ type: 'answer', id: 1, ...answer })).toEqual({
      ...{ type: 'answer', id: 1, kind: answer.kind, value: undefined },
    })
  })

  it('anything else is none, and does no harm', () => {
    fc.assert(
      fc.property(fc.anything(), (message) => {
        expect([readOrder(message, start), readNews(message)]).toEqual([undefined, undefined])
      }),
    )
    for (const type of [...orders, ...news].map((one) => one.type)) {
      fc.assert(
        fc.property(fc.dictionary(fc.string(), fc.anything()), (rest) => {
          readOrder({ ...rest, type }, start)
          readNews({ ...rest, type })
        }),
        { numRuns: 20 },
      )
    }
  })
})
