import { connect } from 'node:net'

/** Asks over one HTTP/2 connection as cheaply as Node can: prepared frames, answers read by their ends. */
export interface RawClient {
  /** Answers so far, and those that were no allow. */
  readonly answered: () => number
  readonly wrong: () => number
  readonly close: () => void
}

const frameHead = 9
/** Where a frame's head holds its type, its flags and its stream. */
const [typeAt, flagsAt, idAt] = [3, 4, 5]
const types = { data: 0, headers: 1, settings: 4, ping: 6, goaway: 7, windowUpdate: 8 } as const
const endStream = 1
const endHeaders = 4
const ack = 1
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const windowMore = 25_100_289
/** What the server may send before it is told that it may send on. */
const creditAt = 12_000_000

function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(frameHead)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, payload])
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A literal without indexing and without Huffman coding (RFC 7541, section 6.2.2). */
function literal(name: string, value: string): Buffer {
  const text = (part: string): Buffer => Buffer.from([part.length, ...Buffer.from(part)])
  return Buffer.concat([Buffer.from([0]), text(name), text(value)])
}

const block = Buffer.concat([
  literal(':method', 'POST'),
  literal(':path', '/envoy.service.auth.v3.Authorization/Check'),
  literal(':authority', 'authz'),
  literal(':scheme', 'http'),
  literal('te', 'trailers'),
  literal('content-type', 'application/grpc'),
])

/** What of a request is not in the payload of its DATA frame. */
const beforeData = 2 * frameHead + block.length

/** A request on stream 0: the ids are patched in. */
function requestOf(message: Buffer): Buffer {
  const data = Buffer.concat([Buffer.from([0]), uint32(message.length), message])
  return Buffer.concat([
    frame(types.headers, endHeaders, 0, block),
    frame(types.data, endStream, 0, data),
  ])
}

/** The first field of an allow is a status whose code is absent or 0. */
function isAllow(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== 0x0a) return false
  return bytes[at + 1] === 0 || (bytes[at + 2] === 0x08 && bytes[at + 3] === 0)
}

/** Keeps `inFlight` of these requests, of at most 16 kB each (a frame), under way until it is closed; a lost connection throws. */
export function startRawClient(
  port: number,
  messages: readonly Buffer[],
  inFlight: number,
): RawClient {
  const requests = messages.map(requestOf)
  const socket = connect(port, '127.0.0.1').setNoDelay()
  let [next, answered, wrong, credit] = [0, 0, 0, 0]
  /** What the server takes on all streams together, and what waits for it. */
  let [window, due] = [65_535, 0]
  let rest: Buffer = Buffer.alloc(0)
  let known = false

  /** The next request, its stream's id patched in; undefined while the server takes no more. */
  function ask(): Buffer | undefined {
    const request = requests[next % requests.length]
    if (due === 0 || request === undefined || request.length > window) return undefined
    const copy = Buffer.from(request)
    const id = 2 * next + 1
    copy.writeUInt32BE(id, idAt)
    copy.writeUInt32BE(id, frameHead + block.length + idAt)
    window -= copy.length - beforeData // only DATA counts (RFC 9113, section 6.9)
    next += 1
    due -= 1
    return copy
  }

  /** Takes one frame; gives what it has to be answered with. */
  function take(bytes: Buffer, at: number, end: number): Buffer | undefined {
    const [type, flags] = [bytes[at + typeAt], bytes[at + flagsAt] ?? 0]
    const payload = bytes.subarray(at + frameHead, end)
    switch (type) {
      case types.data:
        credit += payload.length
        if (payload.length > 5 && !isAllow(payload, 5)) wrong += 1
        return undefined
      case types.headers:
        if ((flags & endStream) !== 0) {
          answered += 1
          due += 1
        }
        return undefined
      case types.settings:
        if (flags === ack) return undefined
        if (!known) due = inFlight // its limits are known from now on
        known = true
        return frame(types.settings, ack, 0, Buffer.alloc(0))
      case types.ping:
        return flags === ack ? undefined : frame(types.ping, ack, 0, payload)
      case types.windowUpdate:
        if (bytes.readUInt32BE(at + idAt) === 0) window += payload.readUInt32BE(0)
        return undefined
      case types.goaway:
        throw new Error('the server said GOAWAY')
      default:
        return undefined
    }
  }

  socket.write(
    Buffer.concat([
      Buffer.from(preface),
      frame(types.settings, 0, 0, Buffer.from([0, 4, 1, 0, 0, 0])),
      frame(types.windowUpdate, 0, 0, uint32(windowMore)),
    ]),
  )
  socket.on('data', (chunk: Buffer) => {
    const out: Buffer[] = []
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    while (bytes.length - at >= frameHead) {
      const end = at + frameHead + bytes.readUIntBE(at, 3)
      if (end > bytes.length) break
      const answer = take(bytes, at, end)
      if (answer !== undefined) out.push(answer)
      at = end
    }
    rest = Buffer.from(bytes.subarray(at))
    for (let request = ask(); request !== undefined; request = ask()) out.push(request)
    if (credit > creditAt) {
      out.push(frame(types.windowUpdate, 0, 0, uint32(credit)))
      credit = 0
    }
    if (out.length > 0) socket.write(Buffer.concat(out))
  })
  return {
    answered: () => answered,
    wrong: () => wrong,
    close: () => socket.destroy(),
  }
}
