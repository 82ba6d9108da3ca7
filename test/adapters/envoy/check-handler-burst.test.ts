import { beforeEach, expect, it } from 'vitest'
import { createBurst } from '../../../src/application/burst.ts'
import type { Deadline } from '../../../src/application/deadline.ts'
import { observeCheck } from '../../../src/application/observe-check.ts'
import { createBatchClock } from '../../../src/batch-clock.ts'
import type { CheckHandlerDeps } from '../../../src/adapters/envoy/check-handler.ts'
import type { AccessRequest } from '../../../src/domain/request.ts'
import type { BurstSource } from '../../../src/ports/burst.ts'
import type { UnaryCall } from '../../../src/ports/unary-call.ts'
import { answerOf, httpRequestBytes, type Answer } from '../../support/authorization-client.ts'
import { handlerWith, observed, openPolicy } from '../../support/authorization-server.ts'
import { decide } from '../../support/builders.ts'

/** Everything that was answered, in its order, and by which call. */
let answers: (readonly [call: number, answer: Answer])[]
let burst: BurstSource

beforeEach(() => {
  answers = []
  burst = createBurst()
})

function callOf(number: number): UnaryCall {
  return {
    timeoutMs: Infinity,
    reply: (bytes, length) =>
      answers.push([number, answerOf(Buffer.from(bytes.subarray(0, length)))]),
    onCancelled: undefined,
  }
}

/** Hands over GET /open and other paths, in memory that is overwritten after each, as a transport does. */
function handOver(
  options: Partial<CheckHandlerDeps>,
  paths: readonly string[],
): readonly UnaryCall[] {
  const handler = handlerWith({
    burst,
    check: (request) => observed(openPolicy, request),
    ...options,
  })
  const memory = Buffer.alloc(1_000)
  return paths.map((path, number) => {
    const length = httpRequestBytes({ method: 'GET', path }).copy(memory)
    const call = callOf(number)
    handler(call, memory, 0, length)
    memory.fill(0xff)
    return call
  })
}

const statuses = () => answers.map(([number, { httpStatus }]) => [number, httpStatus])
const many = (count: number): readonly string[] => new Array<string>(count).fill('/open')

it('what was read together is looked at first, then decided in its order, once the last was handed over', () => {
  const looked: string[][] = []
  burst.begin()
  handOver(
    { lookAhead: { at: (checks) => looked.push(checks.map(({ request }) => request.path)) } },
    ['/open', '/closed', '/open'],
  )
  expect([answers, looked]).toEqual([[], []])
  burst.end()
  expect(statuses()).toEqual([
    [0, undefined],
    [1, 403],
    [2, undefined],
  ])
  expect(looked).toEqual([['/open', '/closed', '/open']])
  burst.begin()
  burst.end()
  expect(answers).toHaveLength(3)
})

it('what came alone is decided without a look ahead, also where nothing was read together', () => {
  const looked: unknown[] = []
  const lookAhead = { at: (checks: unknown) => looked.push(checks) }
  burst.begin()
  handOver({ lookAhead }, ['/open'])
  burst.end()
  expect(answers).toHaveLength(1)
  handOver({ lookAhead }, ['/open', '/open'])
  expect(answers).toHaveLength(3)
  expect(looked).toEqual([])
})

it('no more than 64 are kept', () => {
  burst.begin()
  handOver({}, many(100))
  expect(answers).toHaveLength(64)
  burst.end()
  expect(statuses()).toEqual(many(100).map((_, number) => [number, undefined]))
})

it('one that fails keeps none of the others from being decided', () => {
  const faults: unknown[] = []
  burst.begin()
  handOver(
    {
      onFault: (cause) => faults.push(cause),
      check(request: AccessRequest) {
        if (request.path === '/bug') throw new Error('a bug')
        return observed(openPolicy, request)
      },
    },
    ['/open', '/bug', '/open'],
  )
  burst.end()
  expect(statuses()).toEqual([
    [0, undefined],
    [1, 503],
    [2, undefined],
  ])
  expect(faults).toHaveLength(1)
})

it('a look ahead that fails is told, and changes no decision', () => {
  const faults: unknown[] = []
  burst.begin()
  handOver(
    {
      lookAhead: {
        at() {
          throw new Error('a bug')
        },
      },
      onFault: (cause) => faults.push(cause),
    },
    ['/open', '/open'],
  )
  burst.end()
  expect(faults).toMatchObject([{ message: 'a bug' }])
  expect(statuses()).toEqual([
    [0, undefined],
    [1, undefined],
  ])
})

it('an answer that cannot be given keeps nobody else from one, in this burst or the next', () => {
  const faults: unknown[] = []
  const handler = handlerWith({
    burst,
    check: (request) => observed(openPolicy, request),
    onFault: (cause) => faults.push(cause),
  })
  const open = httpRequestBytes({ method: 'GET', path: '/open' })
  const mute: UnaryCall = {
    ...callOf(0),
    reply() {
      throw new Error('a bug')
    },
  }
  burst.begin()
  for (const call of [mute, callOf(1)]) handler(call, open, 0, open.length)
  burst.end()
  burst.begin()
  handler(callOf(2), open, 0, open.length)
  burst.end()
  expect(faults).toMatchObject([{ message: 'a bug' }, { message: 'a bug' }])
  expect(statuses()).toEqual([
    [1, undefined],
    [2, undefined],
  ])
})

it('who gave up before the end is not worked for', () => {
  const late: boolean[] = []
  burst.begin()
  const [gone] = handOver(
    {
      check(request: AccessRequest, deadline: Deadline) {
        late.push(deadline.isLate())
        return observed(openPolicy, request)
      },
    },
    ['/open', '/open'],
  )
  gone?.onCancelled?.()
  burst.end()
  expect(late).toEqual([true, false])
  expect(statuses()).toEqual([
    [0, 503],
    [1, undefined],
  ])
})

it('the time until the end counts', () => {
  let nowMs = 0
  burst.begin()
  handOver({ monotonicNow: () => nowMs, deadlineMs: 50 }, ['/open'])
  nowMs = 51
  burst.end()
  expect(statuses()).toEqual([[0, 503]])
})

it('no more checks are under way than may be', () => {
  burst.begin()
  handOver({ maxInFlight: 2, check: () => new Promise(() => undefined) }, many(5))
  burst.end()
  expect(statuses()).toEqual([
    [2, 503],
    [3, 503],
    [4, 503],
  ])
})

it('checks of one batch are decided by one clock, which goes on before the next, and not while they are read', () => {
  const seen: string[] = []
  const batchClock = { begin: () => seen.push('begin'), end: () => seen.push('end') }
  const check: CheckHandlerDeps['check'] = (request) => {
    seen.push(request.path)
    if (request.path === '/closed') throw new Error('a bug')
    return observed(openPolicy, request)
  }
  burst.begin()
  handOver({ batchClock, check, onFault: () => undefined }, ['/open', '/closed', '/open'])
  expect(seen).toEqual([])
  burst.end()
  expect(seen).toEqual(['begin', '/open', '/closed', '/open', 'end'])
  seen.length = 0
  burst.begin()
  handOver({ batchClock, check }, many(65))
  expect(seen).toEqual(['begin', ...many(64), 'end'])
  burst.end()
  expect(seen.slice(66)).toEqual(['begin', '/open', 'end'])
})

it('whatever goes wrong in a batch, its clock goes on, and nobody of it is decided twice', () => {
  const seen: string[] = []
  const batchClock = { begin: () => seen.push('begin'), end: () => seen.push('end') }
  const check: CheckHandlerDeps['check'] = () => {
    throw new Error('a bug')
  }
  const onFault = (): never => {
    throw new Error('another')
  }
  burst.begin()
  handOver({ batchClock, check, onFault }, ['/open', '/open'])
  expect(() => burst.end()).toThrow('another')
  expect(seen).toEqual(['begin', 'end'])
  burst.begin()
  burst.end()
  expect(seen).toEqual(['begin', 'end'])
})

it('what is read late in a long turn of the event loop is not late itself', () => {
  const maxMs = 150
  const batchClock = createBatchClock()
  const clocks = { now: Date.now, monotonicNow: () => performance.now() }
  const check = observeCheck((request) => decide(openPolicy, request), {
    ...clocks,
    log: {
      keepsNothing: true,
      decision: () => true,
      policy: () => undefined,
      close: () => Promise.resolve(),
    },
    ...{ metrics: { decided: () => undefined }, loggedAllows: 1, logRequired: false, worker: 0 },
    ...{ timestamp: String, newId: () => 'the-id', random: Math.random },
    batch: { clock: batchClock.now, maxMs },
  })
  const read = (): void => {
    burst.begin()
    handOver({ batchClock, check }, ['/open', '/open'])
    burst.end()
  }
  read()
  // As where libuv reads on and on what has gathered: nothing else of the loop has its turn meanwhile.
  const until = performance.now() + 2 * maxMs
  while (performance.now() < until);
  read()
  expect(statuses()).toEqual([0, 1, 0, 1].map((number) => [number, undefined]))
})
