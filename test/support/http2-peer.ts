import { connect, type Socket } from 'node:net'
import { frameFlag, frameType } from '../../src/adapters/http2/protocol.ts'
import { createReferenceDecoder, type HeaderField } from './hpack-reference.ts'
import {
  prefaceOctets,
  requestOf,
  settingsAck,
  settingsOf,
  takeFrames,
  windowUpdateOf,
  type ReceivedFrame,
} from './http2-frames.ts'

/** What came on a stream. */
export interface StreamSeen {
  readonly heads: HeaderField[][]
  data: Buffer
  ended: boolean
  /** The code of RST_STREAM. */
  reset: number | undefined
}

/** A client that sends whatever it is told, and sees every frame. */
export interface Peer {
  readonly socket: Socket
  readonly frames: readonly ReceivedFrame[]
  readonly send: (...octets: readonly Uint8Array[]) => void
  /** What came on a stream up to now. */
  readonly stream: (id: number) => StreamSeen
  /** The last GOAWAY, once one has come. */
  readonly goAway: () => Promise<{ readonly code: number; readonly last: number; text: string }>
  readonly goneAway: () => boolean
  /** How the connection ended: with FIN, or an error of the socket. */
  readonly ended: () => Promise<'fin' | 'reset'>
  readonly isEnded: () => boolean
  /** Waits until a stream is answered, or reset. */
  readonly answer: (id: number) => Promise<StreamSeen>
  /** Sends a request on a new stream; gives the message of its answer, or how it went wrong. */
  readonly call: (method: string, message: string, streamId?: number) => Promise<string>
  /** The id of the next stream that `call` would use. */
  readonly nextId: (count?: number) => number
  readonly close: () => void
}

export interface PeerOptions {
  readonly settings?: Readonly<Record<number, number>>
  /** Default: as large as may be, so that answers never wait. */
  readonly connectionWindow?: number
  /** Say nothing at first. */
  readonly silent?: boolean
  /** Acknowledge SETTINGS. Default: true. */
  readonly acknowledges?: boolean
}

const defaultWindow = 65_535
const patienceMs = 10_000
/** Counted in short pieces: a process that stood still has not waited meanwhile. */
const pieceMs = 500

/** Connects to a port, or a Unix socket, and greets. */
export async function connectPeer(
  address: number | string,
  {
    settings = {},
    connectionWindow = 2 ** 31 - 1,
    silent = false,
    acknowledges = true,
  }: PeerOptions = {},
): Promise<Peer> {
  const socket = typeof address === 'number' ? connect(address, '127.0.0.1') : connect(address)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  const frames: ReceivedFrame[] = []
  const streams = new Map<number, StreamSeen>()
  const { decode } = createReferenceDecoder()
  let end: 'fin' | 'reset' | undefined
  let goAway: ReceivedFrame | undefined
  let rest: Buffer = Buffer.alloc(0)
  let lastId = -1

  function stream(id: number): StreamSeen {
    const known = streams.get(id)
    if (known !== undefined) return known
    const seen = { heads: [], data: Buffer.alloc(0), ended: false, reset: undefined }
    streams.set(id, seen)
    return seen
  }
  function onFrame(frame: ReceivedFrame): void {
    const { flags, payload, streamId, type } = frame
    frames.push(frame)
    if (type === frameType.goAway) goAway = frame
    if (type === frameType.settings && flags === 0 && acknowledges) socket.write(settingsAck)
    if (type === frameType.rstStream) stream(streamId).reset = payload.readUInt32BE()
    if (type === frameType.headers) stream(streamId).heads.push(decode(payload))
    if (type === frameType.data) {
      stream(streamId).data = Buffer.concat([stream(streamId).data, payload])
    }
    const mayEnd = type === frameType.headers || type === frameType.data
    if (mayEnd && (flags & frameFlag.endStream) !== 0) stream(streamId).ended = true
  }
  const waiting = new Set<() => void>()
  function look(): void {
    for (const probe of waiting) probe()
  }
  /** Waits until `probe` gives something; it looks whenever something has come. */
  function when<T>(probe: () => T | undefined | false, what: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let waitedMs = 0
    const timer = setInterval(() => {
      waitedMs += pieceMs
      if (waitedMs < patienceMs) return
      clearInterval(timer)
      waiting.delete(looks)
      reject(new Error(`${what}: not within ${patienceMs} ms`))
    }, pieceMs)
    function looks(): void {
      const found = probe()
      if (found === undefined || found === false) return
      clearInterval(timer)
      waiting.delete(looks)
      resolve(found)
    }
    waiting.add(looks)
    looks()
    return promise
  }
  socket.on('data', (octets: Buffer) => {
    rest = takeFrames(rest.length === 0 ? octets : Buffer.concat([rest, octets]), onFrame)
    look()
  })
  socket.on('end', () => {
    end ??= 'fin'
    look()
  })
  socket.on('error', () => {
    end ??= 'reset'
    look()
  })

  const send = (...octets: readonly Uint8Array[]): void => void socket.write(Buffer.concat(octets))
  if (!silent) {
    send(prefaceOctets, settingsOf(settings))
    if (connectionWindow > defaultWindow) send(windowUpdateOf(0, connectionWindow - defaultWindow))
  }
  const isOver = ({ ended, reset }: StreamSeen): boolean => ended || reset !== undefined
  async function answer(id: number): Promise<StreamSeen> {
    await when(() => isOver(stream(id)) || end !== undefined, `an answer on ${id}`)
    return stream(id)
  }
  function nextId(count = 1): number {
    lastId += 2 * count
    return lastId
  }

  return {
    socket,
    frames,
    send,
    stream,
    answer,
    nextId,
    goneAway: () => goAway !== undefined,
    isEnded: () => end !== undefined,
    async goAway() {
      const { payload } = await when(() => goAway, 'GOAWAY')
      return {
        last: payload.readUInt32BE(),
        code: payload.readUInt32BE(4),
        text: payload.toString('latin1', 8),
      }
    },
    ended: () => when(() => end, 'the end of the connection'),
    async call(method, message, streamId = nextId()) {
      send(requestOf(streamId, method, message))
      const seen = await answer(streamId)
      if (seen.reset !== undefined && !seen.ended) return `reset with ${seen.reset}`
      if (!seen.ended) return `the connection ended: ${String(end)}`
      const status = seen.heads.at(-1)?.find(([name]) => name === 'grpc-status')?.[1]
      return status === '0' ? seen.data.toString('latin1', 5) : `status ${String(status)}`
    },
    close: () => socket.destroy(),
  }
}
