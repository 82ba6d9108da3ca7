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
  settingsAck,
  settingsOf,
  uint32,
  windowUpdateOf,
} from '../../support/http2-frames.ts'
import { plainBlock } from '../../support/hpack-encoder.ts'
import { openSession } from '../../support/http2-session.ts'

const { padded, priority, endHeaders, endStream, ack } = frameFlag
const fields = plainBlock(requestFields('/test.Echo/Echo'))
const open = headersOf(1, requestFields('/test.Echo/Echo'))
const answered = ['HEADERS 1 200', 'DATA 1 6', 'HEADERS 1 grpc 0 end']

/** What is said to some frames, after the greeting. */
function saidTo(...octets: readonly Uint8Array[]): string[] {
  const { send, said, faults } = openSession()
  send(...octets)
  expect(faults).toEqual([])
  return said()
}

const { protocolError, flowControlError, streamClosed, frameSizeError, compressionError } =
  errorCode

/** The frames `octets`, where the last word is GOAWAY with a code. */
type Fatal = [title: string, code: number, last: number, ...octets: Uint8Array[]]

describe('the greeting (RFC 9113 section 3.4)', () => {
  it('is SETTINGS and the window, without waiting for the client', () => {
    const { take } = openSession({ settings: null })
    const [settings, window] = take()
    expect(settings).toMatchObject({ type: 4, flags: 0, streamId: 0 })
    // MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE; never HEADER_TABLE_SIZE.
    expect(settings?.payload.toString('hex')).toBe('000300001000000400040000000600020000')
    expect(window?.payload.readUInt32BE()).toBe(1024 * 1024 - 65_535)
  })

  it('may come octet by octet', () => {
    const { send, said, take } = openSession({ settings: null })
    take()
    for (const octet of Buffer.concat([prefaceOctets, settingsOf(), requestOf(1, 'Echo', 'x')])) {
      send(Buffer.of(octet))
    }
    expect(said()).toEqual(['SETTINGS ack', ...answered])
  })

  it.each([
    ['something else', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    [
      'a preface with one octet changed',
      Buffer.concat([prefaceOctets.subarray(0, 23), Buffer.of(0)]),
    ],
    ['another frame than SETTINGS', Buffer.concat([prefaceOctets, pingOf()])],
    ['an acknowledgement', Buffer.concat([prefaceOctets, settingsAck])],
  ])('%s ends it', (_title, octets) => {
    const { send, said, socket, take } = openSession({ settings: null })
    take()
    send(octets)
    expect(said()).toEqual([`GOAWAY last 0 code ${protocolError}`])
    expect(socket).toMatchObject({ isEnded: true, isDestroyed: false })
  })
})

describe('what ends a connection', () => {
  it.each<Fatal>([
    // Section 4.2
    [
      'a longer frame than allowed',
      frameSizeError,
      0,
      frameOf('data', { payload: new Uint8Array(16_385) }),
    ],
    [
      'one of an unknown type',
      frameSizeError,
      0,
      frameOf(0xf0, { payload: new Uint8Array(16_385) }),
    ],
    [
      'one that is only announced',
      frameSizeError,
      1,
      requestOf(1, 'Echo', 'x'),
      Buffer.of(0, 0x40, 1, 0, 0, 0, 0, 0, 1),
    ],
    // 4.3
    ['a block that cannot be decoded', compressionError, 0, headersOf(1, Buffer.of(0x80))],
    ['a block cut off', compressionError, 0, headersOf(1, fields.subarray(0, -1))],
    [
      'a frame within a block',
      protocolError,
      0,
      frameOf('headers', { streamId: 1, payload: fields }),
      pingOf(),
    ],
    [
      'an unknown frame within a block',
      protocolError,
      0,
      frameOf('headers', { streamId: 1, payload: fields }),
      frameOf(0xf0),
    ],
    [
      'CONTINUATION of another stream',
      protocolError,
      0,
      frameOf('headers', { streamId: 1, payload: fields }),
      frameOf('continuation', { streamId: 3, flags: endHeaders }),
    ],
    [
      'HEADERS within a block',
      protocolError,
      0,
      frameOf('headers', { streamId: 1, payload: fields }),
      headersOf(1, fields),
    ],
    // 5.1.1
    ['HEADERS on stream 0', protocolError, 0, headersOf(0, fields)],
    ['HEADERS on an even stream', protocolError, 0, headersOf(2, fields)],
    [
      'one id that was left out',
      protocolError,
      5,
      headersOf(1, fields),
      headersOf(5, fields),
      headersOf(3, fields),
    ],
    ['an id that was left out', protocolError, 7, headersOf(7, fields), headersOf(5, fields)],
    // 6.1
    ['DATA on stream 0', protocolError, 0, dataOf(0, Buffer.of(1))],
    [
      'DATA padded with all of itself',
      protocolError,
      1,
      open,
      frameOf('data', { streamId: 1, flags: padded, payload: [2, 0] }),
    ],
    [
      'DATA padded without a length',
      protocolError,
      1,
      open,
      frameOf('data', { streamId: 1, flags: padded }),
    ],
    // 6.2
    [
      'HEADERS padded with all of itself',
      protocolError,
      0,
      frameOf('headers', {
        streamId: 1,
        flags: padded | endHeaders,
        payload: [9, ...new Uint8Array(8)],
      }),
    ],
    [
      'HEADERS without its priority',
      frameSizeError,
      0,
      frameOf('headers', { streamId: 1, flags: priority | endHeaders, payload: [0, 0, 0, 0] }),
    ],
    // 6.3
    ['PRIORITY on stream 0', protocolError, 0, frameOf('priority', { payload: new Uint8Array(5) })],
    [
      'PRIORITY of 4 octets on an idle stream',
      frameSizeError,
      0,
      frameOf('priority', { streamId: 1, payload: new Uint8Array(4) }),
    ],
    [
      'an idle stream that depends on itself',
      protocolError,
      0,
      frameOf('priority', { streamId: 1, payload: [...uint32(1), 0] }),
    ],
    // 6.4
    ['RST_STREAM on stream 0', protocolError, 0, frameOf('rstStream', { payload: uint32(8) })],
    [
      'RST_STREAM on an idle stream',
      protocolError,
      0,
      frameOf('rstStream', { streamId: 1, payload: uint32(8) }),
    ],
    [
      'RST_STREAM of 3 octets',
      frameSizeError,
      1,
      open,
      frameOf('rstStream', { streamId: 1, payload: [0, 0, 0] }),
    ],
    // 6.5
    ['SETTINGS on a stream', protocolError, 0, frameOf('settings', { streamId: 1 })],
    [
      'SETTINGS of 5 octets',
      frameSizeError,
      0,
      frameOf('settings', { payload: new Uint8Array(5) }),
    ],
    [
      'SETTINGS ACK with content',
      frameSizeError,
      0,
      frameOf('settings', { flags: ack, payload: new Uint8Array(6) }),
    ],
    ['ENABLE_PUSH of 2', protocolError, 0, settingsOf({ 2: 2 })],
    ['INITIAL_WINDOW_SIZE past the largest', flowControlError, 0, settingsOf({ 4: 2 ** 31 })],
    ['MAX_FRAME_SIZE below the least', protocolError, 0, settingsOf({ 5: 16_383 })],
    ['MAX_FRAME_SIZE past the largest', protocolError, 0, settingsOf({ 5: 2 ** 24 })],
    // 6.6
    [
      'PUSH_PROMISE',
      protocolError,
      1,
      open,
      frameOf('pushPromise', { streamId: 1, payload: uint32(2) }),
    ],
    // 6.7
    [
      'PING on a stream',
      protocolError,
      0,
      frameOf('ping', { streamId: 1, payload: new Uint8Array(8) }),
    ],
    ['PING of 7 octets', frameSizeError, 0, frameOf('ping', { payload: new Uint8Array(7) })],
    // 6.8
    [
      'GOAWAY on a stream',
      protocolError,
      0,
      frameOf('goAway', { streamId: 1, payload: new Uint8Array(8) }),
    ],
    ['GOAWAY of 7 octets', frameSizeError, 0, frameOf('goAway', { payload: new Uint8Array(7) })],
    // 6.9
    [
      'WINDOW_UPDATE of 3 octets',
      frameSizeError,
      0,
      frameOf('windowUpdate', { payload: [0, 0, 1] }),
    ],
    ['WINDOW_UPDATE of 0', protocolError, 0, windowUpdateOf(0, 0)],
    ['WINDOW_UPDATE on an idle stream', protocolError, 0, windowUpdateOf(1, 1)],
    [
      'WINDOW_UPDATE past the largest window',
      flowControlError,
      0,
      windowUpdateOf(0, 2 ** 31 - 65_535),
    ],
    // 6.10
    [
      'CONTINUATION of nothing',
      protocolError,
      0,
      frameOf('continuation', { streamId: 1, flags: endHeaders, payload: fields }),
    ],
    [
      'CONTINUATION after the end of a block',
      protocolError,
      1,
      open,
      frameOf('continuation', { streamId: 1, flags: endHeaders }),
    ],
    // 5.1
    ['DATA on an idle stream', protocolError, 0, dataOf(1, Buffer.of(1))],
    [
      'HEADERS after the end of both',
      streamClosed,
      1,
      requestOf(1, 'Echo', 'x'),
      headersOf(1, fields),
    ],
    [
      'HEADERS after a reset by the client',
      streamClosed,
      1,
      open,
      frameOf('rstStream', { streamId: 1, payload: uint32(8) }),
      headersOf(1, fields),
    ],
  ])('%s: code %d', (_title, code, last, ...octets) => {
    let asked = 0
    const methods = new Map([['/test.Echo/Count', () => void (asked += 1)]])
    const { send, said, socket, faults } = openSession({ methods })
    send(...(octets as Uint8Array[]), requestOf(101, 'Count', 'never read'), pingOf())
    expect(said().at(-1)).toBe(`GOAWAY last ${String(last)} code ${String(code)}`)
    expect(socket).toMatchObject({ isEnded: true, isDestroyed: false })
    send(requestOf(103, 'Count', 'read and thrown away'))
    expect(said()).toEqual([])
    expect(faults).toEqual([])
    expect(asked).toBe(0)
  })
})

it.each<[string, number]>([
  ['its header', 5],
  ['its payload', 9_000],
])('a frame that is too long ends a connection also if a read ends in %s', (_where, at) => {
  const { send, said } = openSession()
  const whole = frameOf('data', { streamId: 1, payload: new Uint8Array(16_385) })
  send(whole.subarray(0, at))
  send(whole.subarray(at))
  expect(said()).toEqual([`GOAWAY last 0 code ${frameSizeError}`])
})

it('nothing is done that comes after a frame in parts that ends a connection', () => {
  let asked = 0
  const methods = new Map([['/test.Echo/Count', () => void (asked += 1)]])
  const { send } = openSession({ methods })
  const fatal = windowUpdateOf(0, 0)
  send(fatal.subarray(0, 5))
  send(fatal.subarray(5), requestOf(1, 'Count', 'x'))
  expect(asked).toBe(0)
})

describe('what is ignored', () => {
  const request = requestOf(1, 'Echo', 'x')
  it.each<[title: string, ...octets: Uint8Array[]]>([
    [
      'frames of unknown types',
      frameOf(0xf0, { payload: [1, 2, 3] }),
      frameOf(0xf0, { streamId: 5 }),
    ],
    [
      'the reserved bit of a stream id',
      frameOf('priority', { streamId: 0x80000003, payload: new Uint8Array(5) }),
    ],
    [
      'unknown flags',
      frameOf('priority', { streamId: 1, flags: 0xff, payload: new Uint8Array(5) }),
    ],
    ['a second acknowledgement of SETTINGS', settingsAck],
    ['PING acknowledgements', pingOf('unasked!', ack)],
    ['PRIORITY of idle streams', frameOf('priority', { streamId: 9, payload: new Uint8Array(5) })],
    [
      'GOAWAY, as what was asked before is answered',
      frameOf('goAway', { payload: new Uint8Array(8) }),
    ],
  ])('%s', (_title, ...octets) => {
    expect(saidTo(...octets, request)).toEqual(answered)
  })

  it('settings that matter to others, which are acknowledged', () => {
    const settings = settingsOf({ 1: 0, 2: 0, 3: 0, 5: 2 ** 24 - 1, 6: 1, 8: 1, 9: 1, 65_535: 7 })
    expect(saidTo(settings, request)).toEqual(['SETTINGS ack', ...answered])
  })
})

describe('what is taken', () => {
  const [head, tail] = [fields.subarray(0, 20), fields.subarray(20)]
  const message = dataOf(1, messageOf('x'))
  const payload = messageOf('x')
  it.each<[title: string, ...octets: Uint8Array[]]>([
    [
      'padding',
      frameOf('headers', {
        streamId: 1,
        flags: padded | endHeaders,
        payload: [3, ...fields, 0, 0, 0],
      }),
      frameOf('data', {
        streamId: 1,
        flags: padded | endStream,
        payload: [255, ...payload, ...new Uint8Array(255)],
      }),
    ],
    [
      'padding of 0',
      frameOf('headers', { streamId: 1, flags: padded | endHeaders, payload: [0, ...fields] }),
      frameOf('data', { streamId: 1, flags: padded | endStream, payload: [0, ...payload] }),
    ],
    [
      'a priority',
      frameOf('headers', {
        streamId: 1,
        flags: priority | endHeaders,
        payload: [...uint32(3), 15, ...fields],
      }),
      message,
    ],
    [
      'padding and a priority',
      frameOf('headers', {
        streamId: 1,
        flags: padded | priority | endHeaders,
        payload: [2, ...uint32(3), 15, ...fields, 0, 0],
      }),
      message,
    ],
    [
      'CONTINUATION',
      frameOf('headers', { streamId: 1, payload: head }),
      frameOf('continuation', { streamId: 1, flags: endHeaders, payload: tail }),
      message,
    ],
    [
      'CONTINUATION in many frames',
      frameOf('headers', {
        streamId: 1,
        flags: padded | priority,
        payload: [2, ...uint32(3), 15, 0, 0],
      }),
      ...[...fields].map((octet) => frameOf('continuation', { streamId: 1, payload: [octet] })),
      frameOf('continuation', { streamId: 1, flags: endHeaders }),
      message,
    ],
    [
      'END_STREAM on HEADERS that go on',
      open,
      frameOf('data', { streamId: 1, payload }),
      frameOf('headers', { streamId: 1, flags: endStream }),
      frameOf('continuation', { streamId: 1, flags: endHeaders }),
    ],
    [
      'a message in parts',
      open,
      ...[...payload].map((octet) => dataOf(1, Buffer.of(octet), { endStream: false })),
      dataOf(1, Buffer.alloc(0)),
    ],
    [
      'trailers',
      open,
      dataOf(1, payload, { endStream: false }),
      headersOf(1, plainBlock([['x-trailer', '1']]), { endStream: true }),
    ],
  ])('%s', (_title, ...octets) => {
    expect(saidTo(...octets)).toEqual(answered)
  })

  it('PING, which is answered with what it holds', () => {
    expect(saidTo(pingOf('abcdefgh'))).toEqual(['PING ack abcdefgh'])
  })

  it('many requests of one read, whose answers are one write', () => {
    const writes: number[] = []
    const { session, send, socket } = openSession()
    const { write } = socket
    Object.assign(socket, {
      write(bytes: Buffer) {
        writes.push(bytes.length)
        return write(bytes)
      },
    })
    send(...Array.from({ length: 50 }, (_, at) => requestOf(2 * at + 1, 'Echo', `${at}`)))
    expect(writes).toHaveLength(1)
    expect(session.connection.streams.size).toBe(0)
  })
})

describe('the header table', () => {
  const kept = Buffer.concat([fields, Buffer.of(0x40, 1, 0x61, 1, 0x62)]) // a: b, incremental
  const use = (id: number): Buffer =>
    Buffer.concat([
      headersOf(id, Buffer.concat([fields, Buffer.of(0xbe)])),
      dataOf(id, messageOf('x')),
    ])

  it.each<[title: string, said: string, ...octets: Uint8Array[]]>([
    ['malformed', `RST_STREAM 1 code ${protocolError}`, headersOf(1, kept.subarray(-5))],
    [
      'refused, as too many are open',
      'RST_STREAM 3 code 7',
      headersOf(1, fields),
      headersOf(3, kept),
    ],
    [
      'reset by the server',
      `RST_STREAM 1 code ${protocolError}`,
      headersOf(1, fields),
      windowUpdateOf(1, 0),
      headersOf(1, kept),
    ],
    [
      'half-closed',
      `RST_STREAM 1 code ${streamClosed}`,
      requestOf(1, 'Never', 'x'),
      headersOf(1, kept),
    ],
    [
      'at its trailers',
      `HEADERS 1 grpc 0 end`,
      open,
      dataOf(1, messageOf('x'), { endStream: false }),
      headersOf(1, kept.subarray(-5), { endStream: true }),
    ],
    [
      'malformed at its trailers',
      `RST_STREAM 1 code ${protocolError}`,
      open,
      headersOf(1, kept, { endStream: true }),
    ],
  ])('is kept in step by a stream that is %s', (_title, wanted, ...octets) => {
    const { send, said } = openSession({ limits: { maxConcurrentStreams: 1 } })
    send(...octets)
    expect(said()).toContain(wanted)
    send(frameOf('rstStream', { streamId: 1, payload: uint32(8) }), use(5))
    expect(said()).toEqual(['HEADERS 5 200', 'DATA 5 6', 'HEADERS 5 grpc 0 end'])
  })
})

it('says GOAWAY with its reason, for those who read logs', () => {
  const { send, take } = openSession()
  send(frameOf('pushPromise', { streamId: 1, payload: uint32(2) }))
  expect(take().at(-1)?.payload.toString('latin1', 8)).toBe('clients do not push')
})
