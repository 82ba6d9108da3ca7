import { frameType } from '../../src/adapters/http2/protocol.ts'
import { prefaceOctets, takeFrames, type ReceivedFrame } from './http2-frames.ts'

const initial = 65_535
const initialWindowSize = 4

/** The most that a server may have sent, by what its client has said up to now. */
export interface GrantedWindows {
  /** The client says more. */
  readonly fed: (octets: Uint8Array) => void
  /** The server has sent DATA; throws if that is more than it may (RFC 9113 section 5.2). */
  readonly sent: (streamId: number, octets: number) => void
}

/** Reads the windows that a client grants from its frames; that it takes some back is left out. */
export function createGrantedWindows(): GrantedWindows {
  /** By stream, 0 being the connection: what was added, less what was sent. */
  const left = new Map<number, number>()
  let largestInitial = initial
  let rest: Buffer = Buffer.alloc(0)
  let toSkip = prefaceOctets.length

  function add(streamId: number, octets: number): number {
    const sum = (left.get(streamId) ?? 0) + octets
    left.set(streamId, sum)
    return sum
  }
  function onFrame({ payload, streamId, type }: ReceivedFrame): void {
    if (type === frameType.windowUpdate && payload.length === 4) {
      add(streamId, payload.readUInt32BE() & 0x7fffffff)
    }
    if (type !== frameType.settings) return
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== initialWindowSize) continue
      largestInitial = Math.max(largestInitial, payload.readUInt32BE(at + 2))
    }
  }
  return {
    fed(octets) {
      const skipped = Math.min(toSkip, octets.length)
      toSkip -= skipped
      rest = takeFrames(Buffer.concat([rest, octets.subarray(skipped)]), onFrame)
    },
    sent(streamId, octets) {
      if (add(0, -octets) + initial < 0) throw new Error('more than the window of the connection')
      if (add(streamId, -octets) + largestInitial < 0) {
        throw new Error(`more than the window of stream ${streamId}`)
      }
    },
  }
}
