import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { connect, type Socket } from 'node:net'
import { defaultLimits } from '../../../src/adapters/http2/limits.ts'
import { encodeIndexed, plainBlock } from '../../support/hpack-encoder.ts'
import { startEchoProcess, type EchoProcess } from '../../support/http2-echo-process.ts'
import {
  dataOf,
  frameOf,
  headersOf,
  incrementalField,
  messageOf,
  prefaceOctets,
  requestFields,
  requestOf,
  resetOf,
  settingsOf,
  uint32,
} from '../../support/http2-frames.ts'
import { connectPeer } from '../../support/http2-peer.ts'
import { until } from '../../support/poll.ts'

const mebibyte = 2 ** 20
const connections = 4

let server: EchoProcess
const sockets: Socket[] = []
beforeAll(async () => {
  server = await startEchoProcess()
})
afterAll(() => server.close())
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

/** Sends everything, as far as it is taken; what comes is thrown away, or not even read. */
function attack(octets: readonly Uint8Array[], reads: boolean): void {
  const socket = connect(server.port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  if (reads) socket.resume()
  socket.write(Buffer.concat([prefaceOctets, settingsOf({ 4: 2 ** 31 - 1 }), ...octets]))
}

const odd = (count: number): number[] => Array.from({ length: count }, (_, at) => 2 * at + 1)
const headersTo = (id: number): Buffer => headersOf(id, requestFields('/test.Echo/Echo'))
const unfinished = Buffer.concat([uint32(0), Buffer.alloc(16_000)])

it.each<[string, number, boolean, () => Uint8Array[]]>([
  [
    'streams that are reset at once',
    4,
    true,
    () => odd(10_000).flatMap((id) => [headersTo(id), resetOf(id)]),
  ],
  [
    'calls that are reset at once',
    4,
    true,
    () => odd(10_000).flatMap((id) => [requestOf(id, 'Never', 'x'), resetOf(id)]),
  ],
  ['streams that are never ended', 12, true, () => odd(5_000).map((id) => headersTo(id))],
  [
    'messages that are never ended',
    8 + (connections * defaultLimits.maxGatheredBytes) / mebibyte,
    true,
    () => {
      const announced = Buffer.concat([Buffer.from([0, 0, 0x10, 0, 0]), unfinished.subarray(5)])
      return odd(400).flatMap((id) => [headersTo(id), dataOf(id, announced, { endStream: false })])
    },
  ],
  [
    'large entries of the header table, used again and again',
    4,
    true,
    () => [
      headersOf(
        1,
        Buffer.concat([
          plainBlock(requestFields('/test.Echo/Echo')),
          incrementalField('bomb', 'b'.repeat(4_000)),
          ...Array<Uint8Array>(12_000).fill(Uint8Array.from(encodeIndexed(62))),
        ]),
      ),
      dataOf(1, messageOf('x')),
      ...odd(200)
        .slice(1)
        .flatMap((id) => [headersOf(id, Uint8Array.from(Array<number>(16_000).fill(0x80 | 62)))]),
    ],
  ],
  [
    'paths that are unknown, in the header table',
    2,
    true,
    () =>
      odd(900).map((id) =>
        headersOf(id, incrementalField(':path', `/${String(id).repeat(1_000)}`)),
      ),
  ],
  [
    'answers that are not read',
    4 + (connections * defaultLimits.maxQueuedBytes) / mebibyte,
    false,
    () => odd(4_000).map((id) => requestOf(id, 'Size', uint32(10_000))),
  ],
  [
    'acknowledgements that are not read',
    10,
    false,
    () => odd(10_000).flatMap((id) => [settingsOf(), requestOf(id, 'Echo', '')]),
  ],
  [
    'a header block that does not end',
    5,
    true,
    () => [
      frameOf('headers', { streamId: 1 }),
      ...Array<Uint8Array>(8).fill(
        frameOf('continuation', { streamId: 1, payload: new Uint8Array(16_000) }),
      ),
    ],
  ],
])('%s: at most %d MiB are held for four connections', async (_attack, mebibytes, reads, make) => {
  const octets = make()
  const before = await server.heldBytes()
  for (let connection = 0; connection < connections; connection += 1) attack(octets, reads)
  const innocent = await connectPeer(server.port)
  sockets.push(innocent.socket)
  expect(await innocent.call('Echo', 'innocent')).toBe('innocent')
  const isTaken = ({ destroyed, writableLength }: Socket): boolean =>
    destroyed || writableLength === 0
  if (reads) await until(() => sockets.every(isTaken), { what: 'the end of the attack' })
  let held = 0
  for (let look = 0; look < 5; look += 1) {
    expect(await innocent.call('Echo', 'again')).toBe('again')
    held = Math.max(held, (await server.heldBytes()) - before)
  }
  expect(held / mebibyte).toBeLessThan(mebibytes)
})
