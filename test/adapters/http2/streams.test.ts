import { describe, expect, it } from 'vitest'
import { errorCode } from '../../../src/adapters/http2/protocol.ts'
import type { Stream } from '../../../src/adapters/http2/stream.ts'
import type { UnaryCall } from '../../../src/ports/unary-call.ts'
import {
  dataOf,
  frameOf,
  headersOf,
  messageOf,
  requestFields,
  requestOf,
  resetOf,
  windowUpdateOf,
} from '../../support/http2-frames.ts'
import { openSession, type TestSession } from '../../support/http2-session.ts'

const { protocolError, streamClosed, refusedStream, cancel } = errorCode
const head = (id: number, endStream = false): Buffer =>
  headersOf(id, requestFields('/test.Echo/Echo'), { endStream })
const priority = (id: number): Buffer =>
  frameOf('priority', { streamId: id, payload: new Uint8Array(5) })
const alive = (id = 101): Buffer => requestOf(id, 'Echo', 'x')
const aliveSaid = ['HEADERS 101 200', 'DATA 101 6', 'HEADERS 101 grpc 0 end']

/** Octets that bring stream 1 into a state, and what may come in it (RFC 9113 section 5.1). */
describe.each<
  [state: string, octets: Uint8Array[], frames: readonly (readonly [string, Uint8Array, string?])[]]
>([
  [
    'half-closed (remote), in work',
    [requestOf(1, 'Never', 'x')],
    [
      ['DATA', dataOf(1, messageOf('y')), `RST_STREAM 1 code ${streamClosed}`],
      ['HEADERS', head(1, true), `RST_STREAM 1 code ${streamClosed}`],
      ['PRIORITY', priority(1)],
      ['WINDOW_UPDATE', windowUpdateOf(1, 1)],
      ['RST_STREAM', resetOf(1)],
      ['WINDOW_UPDATE of 0', windowUpdateOf(1, 0), `RST_STREAM 1 code ${protocolError}`],
    ],
  ],
  [
    'closed by its end',
    [requestOf(1, 'Echo', 'x')],
    [
      ['DATA', dataOf(1, messageOf('y')), `RST_STREAM 1 code ${streamClosed}`],
      ['PRIORITY', priority(1)],
      ['WINDOW_UPDATE', windowUpdateOf(1, 1)],
      ['WINDOW_UPDATE of 0', windowUpdateOf(1, 0)],
      ['RST_STREAM', resetOf(1)],
    ],
  ],
  [
    'reset by the client',
    [head(1), resetOf(1)],
    [
      ['DATA', dataOf(1, messageOf('y')), `RST_STREAM 1 code ${streamClosed}`],
      ['PRIORITY', priority(1)],
      ['WINDOW_UPDATE', windowUpdateOf(1, 1)],
      ['RST_STREAM', resetOf(1)],
    ],
  ],
  [
    'reset by the server',
    [head(1), windowUpdateOf(1, 0)],
    [
      ['DATA', dataOf(1, messageOf('y'))],
      ['HEADERS', head(1, true)],
      ['PRIORITY', priority(1)],
      ['WINDOW_UPDATE', windowUpdateOf(1, 1)],
      ['WINDOW_UPDATE of 0', windowUpdateOf(1, 0)],
      ['RST_STREAM', resetOf(1)],
    ],
  ],
  [
    'open',
    [head(1)],
    [
      ['HEADERS that do not end it', head(1), `RST_STREAM 1 code ${protocolError}`],
      ['trailers with pseudo-headers', head(1, true), `RST_STREAM 1 code ${protocolError}`],
      ['PRIORITY', priority(1)],
      [
        'PRIORITY of itself',
        frameOf('priority', { streamId: 1, payload: [0, 0, 0, 1, 0] }),
        `RST_STREAM 1 code ${protocolError}`,
      ],
      [
        'PRIORITY of 4 octets',
        frameOf('priority', { streamId: 1, payload: [0, 0, 0, 3] }),
        `RST_STREAM 1 code ${errorCode.frameSizeError}`,
      ],
      [
        'WINDOW_UPDATE past the largest',
        windowUpdateOf(1, 2 ** 31 - 65_535),
        `RST_STREAM 1 code ${errorCode.flowControlError}`,
      ],
      ['RST_STREAM', resetOf(1)],
    ],
  ],
])('a stream that is %s', (_state, before, frames) => {
  it.each(frames)('takes %s', (_frame, octets, wanted) => {
    const { send, said } = openSession()
    send(...before)
    said()
    send(octets as Uint8Array, alive())
    expect(said()).toEqual(wanted === undefined ? aliveSaid : [wanted, ...aliveSaid])
  })
})

describe('stream ids', () => {
  it('may leave some out, which are closed then', () => {
    const { send, said } = openSession()
    send(priority(3), priority(11), requestOf(13, 'Echo', 'x'))
    expect(said()).toEqual(['HEADERS 13 200', 'DATA 13 6', 'HEADERS 13 grpc 0 end'])
    send(dataOf(5, messageOf('x')))
    expect(said()).toEqual([`RST_STREAM 5 code ${streamClosed}`])
  })

  it('may be the largest there is', () => {
    const { send, said } = openSession()
    send(requestOf(2 ** 31 - 1, 'Echo', 'x'))
    expect(said()).toHaveLength(3)
  })

  it('of resets by the server are remembered within bounds', () => {
    const { send, said } = openSession({ limits: { maxIdleFrames: 10_000 } })
    for (let id = 1; id < 4_000; id += 2) send(head(id), windowUpdateOf(id, 0))
    said()
    send(dataOf(3_999, Buffer.of(1)), dataOf(1, Buffer.of(1)))
    expect(said()).toEqual([`RST_STREAM 1 code ${streamClosed}`])
  })

  it('that were left out are remembered within bounds', () => {
    const { send, said } = openSession()
    for (let id = 5; id < 400; id += 8) send(requestOf(id, 'Echo', 'x'))
    said()
    send(head(3))
    expect(said()).toEqual([`GOAWAY last 397 code ${streamClosed}`])
  })
})

describe('streams at once', () => {
  const full = (limit: number): TestSession =>
    openSession({ limits: { maxConcurrentStreams: limit } })

  it('are refused beyond the limit, and taken again once there is room', () => {
    const { send, said } = full(2)
    send(requestOf(1, 'Never', 'x'), head(3), head(5), requestOf(7, 'Echo', 'x'))
    expect(said()).toEqual([
      `RST_STREAM 5 code ${refusedStream}`,
      `RST_STREAM 7 code ${refusedStream}`,
    ])
    send(resetOf(1), requestOf(9, 'Echo', 'x'))
    expect(said()).toHaveLength(3)
  })

  it('count while their work goes on, though they were reset', () => {
    const { send, said, release } = full(1)
    send(requestOf(1, 'Stuck', 'x'), resetOf(1), alive(3))
    expect(said()).toEqual([`RST_STREAM 3 code ${refusedStream}`])
    release()
    send(alive())
    expect(said()).toEqual(aliveSaid)
  })

  it('count no longer if their work is lost, which is reported', () => {
    const { send, said, pass, faults } = openSession({
      limits: { maxConcurrentStreams: 1, workMs: 1_000 },
    })
    send(requestOf(1, 'Stuck', 'x'), resetOf(1))
    pass(1_000)
    expect(faults).toEqual([])
    pass(1)
    expect(faults).toHaveLength(1)
    send(alive())
    expect(said()).toEqual(aliveSaid)
  })

  it('that are refused are no fault of the client', () => {
    const { send, said, socket } = full(0)
    for (let id = 1; id < 10_000; id += 2) send(head(id))
    expect(said()).toHaveLength(5_000)
    expect(socket.isEnded).toBe(false)
  })
})

describe('a call that is kept', () => {
  const bytes = Buffer.from('late')
  function keeping(): TestSession & { readonly calls: UnaryCall[] } {
    const calls: UnaryCall[] = []
    const methods = new Map([['/test.Echo/Keep', (call: Stream) => void calls.push(call)]])
    return { ...openSession({ methods }), calls }
  }
  const settled = (): Promise<void> =>
    new Promise((resolve) => {
      process.nextTick(resolve)
    })

  it('is answered later, with all others of the same turn in one write', async () => {
    const { send, calls, said } = keeping()
    send(requestOf(1, 'Keep', ''), requestOf(3, 'Keep', ''))
    expect(said()).toEqual([])
    calls.forEach((call) => call.reply(bytes, 4))
    expect(said()).toEqual([])
    await settled()
    expect(said()).toEqual(
      [1, 3].flatMap((id) => [`HEADERS ${id} 200`, `DATA ${id} 9`, `HEADERS ${id} grpc 0 end`]),
    )
  })

  it('is answered once', async () => {
    const { send, calls, take } = keeping()
    send(requestOf(1, 'Keep', ''))
    calls[0]?.reply(bytes, 4)
    calls[0]?.reply(bytes, 4)
    await settled()
    expect(take()).toHaveLength(3)
    send(requestOf(3, 'Keep', ''))
    calls[0]?.reply(bytes, 4)
    await settled()
    expect(take()).toEqual([])
  })

  it('is told once that nobody waits, and its answer goes nowhere', async () => {
    const { send, calls, said } = keeping()
    let told = 0
    send(requestOf(1, 'Keep', ''))
    Object.assign(calls[0] ?? {}, { onCancelled: () => (told += 1) })
    send(resetOf(1), resetOf(1), requestOf(3, 'Keep', ''))
    expect(told).toBe(1)
    calls[0]?.reply(bytes, 4)
    await settled()
    expect(said()).toEqual([])
  })

  it.each<[string, (session: TestSession) => void]>([
    ['the connection is lost', ({ session }) => session.lost()],
    ['the connection fails', ({ send }) => send(windowUpdateOf(0, 0))],
    ['the server waits no longer', ({ session }) => session.abandon()],
    ['the client breaks the rules', ({ send }) => send(dataOf(1, Buffer.of(1)))],
  ])('is told that nobody waits as %s', async (_why, happen) => {
    const kept = keeping()
    let told = 0
    kept.send(requestOf(1, 'Keep', ''))
    Object.assign(kept.calls[0] ?? {}, { onCancelled: () => (told += 1) })
    happen(kept)
    kept.said()
    expect(told).toBe(1)
    kept.calls[0]?.reply(bytes, 4)
    await settled()
    expect(kept.said()).toEqual([])
    expect(kept.session.connection.activeStreams).toBe(0)
  })

  it('is not told once it is answered', () => {
    const { send, calls } = keeping()
    let told = 0
    send(frameOf('settings', { payload: [0, 4, 0, 0, 0, 0] }), requestOf(1, 'Keep', ''))
    Object.assign(calls[0] ?? {}, { onCancelled: () => (told += 1) })
    calls[0]?.reply(bytes, 4)
    send(resetOf(1))
    expect(told).toBe(0)
  })

  it('may throw when it is told: that is reported, and harms nobody', () => {
    const { send, calls, said, faults } = keeping()
    send(requestOf(1, 'Keep', ''))
    Object.assign(calls[0] ?? {}, {
      onCancelled() {
        throw new Error('a bug')
      },
    })
    send(resetOf(1), alive())
    expect(said()).toEqual(aliveSaid)
    expect(faults).toHaveLength(1)
  })

  it('never sends what lies behind its bytes', () => {
    const memory = Buffer.from('mine, and the answer of another')
    const { send, take } = openSession({
      methods: new Map([
        ['/test.Echo/Long', (call: Stream) => call.reply(memory.subarray(0, 4), 30)],
      ]),
    })
    send(requestOf(1, 'Long', ''))
    expect(take()[1]?.payload.subarray(5).toString()).toBe('mine')
  })
})

it('a request that is never ended is reset', () => {
  const { send, said, pass } = openSession({ limits: { requestMs: 1_000 } })
  send(head(1))
  pass(600)
  send(head(3), requestOf(5, 'Never', 'x'))
  pass(401)
  expect(said()).toEqual([`RST_STREAM 1 code ${cancel}`])
  pass(600)
  expect(said()).toEqual([`RST_STREAM 3 code ${cancel}`])
})
