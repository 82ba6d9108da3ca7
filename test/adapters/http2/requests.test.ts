import { describe, expect, it } from 'vitest'
import { errorCode, frameFlag } from '../../../src/adapters/http2/protocol.ts'
import type { Stream } from '../../../src/adapters/http2/stream.ts'
import type { HeaderField } from '../../support/hpack-reference.ts'
import { createReferenceDecoder } from '../../support/hpack-reference.ts'
import {
  dataOf,
  frameOf,
  headersOf,
  messageOf,
  requestFields,
  requestOf,
  type ReceivedFrame,
} from '../../support/http2-frames.ts'
import { plainBlock } from '../../support/hpack-encoder.ts'
import { openSession, type TestSessionOptions } from '../../support/http2-session.ts'

const { protocolError } = errorCode
const path = '/test.Echo/Echo'
const message = messageOf('hello')

interface Answer {
  readonly heads: HeaderField[][]
  readonly data: Buffer
  readonly frames: readonly ReceivedFrame[]
}

function answerTo(octets: readonly Uint8Array[], options: TestSessionOptions = {}): Answer {
  const { send, take } = openSession(options)
  send(...octets)
  const frames = take()
  const { decode } = createReferenceDecoder()
  return {
    frames,
    heads: frames.filter(({ type }) => type === 1).map(({ payload }) => decode(payload)),
    data: Buffer.concat(frames.filter(({ type }) => type === 0).map(({ payload }) => payload)),
  }
}
const fieldOf = (fields: readonly HeaderField[] | undefined, name: string): string | undefined =>
  fields?.find(([each]) => each === name)?.[1]

/** A request with some fields, as a whole. */
function request(fields: readonly HeaderField[], ...data: readonly Uint8Array[]): Buffer[] {
  return [
    headersOf(1, fields, { endStream: data.length === 0 }),
    ...data.map((part, at) => dataOf(1, part, { endStream: at === data.length - 1 })),
  ]
}
const without = (name: string): HeaderField[] =>
  requestFields(path).filter(([each]) => each !== name)
const withField = (name: string, value: string): HeaderField[] => [...without(name), [name, value]]

const cut = (whole: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
    whole.subarray(at * size, (at + 1) * size),
  )

describe('an answer', () => {
  it('is head, message and trailers', () => {
    const { heads, data, frames } = answerTo(request(requestFields(path), message))
    expect(heads).toEqual([
      [
        [':status', '200'],
        ['content-type', 'application/grpc'],
      ],
      [['grpc-status', '0']],
    ])
    expect(data).toEqual(message)
    expect(frames.map(({ type, flags, streamId }) => [type, flags, streamId])).toEqual([
      [1, frameFlag.endHeaders, 1],
      [0, 0, 1],
      [1, frameFlag.endHeaders | frameFlag.endStream, 1],
    ])
  })

  it.each([0, 1, 100, 16_379, 16_380, 40_000])('of %d octets comes as it is', (length) => {
    const whole = messageOf(Uint8Array.from({ length }, (_, at) => at))
    const { data } = answerTo(request(requestFields(path), ...cut(whole, 10_000)))
    expect(data).toEqual(whole)
  })

  it('of many streams is that of its own', () => {
    const ids = Array.from({ length: 100 }, (_, at) => 2 * at + 1)
    const { frames } = answerTo(ids.map((id) => requestOf(id, 'Echo', `answer to ${id}`)))
    expect(
      frames.flatMap(({ type, streamId, payload }) =>
        type === 0 ? [[streamId, payload.toString('latin1', 5)]] : [],
      ),
    ).toEqual(ids.map((id) => [id, `answer to ${id}`]))
  })
})

describe('a message', () => {
  it.each<[string, number, readonly Uint8Array[]]>([
    ['is missing', 12, [Buffer.alloc(0)]],
    ['comes twice', 12, [Buffer.concat([message, message])]],
    ['comes twice, in parts', 12, [message, message]],
    ['is followed by part of another', 12, [message, Buffer.of(0)]],
    ['is cut off', 13, [message.subarray(0, -1)]],
    ['is cut off in its prefix', 13, [message.subarray(0, 4)]],
    ['is cut off, in parts', 13, [message.subarray(0, 3), message.subarray(3, 7)]],
    ['is compressed without a coding', 13, [messageOf('x', 1)]],
    ['has an unknown flag', 13, [messageOf('x', 2)]],
  ])('that %s: status %d', (_fault, status, data) => {
    const { heads, frames } = answerTo(request(requestFields(path), ...data))
    expect(fieldOf(heads[0], 'grpc-status')).toBe(String(status))
    expect(fieldOf(heads[0], ':status')).toBe('200')
    expect(fieldOf(heads[0], 'grpc-message')).not.toBeUndefined()
    expect(frames).toHaveLength(1)
  })

  it('of which there is none, as HEADERS end the stream: status 12', () => {
    const { heads } = answerTo(request(requestFields(path)))
    expect(fieldOf(heads[0], 'grpc-status')).toBe('12')
  })

  it.each(['gzip', 'deflate', 'x'])('that is %s: status 12, and what is taken', (coding) => {
    const fields = [...requestFields(path), ['grpc-encoding', coding]] as HeaderField[]
    const { heads } = answerTo(request(fields, messageOf('x', 1)))
    expect(fieldOf(heads[0], 'grpc-status')).toBe('12')
    expect(fieldOf(heads[0], 'grpc-accept-encoding')).toBe('identity')
  })

  it.each(['gzip', 'identity'])(
    'that is not compressed, though %s is named, is taken',
    (coding) => {
      const fields = [...requestFields(path), ['grpc-encoding', coding]] as HeaderField[]
      expect(answerTo(request(fields, message)).data).toEqual(message)
    },
  )

  it('that is compressed, while identity is named: status 13', () => {
    const fields = [...requestFields(path), ['grpc-encoding', 'identity']] as HeaderField[]
    const { heads } = answerTo(request(fields, messageOf('x', 1)))
    expect(fieldOf(heads[0], 'grpc-status')).toBe('13')
  })

  describe('that is longer than may be is handed over as an empty one', () => {
    const octets = (length: number): Buffer => messageOf(new Uint8Array(length))
    it.each<[string, number, readonly Uint8Array[], number]>([
      ['at once', 1_001, [octets(1_001)], 5],
      ['in parts', 1_001, cut(octets(1_001), 100), 5],
      ['in large parts', 50_000, cut(octets(50_000), 16_384), 5],
      ['by its prefix alone', 5, [Buffer.of(0, 0xff, 0xff, 0xff, 0xff)], 5],
      ['not: it is just as long as may be', 1_000, [octets(1_000)], 1_005],
      ['not: it is just as long as may be, in parts', 1_000, cut(octets(1_000), 99), 1_005],
    ])('%s', (_how, _length, data, answered) => {
      const { data: said } = answerTo(request(requestFields(path), ...data), {
        maxMessageBytes: 1_000,
      })
      expect(said).toHaveLength(answered)
    })

    it('also where all unfinished ones together are', () => {
      const limits = { maxGatheredBytes: 10_000 }
      const { send, take, said } = openSession({ limits, maxMessageBytes: 9_000 })
      const whole = octets(8_000)
      const begin = (id: number): Buffer[] => [
        headersOf(id, requestFields(path)),
        dataOf(id, whole.subarray(0, 6_000), { endStream: false }),
      ]
      send(...begin(1), ...begin(3))
      send(dataOf(3, whole.subarray(6_000)), dataOf(1, whole.subarray(6_000)))
      expect(said().filter((text) => text.startsWith('DATA'))).toEqual(['DATA 3 5', 'DATA 1 8005'])
      // What they took is free again.
      for (const id of [5, 7, 9]) send(...begin(id), dataOf(id, whole.subarray(6_000)))
      expect(
        take().filter(({ type, payload }) => type === 0 && payload.length === 8_005),
      ).toHaveLength(3)
    })

    it('also where the list of its headers is too large', () => {
      const fields = [...requestFields(path), ['x', 'y'.repeat(2_000)]] as HeaderField[]
      const limits = { maxHeaderListBytes: 2_000 }
      expect(answerTo(request(fields, message), { limits }).data).toEqual(messageOf(''))
    })
  })

  it('gives its room back however its stream ends', () => {
    const { session, send } = openSession()
    const whole = session.connection.bodies.left
    const begin = (id: number): Buffer[] => [
      headersOf(id, requestFields(path)),
      dataOf(id, messageOf('x').subarray(0, 3), { endStream: false }),
    ]
    send(...begin(1), dataOf(1, messageOf('x').subarray(3)))
    send(...begin(3), frameOf('rstStream', { streamId: 3, payload: new Uint8Array(4) }))
    send(...begin(5), frameOf('windowUpdate', { streamId: 5, payload: new Uint8Array(4) }))
    send(...begin(7), headersOf(7, plainBlock([['x-trailer', '1']]), { endStream: true }))
    expect(session.connection.bodies.left).toBe(whole)
    send(headersOf(11, requestFields(path)), dataOf(11, message, { endStream: false }))
    send(dataOf(11, Buffer.alloc(16_000), { endStream: false }))
    expect(session.connection.bodies.left).toBeLessThan(whole)
    for (let n = 0; n < 7; n += 1) send(dataOf(11, Buffer.alloc(16_000), { endStream: false }))
    expect(session.connection.bodies.left).toBe(whole) // it is too long by now
    send(...begin(13))
    expect(session.connection.bodies.left).toBeLessThan(whole)
    session.lost()
    expect(session.connection.bodies.left).toBe(whole)
  })
})

describe('a method', () => {
  it.each([
    '/test.Echo/Missing',
    '/test.Other/Echo',
    '/test.Echo/echo',
    '/',
    `${path}/`,
    `${path}?x`,
  ])('that is unknown, as %s: status 12', (unknown) => {
    const { heads } = answerTo(request(requestFields(unknown), message))
    expect(fieldOf(heads[0], 'grpc-status')).toBe('12')
  })

  it('that is unknown is refused before the request ends, and the rest not wanted', () => {
    const { send, said } = openSession()
    send(headersOf(1, requestFields('/test.Echo/Missing')))
    expect(said()).toEqual(['HEADERS 1 200 grpc 12 end', 'RST_STREAM 1 code 0'])
    send(dataOf(1, message))
    expect(said()).toEqual([])
  })

  it('that throws: status 13, and the fault is reported', () => {
    const { send, said, faults } = openSession()
    send(requestOf(1, 'Throw', 'x'), requestOf(3, 'Echo', 'x'))
    expect(said()).toEqual([
      'HEADERS 1 200 grpc 13 end',
      'HEADERS 3 200',
      'DATA 3 6',
      'HEADERS 3 grpc 0 end',
    ])
    expect(faults).toEqual([new Error('a bug of the handler')])
  })

  it('that throws after its answer: the fault is reported', () => {
    const { send, said, faults } = openSession({
      methods: new Map([
        [
          '/test.Echo/Both',
          (call: Stream) => {
            call.reply(Buffer.of(), 0)
            throw new Error('too late')
          },
        ],
      ]),
    })
    send(requestOf(1, 'Both', 'x'))
    expect(said()).toEqual(['HEADERS 1 200', 'DATA 1 5', 'HEADERS 1 grpc 0 end'])
    expect(faults).toHaveLength(1)
  })
})

describe('what is no gRPC', () => {
  const pseudo = (method: string): HeaderField[] => [
    [':method', method],
    [':scheme', 'http'],
    [':path', '/'],
  ]
  it.each<[string, string, HeaderField[]]>([
    ['GET', '405', pseudo('GET')],
    ['PUT', '405', pseudo('PUT')],
    ['POST without content-type', '415', without('content-type')],
    ['POST of JSON', '415', withField('content-type', 'application/json')],
    ['POST of grpc-web', '415', withField('content-type', 'application/grpc-web')],
  ])('%s is answered as HTTP does: %s', (_what, status, fields) => {
    const { heads, data, frames } = answerTo(request(fields, Buffer.from('anything')))
    expect(fieldOf(heads[0], ':status')).toBe(status)
    expect(fieldOf(heads[0], 'content-length')).toBe(String(data.length))
    expect(fieldOf(heads[0], 'allow')).toBe(status === '405' ? 'POST' : undefined)
    expect(data.length).toBeGreaterThan(5)
    expect(frames.at(-1)?.flags).toBe(frameFlag.endStream)
  })

  it('HEAD is answered without a body', () => {
    const { heads, frames } = answerTo(request(pseudo('HEAD')))
    expect(fieldOf(heads[0], ':status')).toBe('405')
    expect(frames).toHaveLength(1)
    expect(frames[0]?.flags).toBe(frameFlag.endHeaders | frameFlag.endStream)
  })

  it('is answered at its end', () => {
    const { send, said } = openSession()
    send(headersOf(1, pseudo('GET')))
    expect(said()).toEqual([])
    send(dataOf(1, Buffer.alloc(0)))
    expect(said()).toEqual(['HEADERS 1 405', 'DATA 1 44 end'])
  })
})

describe('what breaks the rules of HTTP (RFC 9113 section 8)', () => {
  const breaking: [string, Uint8Array[]][] = [
    ['a field in upper case', request([...requestFields(path), ['X-Upper', '1']], message)],
    ['a pseudo-header after a field', request([...without(':path'), [':path', path]], message)],
    [
      'a field of the connection',
      request([...requestFields(path), ['connection', 'close']], message),
    ],
    ['te of something else', request(withField('te', 'gzip'), message)],
    ['no :path', request(without(':path'), message)],
    [
      'a head that depends on itself',
      [
        frameOf('headers', {
          streamId: 1,
          flags: frameFlag.priority | frameFlag.endHeaders,
          payload: [0, 0, 0, 1, 0, ...plainBlock(requestFields(path))],
        }),
      ],
    ],
    [
      'a head in parts that depends on itself',
      [
        frameOf('headers', { streamId: 1, flags: frameFlag.priority, payload: [0, 0, 0, 1, 0] }),
        frameOf('continuation', {
          streamId: 1,
          flags: frameFlag.endHeaders,
          payload: plainBlock(requestFields(path)),
        }),
      ],
    ],
    [
      'trailers that depend on the stream itself',
      [
        headersOf(1, requestFields(path)),
        dataOf(1, message, { endStream: false }),
        frameOf('headers', {
          streamId: 1,
          flags: frameFlag.priority | frameFlag.endHeaders | frameFlag.endStream,
          payload: [0, 0, 0, 1, 0],
        }),
      ],
    ],
    ['a content-length that is not reached', request(withField('content-length', '11'), message)],
    ['a content-length that is passed', request(withField('content-length', '9'), message)],
    [
      'a content-length that is passed in parts',
      request(withField('content-length', '9'), message.subarray(0, 6), message.subarray(6)),
    ],
    ['a content-length without DATA', request(withField('content-length', '9'))],
    [
      'a content-length that trailers cut off',
      [
        headersOf(1, withField('content-length', '10')),
        dataOf(1, message.subarray(1), { endStream: false }),
        headersOf(1, plainBlock([['x-trailer', '1']]), { endStream: true }),
      ],
    ],
  ]
  it.each(breaking)('%s', (_what, octets) => {
    const { send, said } = openSession()
    send(...octets)
    expect(said()).toEqual([`RST_STREAM 1 code ${protocolError}`])
  })

  it.each<[string, Uint8Array[]]>([
    ['content-length', request(withField('content-length', '10'), message)],
    [
      'content-length, in parts',
      request(withField('content-length', '10'), message.subarray(0, 6), message.subarray(6)),
    ],
    [
      'content-length and padding',
      [
        headersOf(1, withField('content-length', '10')),
        frameOf('data', {
          streamId: 1,
          flags: frameFlag.padded | frameFlag.endStream,
          payload: [3, ...message, 0, 0, 0],
        }),
      ],
    ],
    ['no te', request(without('te'), message)],
  ])('but not %s', (_what, octets) => {
    expect(answerTo(octets).data).toEqual(message)
  })

  it('a malformed grpc-timeout: status 13', () => {
    const { heads } = answerTo(request(withField('grpc-timeout', 'soon'), message))
    expect(fieldOf(heads[0], 'grpc-status')).toBe('13')
  })
})

it.each([
  ['250m', '250'],
  ['2S', '2000'],
  [undefined, 'Infinity'],
])('a call says how long its caller waits: %s', (timeout, ms) => {
  const fields = [
    ...requestFields('/test.Echo/Timeout'),
    ...(timeout === undefined ? [] : [['grpc-timeout', timeout] as const]),
  ]
  expect(answerTo(request(fields, message)).data.toString('latin1', 5)).toBe(ms)
})
