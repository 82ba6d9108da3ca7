import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../../src/adapters/http2/limits.ts'
import { errorCode, frameFlag } from '../../../src/adapters/http2/protocol.ts'
import {
  dataOf,
  frameOf,
  headersOf,
  messageOf,
  requestFields,
  requestOf,
  resetOf,
  settingsOf,
  uint32,
  windowUpdateOf,
} from '../../support/http2-frames.ts'
import { openSession, type TestSession } from '../../support/http2-session.ts'

const { flowControlError, cancel, enhanceYourCalm } = errorCode
const head = (id: number, method = 'Echo'): Buffer =>
  headersOf(id, requestFields(`/test.Echo/${method}`))
const part = (id: number, octets: number): Buffer =>
  dataOf(id, new Uint8Array(octets), { endStream: false })
const sizeOf = (id: number, octets: number): Buffer => requestOf(id, 'Size', uint32(octets))

/** A client whose streams have no window at first. */
const narrow = (window = 0, limits = {}): TestSession =>
  openSession({ settings: { 4: window }, limits })

describe("answers and the client's windows (RFC 9113 section 5.2)", () => {
  it('waits with DATA, not with HEADERS', () => {
    const { send, said } = narrow()
    send(requestOf(1, 'Echo', 'x'))
    expect(said()).toEqual(['HEADERS 1 200'])
    send(windowUpdateOf(1, 1))
    expect(said()).toEqual(['DATA 1 1'])
    send(windowUpdateOf(1, 2))
    expect(said()).toEqual(['DATA 1 2'])
    send(windowUpdateOf(1, 100))
    expect(said()).toEqual(['DATA 1 3', 'HEADERS 1 grpc 0 end'])
  })

  it('heeds the window of the connection, which streams share', () => {
    const { send, said } = openSession({ settings: { 4: 1_000_000 } })
    send(sizeOf(1, 40_000), sizeOf(3, 40_000), sizeOf(5, 10))
    expect(said()).toEqual([
      ...['HEADERS 1 200', 'DATA 1 16384', 'DATA 1 16384', 'DATA 1 7237', 'HEADERS 1 grpc 0 end'],
      ...['HEADERS 3 200', 'DATA 3 16384', 'DATA 3 9146', 'HEADERS 5 200'],
    ])
    send(windowUpdateOf(3, 1_000))
    expect(said()).toEqual([])
    send(windowUpdateOf(0, 14_475))
    expect(said()).toEqual(['DATA 3 14475', 'HEADERS 3 grpc 0 end'])
    send(windowUpdateOf(0, 15))
    expect(said()).toEqual(['DATA 5 15', 'HEADERS 5 grpc 0 end'])
  })

  it('heeds the window of the connection also where each answer fits', () => {
    const { send, said } = openSession()
    for (let id = 1; id < 10; id += 2) send(sizeOf(id, 16_000))
    expect(said().filter((text) => text.startsWith('DATA'))).toEqual([
      ...['DATA 1 16005', 'DATA 3 16005', 'DATA 5 16005', 'DATA 7 16005', 'DATA 9 1515'],
    ])
  })

  it('ends an answer of HTTP with its last DATA', () => {
    const { send, said } = narrow(40)
    const get = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
    ] as const
    send(headersOf(1, get, { endStream: true }), windowUpdateOf(1, 4))
    expect(said()).toEqual(['HEADERS 1 405', 'DATA 1 40', 'DATA 1 4 end'])
  })

  it('does not count what lets an answer through as idle', () => {
    const { send, said, socket } = narrow(0, { maxIdleFrames: 10 })
    send(sizeOf(1, 100))
    for (let n = 0; n < 105; n += 1) send(windowUpdateOf(1, 1))
    expect(said().at(-1)).toBe('HEADERS 1 grpc 0 end')
    expect(socket.isEnded).toBe(false)
  })

  it('sends exactly what there is window for', () => {
    const { send, said } = narrow(15)
    send(sizeOf(1, 10), sizeOf(3, 11))
    expect(said()).toEqual([
      ...['HEADERS 1 200', 'DATA 1 15', 'HEADERS 1 grpc 0 end', 'HEADERS 3 200', 'DATA 3 15'],
    ])
  })

  it('cuts at the longest frame, whatever the client would take', () => {
    const { send, said } = openSession({ settings: { 4: 2 ** 31 - 1, 5: 2 ** 24 - 1 } })
    send(sizeOf(1, 16_379), sizeOf(3, 16_380))
    expect(said()).toEqual([
      ...['HEADERS 1 200', 'DATA 1 16384', 'HEADERS 1 grpc 0 end'],
      ...['HEADERS 3 200', 'DATA 3 16384', 'DATA 3 1', 'HEADERS 3 grpc 0 end'],
    ])
  })

  it('changes the windows of open streams with SETTINGS, also below 0 (section 6.9.2)', () => {
    const { send, said } = narrow(10)
    send(sizeOf(1, 45))
    expect(said()).toEqual(['HEADERS 1 200', 'DATA 1 10'])
    send(settingsOf({ 4: 3 })) // 7 too many are sent
    expect(said()).toEqual(['SETTINGS ack'])
    send(windowUpdateOf(1, 7))
    expect(said()).toEqual([])
    send(windowUpdateOf(1, 1))
    expect(said()).toEqual(['DATA 1 1'])
    send(settingsOf({ 4: 5 }))
    expect(said()).toEqual(['SETTINGS ack', 'DATA 1 2'])
    send(frameOf('settings', { payload: [0, 4, 0, 0, 0, 0, 0, 4, 0, 0, 1, 0] })) // the last counts
    expect(said()).toEqual(['SETTINGS ack', 'DATA 1 37', 'HEADERS 1 grpc 0 end'])
  })

  it('takes windows up to the largest, for a stream and the connection', () => {
    const { send, said } = narrow()
    send(requestOf(1, 'Never', 'x'))
    send(windowUpdateOf(1, 2 ** 31 - 1), windowUpdateOf(0, 2 ** 31 - 1 - 65_535))
    expect(said()).toEqual([])
    send(windowUpdateOf(1, 1))
    expect(said()).toEqual([`RST_STREAM 1 code ${flowControlError}`])
    send(windowUpdateOf(0, 1))
    expect(said()).toEqual([`GOAWAY last 1 code ${flowControlError}`])
  })

  it('ends where SETTINGS overflow the window of a stream', () => {
    const { send, said } = narrow()
    send(requestOf(1, 'Never', 'x'), windowUpdateOf(1, 2 ** 31 - 10), settingsOf({ 4: 10 }))
    expect(said()).toEqual([`GOAWAY last 1 code ${flowControlError}`])
  })

  it('does not spend the window of the connection for what is reset', () => {
    const { send, said } = narrow(0, { maxQueuedBytes: 20_000 })
    for (let id = 1; id < 200; id += 2) send(sizeOf(id, 10_000), resetOf(id))
    send(settingsOf({ 4: 65_535 }))
    said()
    send(sizeOf(201, 65_530))
    expect(said().at(-1)).toBe('HEADERS 201 grpc 0 end')
  })

  it('resets an answer that is let through too slowly, and no other', () => {
    const { send, said, pass } = narrow(0, { stallMs: 1_000 })
    send(sizeOf(1, 10), sizeOf(3, 10))
    said()
    pass(600)
    send(windowUpdateOf(3, 1))
    pass(600)
    pass(600)
    expect(said()).toEqual(['DATA 3 1', `RST_STREAM 1 code ${cancel}`])
    pass(600)
    expect(said()).toEqual([`RST_STREAM 3 code ${cancel}`])
  })

  it('ends where more waits than may', () => {
    const { send, said } = narrow(0, { maxQueuedBytes: 2_000 })
    send(sizeOf(1, 995), sizeOf(3, 995))
    expect(said()).toEqual(['HEADERS 1 200', 'HEADERS 3 200'])
    send(sizeOf(5, 0))
    expect(said().at(-1)).toBe(`GOAWAY last 5 code ${enhanceYourCalm}`)
  })
})

describe("requests and the server's windows", () => {
  const half = defaultLimits.connectionWindowBytes / 2
  const halfStream = defaultLimits.streamWindowBytes / 2
  const sums = (said: readonly string[], stream: number): number =>
    said
      .map((text) => text.split(' '))
      .filter(([type, id]) => type === 'WINDOW_UPDATE' && id === String(stream))
      .reduce((sum, [, , octets]) => sum + Number(octets), 0)

  it('gives back what was sent, in few frames', () => {
    const { send, said } = openSession({ maxMessageBytes: 4 * 1024 * 1024 })
    send(head(1))
    for (let sent = 0; sent < 2 * half; sent += 16_384) send(part(1, 16_384))
    const back = said()
    expect(sums(back, 0)).toBe(2 * half)
    expect(sums(back, 1)).toBe(2 * half)
    expect(back).toHaveLength(2 + (half / halfStream) * 2)
  })

  it('does not give back the window of a stream at its end', () => {
    const { send, said } = openSession()
    send(head(1))
    for (let sent = 0; sent < halfStream - 16_384; sent += 16_384) send(part(1, 16_384))
    send(dataOf(1, new Uint8Array(16_384)))
    expect(sums(said(), 1)).toBe(0)
  })

  /** A round of DATA that comes to nothing, of `octets` altogether. */
  const fates: Readonly<Record<string, (id: number) => Buffer[]>> = {
    'is answered': (id) => [head(id), dataOf(id, messageOf(new Uint8Array(16_379)))],
    'is padding': (id) => [
      head(id),
      ...Array<Buffer>(64).fill(
        frameOf('data', {
          streamId: id,
          flags: frameFlag.padded,
          payload: [254, 1, ...new Uint8Array(254)],
        }),
      ),
      resetOf(id),
    ],
    'is reset': (id) => [head(id), part(id, 16_384), resetOf(id)],
    'comes after a reset by the client': (id) => [head(id), resetOf(id), part(id, 16_384)],
    'comes after a reset by the server': (id) => [
      head(id),
      windowUpdateOf(id, 0),
      part(id, 16_384),
    ],
    'comes after the answer': (id) => [head(id, 'Missing'), part(id, 16_384)],
    'comes after the end': (id) => [requestOf(id, 'Echo', 'x'), part(id, 16_384)],
    'is refused': (id) => [headersOf(id, requestFields('/x').slice(1)), part(id, 16_384)],
    'is too long': (id) => [head(id), part(id, 16_384)],
    'is no gRPC': (id) => [headersOf(id, requestFields('/x').slice(0, 4)), part(id, 16_384)],
    'breaks its promise': (id) => [
      headersOf(id, requestFields('/test.Echo/Echo', [['content-length', '7']])),
      part(id, 16_384),
    ],
  }
  it.each(Object.entries(fates))('gives back DATA that %s', (_fate, round) => {
    const { send, said, socket } = openSession({
      maxMessageBytes: 20_000,
      limits: { maxIdleFrames: 100_000, maxGatheredBytes: 100_000 },
    })
    for (let n = 0; n < 64; n += 1) send(...round(2 * n + 1))
    const least = half + 16_384 * 31 // both halves were given back, or the second all but
    expect(sums(said(), 0)).toBeGreaterThanOrEqual(least)
    expect(socket.isEnded).toBe(false)
  })

  it('ends where the window of the connection is passed', () => {
    const passed = (octets: number): string[] => {
      const { send, said } = openSession({ limits: { connectionWindowBytes: 10_000 } })
      send(head(1), part(1, 9_000), part(1, octets - 9_000))
      return said()
    }
    expect(passed(10_000)).toEqual(['WINDOW_UPDATE 0 10000'])
    expect(passed(10_001)).toEqual([`GOAWAY last 1 code ${flowControlError}`])
  })

  it('resets a stream that passes its window', () => {
    const { send, said } = openSession({ limits: { streamWindowBytes: 10_000 } })
    send(head(1), part(1, 4_999), part(1, 5_001))
    expect(said()).toEqual(['WINDOW_UPDATE 1 10000'])
    send(part(1, 4_999), part(1, 5_002))
    expect(said()).toEqual([`RST_STREAM 1 code ${flowControlError}`])
  })
})
