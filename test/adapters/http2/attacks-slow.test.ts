import { describe, expect, it } from 'vitest'
import type { LeanLimits } from '../../../src/adapters/http2/limits.ts'
import { errorCode } from '../../../src/adapters/http2/protocol.ts'
import { attackedServer, headersTo, odd } from '../../support/attacked-server.ts'
import { startEchoServer } from '../../support/http2-echo-server.ts'
import {
  dataOf,
  frameOf,
  messageOf,
  pingOf,
  prefaceOctets,
  requestOf,
  settingsOf,
  uint32,
} from '../../support/http2-frames.ts'
import { connectPeer, type Peer, type PeerOptions } from '../../support/http2-peer.ts'
import { until } from '../../support/poll.ts'

const attacked = attackedServer()

const { enhanceYourCalm, protocolError } = errorCode

describe('what takes too long is ended', () => {
  async function slowly(
    limits: Partial<LeanLimits>,
    options: PeerOptions,
    begin: (peer: Peer) => void,
  ): Promise<Peer> {
    const strict = await startEchoServer({ limits })
    attacked.keepServer(strict)
    const peer = await connectPeer(strict.port, options)
    attacked.keepPeer(peer)
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
