import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { observeCheck } from '../../src/application/observe-check.ts'
import type { Facts } from '../../src/application/facts.ts'
import { httpRequestBytes, type Answer } from '../support/authorization-client.ts'
import {
  handlerWith,
  observed,
  openPolicy,
  serve,
  type ObservedCheck,
} from '../support/authorization-server.ts'
import { bearer, checkWith, factOf, policyWith, simulatedFacts } from '../support/builders.ts'
import { eventually, timed } from '../support/eventually.ts'

const open = httpRequestBytes({ method: 'GET', path: '/open' })
const unavailable = {
  code: 14,
  kind: 'denied_response',
  httpStatus: 503,
  body: { type: 'urn:tenantgate:unavailable' },
}

/** A check that allows as soon as it is released or aborted, and says when that was. */
function heldCheck() {
  const abortedAfterMs: number[] = []
  let asked = 0
  const gate = Promise.withResolvers<undefined>()
  const check: ObservedCheck = async (request, deadline) => {
    const signal = deadline.signal()
    asked += 1
    const begin = performance.now()
    const aborted = Promise.withResolvers<undefined>()
    const abort = (): void => {
      abortedAfterMs.push(performance.now() - begin)
      aborted.resolve(undefined)
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
    await Promise.race([gate.promise, aborted.promise])
    return observed(openPolicy, signal.aborted ? { ...request, path: '/none' } : request)
  }
  return { check, abortedAfterMs, asked: () => asked, release: () => gate.resolve(undefined) }
}

/** The service's own pipeline over a source of facts, on a route that needs one. */
function pipeline(ask: Facts['ask']): ObservedCheck {
  const policy = policyWith(['{ name: me, match: GET /me, access: authenticated }'])
  const { check } = checkWith({ policy: () => policy, facts: simulatedFacts(ask) })
  return observeCheck(check, {
    log: { decision: () => true, policy: () => undefined, close: () => Promise.resolve() },
    metrics: { decided: () => undefined },
    loggedAllows: 1,
    logRequired: false,
    worker: 0,
    now: Date.now,
    monotonicNow: () => performance.now(),
    timestamp: String,
    newId: () => 'decision-1',
    random: Math.random,
  })
}
const me = httpRequestBytes({ method: 'GET', path: '/me', headers: { authorization: bearer } })

describe('a check has', () => {
  /** When the signal aborted, in ms; the least of some tries, since timers only ever come late. */
  async function abortsAfterMs(deadlineMs: number, timeoutMs: number): Promise<number> {
    const held = heldCheck()
    const handle = handlerWith({ check: held.check, deadlineMs })
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      const reply = (): void => resolve(undefined)
      handle({ timeoutMs, reply, onCancelled: undefined }, open, 0, open.length)
      await promise
    }
    return Math.min(...held.abortedAfterMs)
  }

  it.each([
    ['its own deadline where the caller names none', 60, Infinity],
    ['its own deadline where the caller’s is later', 60, 10_000],
    ['its own deadline where the caller’s is no number', 60, NaN],
    ['20 ms less than the caller’s deadline where that is sooner', 10_000, 80],
  ])('%s', async (_title, deadlineMs, timeoutMs) => {
    const ms = await abortsAfterMs(deadlineMs, timeoutMs)
    expect(ms).toBeGreaterThan(50)
    expect(ms).toBeLessThan(2_000)
  })

  it('no time where the caller’s deadline is within 20 ms', async () => {
    expect(await abortsAfterMs(10_000, 19)).toBeLessThan(10)
  })

  it('the time that the transport says', async () => {
    const held = heldCheck()
    const { client } = await serve({ check: held.check, deadlineMs: 20_000 })
    await client.check(open, { timeoutMs: 500 }).catch(() => undefined) // on a busy machine too late
    await eventually(() => held.abortedAfterMs.length === 1)
    expect(held.abortedAfterMs[0]).toBeLessThan(10_000)
  })
})

describe('a check that does not come to an end in time is denied, with OK for gRPC,', () => {
  it.each<[string, Facts['ask']]>([
    ['where a part never answers', () => new Promise(() => undefined)],
    [
      'where a part gives up at the deadline',
      (_pair, _freshness, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('gave up')))
        }),
    ],
    [
      'where a part answers after the deadline',
      async () => {
        await pause(120)
        return factOf(['owner'])
      },
    ],
  ])('%s', async (_title, read) => {
    const { client } = await serve({ check: pipeline(read), deadlineMs: 50 })
    const { ms, value } = await timed(client.check(me))
    expect(value).toMatchObject(unavailable)
    expect(ms).toBeLessThan(1_000)
  })

  it('where the process stood still past the deadline and timers come after the answer', async () => {
    const { client } = await serve({
      deadlineMs: 50,
      check: pipeline(async () => {
        const end = performance.now() + 150
        while (performance.now() < end);
        return factOf(['owner'])
      }),
    })
    expect(await client.check(me)).toMatchObject(unavailable)
  })

  it('where the whole check ignores its signal', async () => {
    const { client } = await serve({ check: () => new Promise(() => undefined), deadlineMs: 50 })
    const { value, error } = await timed(client.check(open, { timeoutMs: 2_000 }))
    expect(error).toBeUndefined()
    expect(value).toMatchObject(unavailable)
  })
})

describe('a fault is denied, with OK for gRPC:', () => {
  const decisionless = { decision: null, decisionId: 'd' } as unknown as Awaited<
    ReturnType<ObservedCheck>
  >
  it.each<[string, ObservedCheck]>([
    ['a check that rejects', () => Promise.reject(new Error('down'))],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a bug may
    ['a check that rejects without a reason', () => Promise.reject(undefined)],
    [
      'a check that throws at once',
      () => {
        throw new TypeError('bug')
      },
    ],
    ['a check without a decision', async () => decisionless],
    [
      'an answer that cannot be encoded',
      async (request) => ({
        ...observed(openPolicy, request),
        decisionId: { toString: () => unsayable() } as unknown as string,
      }),
    ],
  ])('%s', async (_title, check) => {
    const faults: unknown[] = []
    const { client } = await serve({ check, onFault: (cause) => faults.push(cause) })
    const answer: Answer = await client.check(open)
    expect(answer).toMatchObject({ ...unavailable, body: { decision_id: 'id-1' } })
    expect(answer.headers).toContainEqual(['retry-after', '1'])
    expect(faults).toHaveLength(1)
  })

  function unsayable(): never {
    throw new Error('this cannot be encoded')
  }
})

describe('more checks at once than allowed', () => {
  it('are denied at once, and the ones under way are not', async () => {
    const held = heldCheck()
    let overloads = 0
    const { client } = await serve({
      check: held.check,
      maxInFlight: 2,
      deadlineMs: 20_000,
      refuse: () => `overload-${(overloads += 1)}`,
    })
    const underWay = [client.check(open), client.check(open)]
    await eventually(() => held.asked() === 2)
    expect(await client.check(open)).toMatchObject(unavailable)
    expect(await client.check(open)).toMatchObject({
      headers: expect.arrayContaining([['retry-after', '1']]) as unknown,
    })
    expect(held.asked()).toBe(2)
    expect(overloads).toBe(2)

    held.release()
    for (const answer of await Promise.all(underWay)) expect(answer.code).toBe(0)
    expect(await client.check(open)).toMatchObject({ code: 0 })
  })

  it('do not count those that ended badly', async () => {
    const { client } = await serve({ check: () => Promise.reject(new Error('x')), maxInFlight: 1 })
    for (let count = 0; count < 5; count += 1) await client.check(open)
    const faults: unknown[] = []
    const { client: other } = await serve({
      maxInFlight: 1,
      check: (request) =>
        faults.push(1) < 4
          ? Promise.reject(new Error('x'))
          : Promise.resolve(observed(openPolicy, request)),
    })
    for (let count = 0; count < 3; count += 1) await other.check(open)
    expect(await other.check(open)).toMatchObject({ code: 0 })
  })
})

describe('a call that the caller cancels', () => {
  it('aborts its check and gives its place free', async () => {
    const held = heldCheck()
    const { client } = await serve({ check: held.check, maxInFlight: 1, deadlineMs: 20_000 })
    const cancelled = client.check(open, {
      onCall: (call) => void eventually(() => held.asked() === 1).then(() => call.cancel()),
    })
    await expect(cancelled).rejects.toMatchObject({ code: 1 })
    await eventually(() => held.abortedAfterMs.length === 1)

    held.release()
    await eventually(async () => (await client.check(open)).code === 0)
  })
})
