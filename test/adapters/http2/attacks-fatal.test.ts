import { describe, expect, it } from 'vitest'
import { errorCode, frameFlag } from '../../../src/adapters/http2/protocol.ts'
import { attackedServer, headersTo, odd, times } from '../../support/attacked-server.ts'
import { encodeIndexed } from '../../support/hpack-encoder.ts'
import {
  dataOf,
  frameOf,
  headersOf,
  messageOf,
  pingOf,
  requestFields,
  requestOf,
  settingsOf,
  uint32,
  windowUpdateOf,
} from '../../support/http2-frames.ts'

const attacked = attackedServer()

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
    const attacker = await attacked.newPeer({ connectionWindow: 65_535 })
    attacker.send(windowUpdateOf(0, 1), ...octets())
    expect(await attacker.goAway()).toMatchObject({ code })
    expect(await attacker.ended()).toBe('fin')
    expect(await attacked.bystander.call('Echo', 'innocent')).toBe('innocent')
    expect(await (await attacked.newPeer()).call('Echo', 'newcomer')).toBe('newcomer')
    expect(attacked.server.faults).toEqual([])
  })
})
