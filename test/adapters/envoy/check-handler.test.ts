import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { UnaryCall } from '../../../src/ports/unary-call.ts'
import { answerOf, httpRequestBytes, type Answer } from '../../support/authorization-client.ts'
import { handlerWith, observed, openPolicy } from '../../support/authorization-server.ts'
import { eventually } from '../../support/eventually.ts'

const open = httpRequestBytes({ method: 'GET', path: '/open' })

/** A call that a transport keeps, and its answers. */
function newCall(timeoutMs = Infinity): UnaryCall & { readonly answers: Answer[] } {
  const answers: Answer[] = []
  return {
    timeoutMs,
    answers,
    reply: (bytes, length) => answers.push(answerOf(Buffer.from(bytes.subarray(0, length)))),
    onCancelled: undefined,
  }
}

describe('a check that is decided at once', () => {
  it('is answered before the handler returns, with neither timer nor promise', () => {
    const handler = handlerWith({ check: (request) => observed(openPolicy, request) })
    const call = newCall()
    const timers = process.getActiveResourcesInfo().length
    handler(call, open, 0, open.length)
    expect(call.answers).toMatchObject([{ code: 0, kind: 'ok_response' }])
    expect(process.getActiveResourcesInfo()).toHaveLength(timers)
    expect(call.onCancelled).toBeUndefined()
  })

  it('is of the bytes between its ends, whatever stands around them', () => {
    const handler = handlerWith({ check: (request) => observed(openPolicy, request) })
    const call = newCall()
    const memory = Buffer.concat([open, open, open])
    handler(call, memory, open.length, 2 * open.length)
    handler(call, memory, open.length, 2 * open.length - 1)
    handler(call, memory, 0, 0)
    expect(call.answers).toMatchObject([{ code: 0 }, { httpStatus: 400 }, { httpStatus: 400 }])
  })

  it('is not allowed after its deadline', () => {
    let nowMs = 0
    const handler = handlerWith({
      monotonicNow: () => nowMs,
      deadlineMs: 50,
      check(request) {
        nowMs += 51
        return observed(openPolicy, request)
      },
    })
    const call = newCall()
    handler(call, open, 0, open.length)
    expect(call.answers).toMatchObject([{ httpStatus: 503, body: { decision_id: 'decision-1' } }])
  })

  it.each([
    ['is not allowed where the caller’s deadline is on its way', 20, 503],
    ['is not allowed where the caller’s deadline has passed', -1, 503],
    ['is allowed in the time that the caller leaves', 21, undefined],
    ['has its own deadline where the caller’s is none', NaN, undefined],
  ])('%s', (_title, timeoutMs, httpStatus) => {
    // All of a turn may share one reading of the clock.
    const handler = handlerWith({
      monotonicNow: () => 7,
      check: (request) => observed(openPolicy, request),
    })
    const call = newCall(timeoutMs)
    handler(call, open, 0, open.length)
    expect(call.answers).toMatchObject([{ httpStatus }])
  })
})

it('a caller without a deadline does not wait longer than the own one', async () => {
  const handler = handlerWith({ deadlineMs: 30, check: () => new Promise(() => undefined) })
  const calls = [Infinity, NaN].map((timeoutMs) => newCall(timeoutMs))
  for (const call of calls) handler(call, open, 0, open.length)
  await eventually(() => calls.every(({ answers }) => answers.length === 1))
  for (const call of calls) expect(call.answers).toMatchObject([{ httpStatus: 503 }])
})

it('a caller whose deadline cannot be read has the own one, not less', async () => {
  const gate = Promise.withResolvers<undefined>()
  const handler = handlerWith({
    deadlineMs: 20_000,
    check: (request) => gate.promise.then(() => observed(openPolicy, request)),
  })
  const call = newCall(NaN)
  handler(call, open, 0, open.length)
  setTimeout(gate.resolve, 50, undefined)
  await eventually(() => call.answers.length === 1)
  expect(call.answers).toMatchObject([{ code: 0 }])
})

it('a check that fails after its caller was told so answers no second time', async () => {
  const faults: unknown[] = []
  const check = Promise.withResolvers<never>()
  let refusals = 0
  const handler = handlerWith({
    deadlineMs: 10,
    check: () => check.promise,
    refuse: () => `refusal-${(refusals += 1)}`,
    onFault: (cause) => faults.push(cause),
  })
  const call = newCall()
  handler(call, open, 0, open.length)
  await eventually(() => call.answers.length === 1)
  check.reject(new Error('down'))
  await eventually(() => faults.length === 1)
  expect(call.answers).toMatchObject([{ body: { decision_id: 'refusal-1' } }])
  expect(refusals).toBe(1)
})

it('answers of different lengths that share memory do not mix', () => {
  const tokens = ['short', 'r'.repeat(100_000), 'x'.repeat(300), 'tiny']
  let asked = 0
  const handler = handlerWith({
    check: (request) => ({
      ...observed(openPolicy, request),
      assertion: tokens[asked++] ?? null,
    }),
  })
  const call = newCall()
  while (asked < tokens.length) handler(call, open, 0, open.length)
  const assertions = call.answers.map(
    ({ headers }) => headers.find(([name]) => name === 'x-identity-assertion')?.[1],
  )
  expect(assertions).toEqual(tokens)
})

it('what answers a check, but for its transport, loads neither grpc-js nor proto-loader', () => {
  const loaded = new Set<string>()
  const packages = new Set<string>()
  const load = (file: string): void => {
    if (loaded.has(file)) return
    loaded.add(file)
    const source = readFileSync(file, 'utf8')
    for (const [, kind, from = ''] of source.matchAll(
      /^(import type|import|export)\b[^']*?from '([^']+)'/gm,
    )) {
      if (kind === 'import type') continue
      if (from.startsWith('.')) load(join(dirname(file), from))
      else packages.add(from)
    }
  }
  load(join(import.meta.dirname, '../../../src/adapters/envoy/check-handler.ts'))
  expect(loaded.size).toBeGreaterThan(15)
  expect([...packages]).toEqual(['node:buffer'])
})

it('a check is told of its deadline, and may answer itself', async () => {
  const handler = handlerWith({
    deadlineMs: 20,
    check: (request, deadline) =>
      new Promise((resolve) => {
        const tell = (): void => resolve(observed(openPolicy, request))
        deadline.signal().addEventListener('abort', tell, { once: true })
      }),
  })
  const call = newCall()
  handler(call, open, 0, open.length)
  await eventually(() => call.answers.length === 1)
  // By the decision's own id, not by that of a refusal without one.
  expect(call.answers).toMatchObject([{ httpStatus: 503, body: { decision_id: 'decision-1' } }])
})

it('a check that was answered leaves no timer behind', async () => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const gate = Promise.withResolvers<undefined>()
  const handler = handlerWith({
    deadlineMs: 20_000,
    check: (request) => gate.promise.then(() => observed(openPolicy, request)),
  })
  const call = newCall()
  handler(call, open, 0, open.length)
  expect(timers()).toBe(before + 1)
  gate.resolve(undefined)
  await new Promise((resolve) => setImmediate(resolve))
  expect(call.answers).toMatchObject([{ code: 0 }])
  expect(timers()).toBe(before)
})
