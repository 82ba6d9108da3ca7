import { describe, expect, it } from 'vitest'
import { errorCode, frameFlag } from '../../../src/adapters/http2/protocol.ts'
import {
  dataOf,
  frameOf,
  headersOf,
  messageOf,
  pingOf,
  prefaceOctets,
  requestFields,
  requestOf,
  settingsOf,
  uint32,
} from '../../support/http2-frames.ts'
import { openSession, type TestSession } from '../../support/http2-session.ts'

const { protocolError, settingsTimeout, enhanceYourCalm } = errorCode
const goAway = (code: number, last = 0): string => `GOAWAY last ${last} code ${code}`
const drainAck = pingOf('draining', frameFlag.ack)
const firstGoAway = [`GOAWAY last ${2 ** 31 - 1} code 0`, 'PING draining']

describe('a time that is passed ends the connection', () => {
  it.each<[string, string, Parameters<typeof openSession>[0], Uint8Array[]]>([
    [
      'for the preface',
      goAway(protocolError),
      { settings: null, limits: { greetingMs: 1_000 } },
      [prefaceOctets],
    ],
    [
      'for the acknowledgement of SETTINGS',
      goAway(settingsTimeout),
      { settings: null, limits: { settingsMs: 1_000 } },
      [prefaceOctets, settingsOf()],
    ],
    [
      'for a header block',
      goAway(enhanceYourCalm),
      { limits: { headerBlockMs: 1_000 } },
      [frameOf('headers', { streamId: 1 })],
    ],
  ])('%s', (_what, wanted, options, octets) => {
    const { send, said, take, pass } = openSession(options)
    send(...octets)
    take()
    pass(1_000)
    expect(said()).toEqual([])
    pass(1)
    expect(said()).toEqual([wanted])
  })

  it('for a frame, not for many that come in parts', () => {
    const { send, said, pass } = openSession({ limits: { headerBlockMs: 1_000 } })
    const ping = pingOf()
    send(ping.subarray(0, 5))
    for (let n = 0; n < 10; n += 1) {
      pass(600)
      send(ping.subarray(5), ping.subarray(0, 5))
    }
    expect(said()).toHaveLength(10)
    pass(1)
    pass(1_000)
    expect(said()).toEqual([])
    pass(1)
    expect(said()).toEqual([goAway(enhanceYourCalm)])
  })
})

describe('idle frames', () => {
  const times = (count: number): Uint8Array[] => Array<Uint8Array>(count).fill(pingOf())

  it('are forgiven as time goes', () => {
    const { send, socket, pass } = openSession({
      limits: { maxIdleFrames: 10, idleFramesPerSecond: 2 },
    })
    send(...times(9))
    for (let n = 0; n < 20; n += 1) {
      pass(500)
      send(pingOf())
    }
    expect(socket.isEnded).toBe(false)
    pass(499)
    send(...times(3))
    expect(socket.isEnded).toBe(true)
  })

  it('are forgiven with each answer', () => {
    const { send, socket } = openSession({ limits: { maxIdleFrames: 10 } })
    for (let id = 1; id < 100; id += 2) send(...times(9), requestOf(id, 'Echo', 'x'))
    expect(socket.isEnded).toBe(false)
    send(...times(11))
    expect(socket.isEnded).toBe(true)
  })
})

describe('keepalive', () => {
  const limits = { keepaliveMs: 10_000, keepaliveTimeoutMs: 2_000 }

  it('asks who says nothing, and gives up who does not answer', () => {
    const { said, socket, pass } = openSession({ limits })
    pass(10_000)
    expect(said()).toEqual([])
    pass(1)
    expect(said()).toEqual(['PING alive???'])
    pass(2_000)
    expect(socket.isDestroyed).toBe(false)
    pass(1)
    expect(socket.isDestroyed).toBe(true)
    expect(said()).toEqual([])
  })

  it('takes anything for an answer', () => {
    const { send, said, socket, pass } = openSession({ limits })
    pass(10_001)
    send(pingOf('alive???', frameFlag.ack))
    pass(9_000)
    send(pingOf())
    said()
    pass(9_000)
    expect(said()).toEqual([])
    pass(1_001)
    expect(said()).toEqual(['PING alive???'])
    expect(socket.isDestroyed).toBe(false)
  })
})

describe('a peer that does not read', () => {
  const stalled = (): TestSession => {
    const session = openSession({ limits: { stallMs: 5_000 }, settings: { 4: 2 ** 31 - 1 } })
    session.socket.backlog = 1
    return session
  }

  it('is not read from, and read from again when it has read', () => {
    const { send, session, socket } = stalled()
    send(requestOf(1, 'Size', uint32(30_000)))
    expect(socket.isPaused).toBe(false)
    send(requestOf(3, 'Size', uint32(30_000)))
    send(requestOf(5, 'Size', uint32(30_000)))
    expect(socket.isPaused).toBe(true)
    socket.backlog = 0
    session.drained()
    expect(socket.isPaused).toBe(false)
    expect(session.connection.output.isCongested).toBe(false)
  })

  it('is given up when nothing of it gets away for too long', () => {
    const { send, socket, pass } = stalled()
    send(requestOf(1, 'Size', uint32(40_000)))
    pass(1)
    pass(5_000)
    expect(socket.isDestroyed).toBe(false)
    socket.backlog -= 10
    pass(4_000)
    pass(5_000)
    expect(socket.isDestroyed).toBe(false)
    pass(1)
    expect(socket.isDestroyed).toBe(true)
  })

  it('is read to its end after the last word, and given up after a while', () => {
    const { send, socket, pass } = stalled()
    socket.backlog = 100_000
    send(pingOf())
    expect(socket.isPaused).toBe(true)
    send(frameOf('pushPromise', { streamId: 1 }))
    expect(socket).toMatchObject({ isEnded: true, isDestroyed: false })
    pass(2_000)
    expect(socket).toMatchObject({ isPaused: false, isDestroyed: false })
    pass(1)
    expect(socket.isDestroyed).toBe(true)
  })
})

describe('a server that stops (RFC 9113 section 6.8)', () => {
  it('says so, takes what is on its way, answers all, then ends', async () => {
    const { session, send, said, release, socket } = openSession()
    send(requestOf(1, 'Stuck', 'x'))
    session.drain()
    await new Promise((resolve) => setImmediate(resolve))
    expect(said()).toEqual(firstGoAway)
    send(requestOf(3, 'Echo', 'x'))
    expect(said()).toHaveLength(3)
    send(drainAck)
    expect(said()).toEqual([goAway(0, 3)])
    send(requestOf(5, 'Echo', 'x'), dataOf(5, Buffer.of(1)))
    expect(said()).toEqual([])
    expect(socket.isEnded).toBe(false)
    release()
    expect(socket.isEnded).toBe(true)
    expect(said()).toEqual(['HEADERS 1 200', 'DATA 1 5', 'HEADERS 1 grpc 0 end'])
  })

  it('ends at once where nothing is under way', () => {
    const { session, send, said, socket } = openSession()
    session.drain()
    send(drainAck)
    expect(said()).toEqual([...firstGoAway, goAway(0)])
    expect(socket).toMatchObject({ isEnded: true, isDestroyed: false })
  })

  it('does not wait for ever to be understood', () => {
    const { session, said, pass, socket } = openSession({ limits: { goAwayMs: 1_000 } })
    session.drain()
    pass(1)
    pass(1_000)
    expect(socket.isEnded).toBe(false)
    pass(1)
    expect(said()).toEqual([...firstGoAway, goAway(0)])
    expect(socket.isEnded).toBe(true)
  })

  it('takes no other PING for an answer', () => {
    const { session, send, socket } = openSession()
    session.drain()
    send(pingOf('drainin!', frameFlag.ack), pingOf('draining'))
    expect(socket.isEnded).toBe(false)
  })

  it('does not take frames on newer streams for faults', () => {
    const { session, send, said } = openSession()
    send(requestOf(1, 'Never', 'x'))
    session.drain()
    send(drainAck)
    said()
    const newer = headersOf(7, requestFields('/test.Echo/Echo'))
    send(newer, dataOf(7, messageOf('x'), { endStream: false }), newer)
    send(frameOf('windowUpdate', { streamId: 7, payload: uint32(1) }))
    send(frameOf('rstStream', { streamId: 7, payload: uint32(8) }))
    expect(said()).toEqual([])
    send(pingOf())
    expect(said()).toEqual(['PING ack pingping'])
  })

  it('ends the connection of who has not even greeted', () => {
    const { session, socket } = openSession({ settings: null })
    session.drain()
    expect(socket.isEnded).toBe(true)
  })

  it('ends a connection that nobody uses, and no other', () => {
    const { send, said, take, pass, release } = openSession({ limits: { idleMs: 10_000 } })
    send(requestOf(1, 'Stuck', 'x'))
    pass(20_000)
    release()
    send(pingOf())
    take()
    pass(10_000)
    send(requestOf(3, 'Echo', 'x'))
    take()
    pass(1)
    pass(10_000)
    expect(said()).toEqual([])
    pass(1)
    expect(said()).toEqual(firstGoAway)
  })
})

describe('a fault of the server', () => {
  it('is reported and ends the connection, not the process', () => {
    const { session, send, said, socket, faults } = openSession()
    Object.assign(session.connection.decoder, {
      decode() {
        throw new Error('a bug')
      },
    })
    send(requestOf(1, 'Echo', 'x'))
    expect(faults).toEqual([new Error('a bug')])
    expect(said()).toEqual([goAway(errorCode.internalError)])
    expect(socket.isEnded).toBe(true)
  })
})
