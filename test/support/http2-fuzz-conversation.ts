import { frameFlag, frameType } from '../../src/adapters/http2/protocol.ts'
import { createRandomEncoder } from './hpack-encoder.ts'
import type { HeaderField } from './hpack-reference.ts'
import {
  frameOf,
  messageOf,
  pingOf,
  requestFields,
  resetOf,
  settingsAck,
  settingsOf,
  uint32,
  windowUpdateOf,
} from './http2-frames.ts'

/** What a client says that keeps to all rules: frames, and the echoes that it is owed. */
export interface Conversation {
  readonly frames: Buffer[]
  /** Messages by stream, of the calls that must be echoed if nothing is changed. */
  readonly echoes: ReadonlyMap<number, Buffer>
  /** Highest stream. */
  readonly last: number
}

/** All DATA stays below the windows that a client may take for granted. */
const maxData = 60_000

type Random = () => number

/** Makes a conversation of a number of steps, with what any client may do, and rarely does. */
export function createConversation(random: Random, steps: number): Conversation {
  const below = (limit: number): number => Math.floor(random() * limit)
  const chance = (share: number): boolean => random() < share
  const { encode } = createRandomEncoder(random)
  const frames: Buffer[] = [settingsOf(chance(0.5) ? {} : { 2: 0, 3: 100, 4: 65_535 + below(1e6) })]
  const echoes = new Map<number, Buffer>()
  const open = new Map<number, Buffer[]>()
  let last = -1
  let data = 0

  /** HEADERS, cut into CONTINUATIONs, padded, with a priority, as it comes. */
  function heads(streamId: number, fields: readonly HeaderField[], flags: number): Buffer[] {
    const block = encode(fields)
    const cuts = chance(0.8) ? [] : Array.from({ length: 1 + below(3) }, () => below(block.length))
    const bounds = [0, ...cuts.sort((a, b) => a - b), block.length]
    const parts = bounds.slice(1).map((to, at) => block.subarray(bounds[at], to))
    return parts.map((part, at) => {
      const ends = at === parts.length - 1 ? frameFlag.endHeaders : 0
      if (at > 0) return frameOf('continuation', { streamId, flags: ends, payload: part })
      const priority = chance(0.1)
      const padding = chance(0.1) ? below(50) : undefined
      const payload = Buffer.concat([
        padding === undefined ? Buffer.alloc(0) : Buffer.of(padding),
        priority ? Buffer.concat([uint32(0), Buffer.of(below(256))]) : Buffer.alloc(0),
        part,
        Buffer.alloc(padding ?? 0),
      ])
      const padded = padding === undefined ? 0 : frameFlag.padded
      const all = flags | ends | padded | (priority ? frameFlag.priority : 0)
      return frameOf('headers', { streamId, flags: all, payload })
    })
  }

  function dataFrames(streamId: number, octets: Buffer, endStream: boolean): Buffer[] {
    const cuts = chance(0.6) ? [] : Array.from({ length: 1 + below(3) }, () => below(octets.length))
    const bounds = [0, ...cuts.sort((a, b) => a - b), octets.length]
    const parts = bounds.slice(1).map((to, at) => octets.subarray(bounds[at], to))
    return parts.map((part, at) => {
      const padding = chance(0.8) ? undefined : below(100)
      const ends = endStream && at === parts.length - 1 ? frameFlag.endStream : 0
      if (padding === undefined) return frameOf('data', { streamId, flags: ends, payload: part })
      const payload = Buffer.concat([Buffer.of(padding), part, Buffer.alloc(padding)])
      return frameOf('data', { streamId, flags: ends | frameFlag.padded, payload })
    })
  }

  const methods = ['Echo', 'Echo', 'Echo', 'Echo', 'Never', 'Stuck', 'Missing', 'Size']

  function request(): void {
    last += 2 + (chance(0.1) ? 2 * below(5) : 0)
    const streamId = last
    const method = methods[below(methods.length)] ?? ''
    const size = Math.min([0, 5, 200, 1_500, below(12_000)][below(5)] ?? 0, maxData - data - 2_000)
    const octets =
      method === 'Size'
        ? uint32(below(40_000))
        : Buffer.from(Array.from({ length: Math.max(0, size) }, () => below(256)))
    data += octets.length + 600
    const health = chance(0.05)
    const path = health ? '/grpc.health.v1.Health/Watch' : `/test.Echo/${method}`
    const extra: HeaderField[] = chance(0.4) ? [] : [[`x-${below(20)}`, 'v'.repeat(below(300))]]
    if (chance(0.4)) extra.push(['grpc-timeout', `${1 + below(9_000)}m`])
    const trailers = chance(0.1)
    const message = messageOf(health ? Buffer.alloc(0) : octets)
    open.set(streamId, [
      ...dataFrames(streamId, message, !trailers),
      ...(trailers ? [Buffer.alloc(0)] : []), // the block is made when it is sent
    ])
    if (method === 'Echo' && !health) echoes.set(streamId, octets)
    frames.push(...heads(streamId, requestFields(path, extra), 0))
  }

  /** Sends the next frames of one of the streams that are open. */
  function goOn(): void {
    const ids = [...open.keys()]
    const streamId = ids[below(ids.length)]
    if (streamId === undefined) return
    const left = open.get(streamId) ?? []
    for (let count = chance(0.5) ? left.length : 1; count > 0; count -= 1) {
      const frame = left.shift()
      if (frame === undefined) break
      if (frame.length > 0) frames.push(frame)
      else frames.push(...heads(streamId, [['x-trailer', 'x']], frameFlag.endStream))
    }
    if (left.length === 0) open.delete(streamId)
  }

  function anything(): void {
    const someStream = 1 + 2 * below((last + 1) / 2)
    const kind = below(8)
    if (kind === 0) frames.push(pingOf())
    else if (kind === 1) frames.push(settingsOf({ 4: 65_535 + below(1e6) }))
    else if (kind === 2) frames.push(windowUpdateOf(0, 1 + below(1e6)))
    else if (kind === 3) frames.push(settingsAck)
    else if (kind === 4) frames.push(frameOf(0x20 + below(200), { payload: [1, 2, 3] }))
    else if (last < 1) return
    else if (kind === 5) frames.push(windowUpdateOf(someStream, 1 + below(1e6)))
    else if (kind === 6) {
      frames.push(frameOf('priority', { streamId: someStream, payload: [0, 0, 0, 0, 1] }))
    } else if (echoes.has(someStream) || open.has(someStream)) {
      frames.push(resetOf(someStream))
      echoes.delete(someStream)
      open.delete(someStream)
    }
  }

  for (let step = 0; step < steps; step += 1) {
    const kind = random()
    if (kind < 0.35 && data < maxData - 15_000) request()
    else if (kind < 0.8) goOn()
    else anything()
  }
  while (open.size > 0 && chance(0.9)) goOn()
  // What is not at its end is owed nothing.
  for (const streamId of open.keys()) echoes.delete(streamId)
  return { frames, echoes, last }
}

/** Changes frames, so that each is still a frame. */
export function damageFrames(random: Random, frames: Buffer[]): void {
  const below = (limit: number): number => Math.floor(random() * limit)
  for (let change = 1 + below(4); change > 0; change -= 1) {
    const at = below(frames.length)
    const frame = Buffer.from(frames[at] ?? Buffer.alloc(9))
    const kind = below(8)
    if (kind === 0) frame[3] = below(11)
    else if (kind === 1) frame[4] = below(256)
    else if (kind === 2) frame.writeUInt32BE([0, 1, 2, below(40), 2 ** 31 - 1][below(5)] ?? 0, 5)
    else if (kind === 3 && frame.length > 9) frame[9 + below(frame.length - 9)] = below(256)
    else if (kind === 4) {
      const payload = Buffer.from(Array.from({ length: below(40) }, () => below(256)))
      const streamId = below(30)
      frames.splice(at, 0, frameOf(below(11), { flags: below(256), streamId, payload }))
      continue
    } else if (kind === 5) {
      frames.splice(at, 1)
      continue
    } else if (kind === 6) {
      const copies = Array<Buffer>(1 + below(3)).fill(frame)
      frames.splice(below(frames.length), 0, ...copies)
      continue
    } else {
      const payload = frame.subarray(9, 9 + below(frame.length - 8))
      const [type = 0, flags = 0] = frame.subarray(3)
      frames[at] = frameOf(type, { flags, streamId: frame.readUInt32BE(5), payload })
      continue
    }
    frames[at] = frame
  }
}

/** Changes octets, wherever they are. */
export function damageOctets(random: Random, octets: Buffer): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit)
  let damaged: Buffer = Buffer.from(octets)
  for (let change = 1 + below(4); change > 0; change -= 1) {
    const at = below(damaged.length)
    const kind = below(4)
    const rest = damaged.subarray(at + below(20))
    if (kind === 0) damaged[at] = below(256)
    else if (kind === 1) damaged = Buffer.concat([damaged.subarray(0, at), rest])
    else if (kind === 2) {
      const more = Buffer.from(Array.from({ length: 1 + below(20) }, () => below(256)))
      damaged = Buffer.concat([damaged.subarray(0, at), more, damaged.subarray(at)])
    } else damaged[at] = (damaged[at] ?? 0) ^ (1 << below(8))
  }
  return damaged
}

/** Whether frames end within a header block: what follows would be part of it. */
export function isWithinBlock(frames: readonly Buffer[]): boolean {
  let within = false
  for (const frame of frames) {
    const isHead = frame[3] === frameType.headers || frame[3] === frameType.continuation
    if (isHead) within = ((frame[4] ?? 0) & frameFlag.endHeaders) === 0
  }
  return within
}
