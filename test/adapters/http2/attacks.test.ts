import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultLimits, type LeanLimits } from '../../../src/adapters/http2/limits.ts'
import { errorCode, frameFlag, frameType } from '../../../src/adapters/http2/protocol.ts'
import { encodeIndexed, plainBlock } from '../../support/hpack-encoder.ts'
import { startEchoServer, type EchoServer } from '../../support/http2-echo-server.ts'
import {
  dataOf,
  frameOf,
  headersOf,
  incrementalField,
  messageOf,
  pingOf,
  prefaceOctets,
  requestFields,
  requestOf,
  resetOf,
  settingsOf,
  uint32,
  windowUpdateOf,
} from '../../support/http2-frames.ts'
import { connectPeer, type Peer, type PeerOptions } from '../../support/http2-peer.ts'
import { until } from '../../support/poll.ts'

let server: EchoServer
let bystander: Peer
const peers: Peer[] = []
const closers: (() => Promise<void>)[] = []

async function newPeer(options: PeerOptions = {}): Promise<Peer> {
  const peer = await connectPeer(server.port, options)
  peers.push(peer)
  return peer
}

beforeEach(async () => {
  server = await startEchoServer()
  bystander = await newPeer()
})
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  for (const close of closers.splice(0)) await close()
  await server.close()
})

const odd = (count: number): number[] => Array.from({ length: count }, (_, at) => 2 * at + 1)
const times = (count: number, octets: Uint8Array): Buffer =>
  Buffer.concat(Array<Uint8Array>(count).fill(octets))
const headersTo = (id: number, method = 'Echo', endStream = false): Buffer =>
  headersOf(id, requestFields(`/test.Echo/${method}`), { endStream })

/** The newest stream that is open, for what has to be about one. */
const openStream = (): Buffer => headersTo(1)

const { enhanceYourCalm, protocolError, flowControlError, streamClosed } = errorCode

describe('what a connection cannot survive ends with GOAWAY, FIN, and nobody else harmed', () => {
  it.each<[string, number, () => Buffer[]]>([
    [
      'a header block without end (CVE-2024-27316)',
      enhanceYourCalm,
      () => [
        frameOf('headers', { streamId: 1 }),
        times(256, frameOf('continuation', { streamId: 1, payload: new Uint8Array(16_384) })),
      ],
    ],
    [
      'a header block of empty frames',
      enhanceYourCalm,
      () => [
        frameOf('headers', { streamId: 1 }),
        times(20_000, frameOf('continuation', { streamId: 1 })),
      ],
    ],
    [
      'empty DATA (CVE-2019-9518)',
      enhanceYourCalm,
      () => [openStream(), times(20_000, dataOf(1, Buffer.alloc(0), { endStream: false }))],
    ],
    [
      'DATA of nothing but padding',
      enhanceYourCalm,
      () => [
        openStream(),
        times(20_000, frameOf('data', { streamId: 1, flags: frameFlag.padded, payload: [1, 0] })),
      ],
    ],
    ['SETTINGS (CVE-2019-9515)', enhanceYourCalm, () => [times(20_000, settingsOf())]],
    [
      'SETTINGS with the same value',
      enhanceYourCalm,
      () => [times(20_000, settingsOf({ 4: 65_535 }))],
    ],
    [
      'acknowledgements of SETTINGS that were not sent',
      enhanceYourCalm,
      () => [times(20_000, frameOf('settings', { flags: frameFlag.ack }))],
    ],
    ['PING (CVE-2019-9512)', enhanceYourCalm, () => [times(20_000, pingOf())]],
    [
      'PING acknowledgements',
      enhanceYourCalm,
      () => [times(20_000, pingOf('pingping', frameFlag.ack))],
    ],
    [
      'PRIORITY in a loop (CVE-2019-9513)',
      enhanceYourCalm,
      () => {
        const dependOn = (id: number, on: number): Buffer =>
          frameOf('priority', { streamId: id, payload: Buffer.concat([uint32(on), Buffer.of(1)]) })
        return [times(10_000, Buffer.concat([dependOn(1, 3), dependOn(3, 1)]))]
      },
    ],
    [
      'WINDOW_UPDATE of the connection',
      enhanceYourCalm,
      () => [times(20_000, windowUpdateOf(0, 1))],
    ],
    [
      'WINDOW_UPDATE of a stream',
      enhanceYourCalm,
      () => [openStream(), times(20_000, windowUpdateOf(1, 1))],
    ],
    [
      'GOAWAY',
      enhanceYourCalm,
      () => [times(20_000, frameOf('goAway', { payload: new Uint8Array(8) }))],
    ],
    ['frames of unknown types', enhanceYourCalm, () => [times(20_000, frameOf(0xfa))]],
    [
      'resets that are asked for by WINDOW_UPDATE of 0 (CVE-2025-8671)',
      enhanceYourCalm,
      () => odd(3_000).flatMap((id) => [requestOf(id, 'Never', 'x'), windowUpdateOf(id, 0)]),
    ],
    [
      'by an overflow of the window',
      enhanceYourCalm,
      () =>
        odd(3_000).flatMap((id) => [requestOf(id, 'Never', 'x'), windowUpdateOf(id, 2 ** 31 - 1)]),
    ],
    [
      'by DATA after the end',
      enhanceYourCalm,
      () => odd(3_000).flatMap((id) => [requestOf(id, 'Never', 'x'), dataOf(id, Buffer.of(1))]),
    ],
    [
      'by HEADERS after the end',
      enhanceYourCalm,
      () => odd(3_000).flatMap((id) => [requestOf(id, 'Never', 'x'), headersTo(id, 'Echo', true)]),
    ],
    [
      'by PRIORITY of half its length',
      enhanceYourCalm,
      () =>
        odd(3_000).flatMap((id) => [
          requestOf(id, 'Never', 'x'),
          frameOf('priority', { streamId: id, payload: [0] }),
        ]),
    ],
    [
      'by heads that are malformed',
      enhanceYourCalm,
      () => odd(3_000).map((id) => headersOf(id, [[':method', 'POST']])),
    ],
    [
      'by promises of a length that are not kept',
      enhanceYourCalm,
      () =>
        odd(3_000).flatMap((id) => [
          headersOf(id, requestFields('/test.Echo/Echo', [['content-length', '9']])),
          dataOf(id, messageOf('x')),
        ]),
    ],
    [
      'an overflow of the window of the connection',
      flowControlError,
      () => [windowUpdateOf(0, 2 ** 31 - 1)],
    ],
    [
      'a frame that is too long',
      errorCode.frameSizeError,
      () => [frameOf('data', { streamId: 1, payload: new Uint8Array(16_385) })],
    ],
    [
      'HEADERS of a stream that is over',
      streamClosed,
      () => [requestOf(1, 'Echo', 'x'), headersTo(1, 'Echo', true)],
    ],
    ['a stream id that goes down', protocolError, () => [headersTo(5), headersTo(3)]],
    [
      'something else than HTTP/2 after it',
      protocolError,
      () => [frameOf('rstStream', { streamId: 7, payload: uint32(8) })],
    ],
    [
      'a push',
      protocolError,
      () => [frameOf('pushPromise', { streamId: 1, payload: [0, 0, 0, 2] })],
    ],
    [
      'a header block that the table cannot decode',
      errorCode.compressionError,
      () => [headersOf(1, Uint8Array.from(encodeIndexed(99)))],
    ],
  ])('%s: code %d', async (_attack, code, octets) => {
    const attacker = await newPeer({ connectionWindow: 65_535 })
    attacker.send(windowUpdateOf(0, 1), ...octets())
    expect(await attacker.goAway()).toMatchObject({ code })
    expect(await attacker.ended()).toBe('fin')
    expect(await bystander.call('Echo', 'innocent')).toBe('innocent')
    expect(await (await newPeer()).call('Echo', 'newcomer')).toBe('newcomer')
    expect(server.faults).toEqual([])
  })
})

describe('what a stream does not survive ends with a reset, and its call is told', () => {
  it.each<[string, number, () => Buffer]>([
    ['WINDOW_UPDATE of 0', protocolError, () => windowUpdateOf(1, 0)],
    ['an overflow of its window', flowControlError, () => windowUpdateOf(1, 2 ** 31 - 1)],
    ['DATA after its end', streamClosed, () => dataOf(1, Buffer.of(1))],
    ['HEADERS after its end', streamClosed, () => headersTo(1, 'Echo', true)],
  ])('%s: code %d', async (_attack, code, octets) => {
    const peer = await newPeer()
    peer.nextId()
    peer.send(requestOf(1, 'Never', 'x'), octets())
    expect((await peer.answer(1)).reset).toBe(code)
    expect(await peer.call('Echo', 'innocent')).toBe('innocent')
    expect(server.cancellations()).toBe(1)
    expect(peer.goneAway()).toBe(false)
  })
})

describe('what a connection survives', () => {
  type Outcome = number | 'answered' | 'answered, and reset' | 'open'
  const bomb = (id: number): Buffer =>
    headersOf(
      id,
      Buffer.concat([
        plainBlock(requestFields('/test.Echo/Echo')),
        incrementalField('bomb', 'b'.repeat(4_000)),
        times(12_000, Uint8Array.from(encodeIndexed(62))),
      ]),
      { endStream: false },
    )
  it.each<[string, () => Buffer[], Readonly<Record<number, Outcome>>]>([
    [
      'streams that are reset at once (CVE-2023-44487)',
      () => odd(3_000).flatMap((id) => [headersTo(id), resetOf(id)]),
      { 1: 'open', 5_999: 'open' },
    ],
    [
      'calls that are reset at once',
      () => odd(10_000).flatMap((id) => [requestOf(id, 'Never', 'x'), resetOf(id)]),
      { 1: 'open', 19_999: 'open' },
    ],
    [
      'calls that are reset once they are answered',
      () => odd(3_000).flatMap((id) => [requestOf(id, 'Echo', 'x'), resetOf(id)]),
      { 1: 'answered', 5_999: 'answered' },
    ],
    [
      'resets of a stream that is over',
      () => [requestOf(1, 'Echo', 'x'), times(20_000, resetOf(1))],
      { 1: 'answered' },
    ],
    [
      'DATA of a stream that is over',
      () => [requestOf(1, 'Echo', 'x'), times(3_000, dataOf(1, Buffer.of(1)))],
      { 1: 'answered, and reset' },
    ],
    [
      'names without letters (CVE-2019-9516)',
      () => [headersOf(1, plainBlock(Array(2_000).fill(['', ''])), { endStream: true })],
      { 1: protocolError },
    ],
    [
      'a list that is large when it is decoded',
      () => [bomb(1), dataOf(1, messageOf('x'))],
      { 1: 'answered' },
    ],
    [
      'a message in pieces of one octet',
      () => [
        openStream(),
        ...[...messageOf('y'.repeat(5_000))].map((octet, at) =>
          dataOf(1, Buffer.of(octet), { endStream: at === 5_004 }),
        ),
      ],
      { 1: 'answered' },
    ],
    [
      'a PING and a WINDOW_UPDATE with each of many calls',
      () =>
        odd(5_000).flatMap((id) => [requestOf(id, 'Echo', 'x'), windowUpdateOf(0, 5), pingOf()]),
      { 9_999: 'answered' },
    ],
    [
      'answers that are let through octet by octet (CVE-2019-9511)',
      () => [
        settingsOf({ 4: 0 }),
        requestOf(1, 'Echo', 'x'.repeat(3_000)),
        times(3_005, windowUpdateOf(1, 1)),
        settingsOf({ 4: 65_535 }),
      ],
      { 1: 'answered' },
    ],
    [
      'messages that are announced as very long',
      () =>
        odd(1_000).flatMap((id) => [
          headersTo(id),
          dataOf(id, Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1])),
        ]),
      { 1: 'answered', 1_999: 'answered' },
    ],
  ])('%s', async (_attack, octets, wanted) => {
    const peer = await newPeer({ connectionWindow: 2 ** 30 })
    peer.nextId(15_000)
    peer.send(...octets())
    for (const [id, outcome] of Object.entries(wanted)) {
      const seen = outcome === 'open' ? peer.stream(Number(id)) : await peer.answer(Number(id))
      if (outcome === 'answered, and reset') {
        await until(() => seen.reset === streamClosed, { what: 'a reset' })
      }
      const reset = outcome === 'answered, and reset' ? streamClosed : undefined
      expect(seen).toMatchObject({
        ended: typeof outcome === 'string' && outcome !== 'open',
        reset: typeof outcome === 'number' ? outcome : reset,
      })
    }
    expect(await peer.call('Echo', 'innocent')).toBe('innocent')
    expect(peer.goneAway()).toBe(false)
    expect(await bystander.call('Echo', 'other')).toBe('other')
    expect(server.faults).toEqual([])
  })

  it('more calls at once than may be, reset or not: the rest are refused', async () => {
    const maxConcurrentStreams = 100
    const small = await startEchoServer({ limits: { maxConcurrentStreams } })
    const peer = await connectPeer(small.port)
    const innocent = await connectPeer(small.port)
    peers.push(peer, innocent)
    try {
      peer.send(...odd(300).flatMap((id) => [requestOf(id, 'Stuck', 'x'), resetOf(id)]))
      // Their work goes on, so they still count.
      expect((await peer.answer(201)).reset).toBe(errorCode.refusedStream)
      expect((await peer.answer(599)).reset).toBe(errorCode.refusedStream)
      expect(small.stuck()).toBe(maxConcurrentStreams)
      peer.nextId(400)
      expect(await peer.call('Echo', 'x')).toBe(`reset with ${errorCode.refusedStream}`)
      expect(await innocent.call('Echo', 'innocent')).toBe('innocent')
      small.release()
      expect(await peer.call('Echo', 'again')).toBe('again')
    } finally {
      await small.close()
    }
  })

  it('the window of the connection does not leak, whatever becomes of DATA', async () => {
    const peer = await newPeer()
    const octets = new Uint8Array(16_000)
    const part = (streamId: number): Buffer => frameOf('data', { streamId, payload: octets })
    const padding = Buffer.concat([Buffer.of(250), messageOf('x'), new Uint8Array(250)])
    const flags = frameFlag.padded | frameFlag.endStream
    const head = (id: number): Buffer => headersTo(id)
    const round = (id: number): Buffer[] => [
      ...[head(id), part(id), resetOf(id), part(id)], // also after its reset
      ...[headersTo(id + 2, 'Missing'), part(id + 2)], // after the answer
      ...[head(id + 4), frameOf('data', { streamId: id + 4, flags, payload: padding })],
      ...[headersOf(id + 6, [[':method', 'POST']]), part(id + 6)], // after a reset by the server
      ...[requestOf(id + 8, 'Echo', 'x'), part(id + 8), part(id + 8)], // after its end
    ]
    const perRound = 6 * octets.length + padding.length + 6
    let sent = 0
    const window = (): number =>
      peer.frames.reduce(
        (sum, { payload, streamId, type }) =>
          type === frameType.windowUpdate && streamId === 0 ? sum + payload.readUInt32BE() : sum,
        65_535 - sent,
      )
    for (let id = 1; id < 1_000; id += 10) {
      await until(() => window() >= perRound, { what: 'window for DATA' })
      peer.send(...round(id))
      sent += perRound
    }
    peer.nextId(1_000)
    expect(await peer.call('Echo', 'after')).toBe('after')
    expect(peer.goneAway()).toBe(false)
    expect(sent).toBeGreaterThan(8 * defaultLimits.connectionWindowBytes)
  })
})

describe('what takes too long is ended', () => {
  async function slowly(
    limits: Partial<LeanLimits>,
    options: PeerOptions,
    begin: (peer: Peer) => void,
  ): Promise<Peer> {
    const strict = await startEchoServer({ limits })
    closers.push(strict.close)
    const peer = await connectPeer(strict.port, options)
    peers.push(peer)
    begin(peer)
    return peer
  }

  it.each<[string, number, Partial<LeanLimits>, PeerOptions, (peer: Peer) => void]>([
    ['who says nothing', protocolError, { greetingMs: 100 }, { silent: true }, () => undefined],
    [
      'a preface in part',
      protocolError,
      { greetingMs: 100 },
      { silent: true },
      (peer) => peer.send(prefaceOctets.subarray(0, 20)),
    ],
    [
      'a preface without SETTINGS',
      protocolError,
      { greetingMs: 100 },
      { silent: true },
      (peer) => peer.send(prefaceOctets),
    ],
    [
      'SETTINGS that are not acknowledged',
      errorCode.settingsTimeout,
      { settingsMs: 100 },
      { acknowledges: false },
      () => undefined,
    ],
    [
      'a header block that does not end',
      enhanceYourCalm,
      { headerBlockMs: 100 },
      { acknowledges: false },
      (peer) => peer.send(frameOf('headers', { streamId: 1 })),
    ],
    [
      'a frame that does not end',
      enhanceYourCalm,
      { headerBlockMs: 100 },
      {},
      (peer) => peer.send(headersTo(1), dataOf(1, messageOf('xyz')).subarray(0, -1)),
    ],
    ['a connection without use', errorCode.noError, { idleMs: 100 }, {}, () => undefined],
  ])('%s: code %d', async (_fault, code, limits, options, begin) => {
    const peer = await slowly(limits, options, begin)
    expect(await peer.goAway()).toMatchObject({ code })
    expect(await peer.ended()).toBe('fin')
  })

  it('streams that are never ended, by a reset of each; others are answered meanwhile', async () => {
    const peer = await slowly({ requestMs: 700 }, {}, (peer) => {
      peer.send(...odd(3_000).flatMap((id) => [headersTo(id)]))
      peer.nextId(3_000)
    })
    expect(await peer.call('Echo', 'meanwhile')).toBe('meanwhile')
    for (const id of [1, 5_999]) expect((await peer.answer(id)).reset).toBe(errorCode.cancel)
    expect(await peer.call('Echo', 'after')).toBe('after')
  })

  it('answers that nobody lets through, by a reset of the stream', async () => {
    const peer = await slowly({ stallMs: 700 }, { settings: { 4: 0 } }, (peer) => {
      peer.send(requestOf(peer.nextId(), 'Echo', 'x'))
    })
    expect((await peer.answer(1)).reset).toBe(errorCode.cancel)
    peer.send(settingsOf({ 4: 65_535 }))
    expect(await peer.call('Echo', 'after')).toBe('after')
  })

  it('more answers than may wait for windows, by the end of the connection', async () => {
    const peer = await slowly({ maxQueuedBytes: 1_000_000 }, { settings: { 4: 0 } }, (peer) => {
      const size = uint32(100_000)
      peer.send(...odd(20).flatMap((id) => [requestOf(id, 'Size', size)]))
    })
    expect(await peer.goAway()).toMatchObject({ code: enhanceYourCalm })
    expect(await peer.ended()).toBe('fin')
  })

  it('who does not read, by the end of the connection; it is not read from meanwhile', async () => {
    const options = { settings: { 4: 2 ** 31 - 1 } }
    const peer = await slowly({ stallMs: 1_000 }, options, () => undefined)
    peer.socket.pause()
    const ask = odd(2_000).flatMap((id) => requestOf(id, 'Size', uint32(30_000)))
    peer.send(...ask)
    let closed = false
    peer.socket.once('close', () => (closed = true))
    // What is left of the requests shows when the server stops reading; a write fails at the end.
    const timer = setInterval(() => peer.send(pingOf()), 50)
    try {
      await until(() => closed || peer.isEnded(), { what: 'the end of the connection' })
    } finally {
      clearInterval(timer)
    }
  })
})
