import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../../src/adapters/http2/limits.ts'
import { errorCode, frameFlag, frameType } from '../../../src/adapters/http2/protocol.ts'
import { attackedServer, headersTo, odd, times } from '../../support/attacked-server.ts'
import { encodeIndexed, plainBlock } from '../../support/hpack-encoder.ts'
import { startEchoServer } from '../../support/http2-echo-server.ts'
import {
  dataOf,
  frameOf,
  headersOf,
  incrementalField,
  messageOf,
  pingOf,
  requestFields,
  requestOf,
  resetOf,
  settingsOf,
  windowUpdateOf,
} from '../../support/http2-frames.ts'
import { connectPeer } from '../../support/http2-peer.ts'
import { until } from '../../support/poll.ts'

const attacked = attackedServer()

/** The newest stream that is open, for what has to be about one. */
const openStream = (): Buffer => headersTo(1)
const { protocolError, flowControlError, streamClosed } = errorCode

describe('what a stream does not survive ends with a reset, and its call is told', () => {
  it.each<[string, number, () => Buffer]>([
    ['WINDOW_UPDATE of 0', protocolError, () => windowUpdateOf(1, 0)],
    ['an overflow of its window', flowControlError, () => windowUpdateOf(1, 2 ** 31 - 1)],
    ['DATA after its end', streamClosed, () => dataOf(1, Buffer.of(1))],
    ['HEADERS after its end', streamClosed, () => headersTo(1, 'Echo', true)],
  ])('%s: code %d', async (_attack, code, octets) => {
    const peer = await attacked.newPeer()
    peer.nextId()
    peer.send(requestOf(1, 'Never', 'x'), octets())
    expect((await peer.answer(1)).reset).toBe(code)
    expect(await peer.call('Echo', 'innocent')).toBe('innocent')
    expect(attacked.server.cancellations()).toBe(1)
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
    const peer = await attacked.newPeer({ connectionWindow: 2 ** 30 })
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
    expect(await attacked.bystander.call('Echo', 'other')).toBe('other')
    expect(attacked.server.faults).toEqual([])
  })

  it('more calls at once than may be, reset or not: the rest are refused', async () => {
    const maxConcurrentStreams = 100
    const small = await startEchoServer({ limits: { maxConcurrentStreams } })
    const peer = await connectPeer(small.port)
    const innocent = await connectPeer(small.port)
    attacked.keepPeer(peer)
    attacked.keepPeer(innocent)
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
    const peer = await attacked.newPeer()
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
