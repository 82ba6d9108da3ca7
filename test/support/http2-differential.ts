import { setImmediate as turn } from 'node:timers/promises'
import { judgeFields } from './hpack-judge.ts'
import { startGrpcJsEchoServer } from './grpc-js-echo-server.ts'
import { startEchoServer } from './http2-echo-server.ts'
import { connectPeer } from './http2-peer.ts'
import { createRandomRequests, type RandomRequest } from './http2-random-request.ts'
import { seededRandom } from './seeded-random.ts'

const maxMessageBytes = 30_000

/** What became of a request, as one line: status of HTTP and of gRPC and the message, or a reset. */
type Outcome = string

const reset = 'reset 1'
const notPost = '405'
const notGrpc = '415'
const unimplemented = '200, status 12'
const internal = '200, status 13'
/** What a health check is told: of the server as a whole, or of a service that there is not. */
const serving = '200, status 0: AAAAAAIIAQ=='
const notFound = '200, status 5'
/** What does not matter: the outcome is as without it. */
const unchanged = 'unchanged'
/** A message that is too long comes to the handler as an empty one. */
const emptyMessage = '200, status 0: AAAAAAA='

interface Difference {
  /** Why the two rightly differ. */
  readonly why: string
  readonly applies: (request: RandomRequest) => boolean
  /** What the lean transport answers then, where nothing else is unusual. */
  readonly lean: Outcome
}

const valueOf = ({ fields }: RandomRequest, name: string): string | undefined =>
  fields.find(([other]) => other === name)?.[1]

function lengthOf({ body }: RandomRequest): number {
  return body.length < 5 ? -1 : body.readUInt32BE(1)
}

function hasWrongLength(request: RandomRequest): boolean {
  const length = valueOf(request, 'content-length')
  return length !== undefined && Number(length) !== request.body.length
}

function isHealthCheck(request: RandomRequest): boolean {
  return valueOf(request, ':path')?.includes('Health') === true
}

/** Whether it is of a method that knows what its octets mean, and they are no usual message of that. */
function isUnreadableHealthCheck(request: RandomRequest): boolean {
  if (!isHealthCheck(request)) return false
  const message = request.body.subarray(5, 5 + lengthOf(request))
  if (message.length === 0) return false
  return message[0] !== 0x0a || message.length !== 2 + (message[1] ?? 0)
}

/** Whether its one field is the name of the service, but no text (of wire type 0, 1 or 5). */
function hasNameOfAnotherType(request: RandomRequest): boolean {
  if (!isHealthCheck(request)) return false
  const message = request.body.subarray(5, 5 + lengthOf(request))
  if (message[0] === 0x08) {
    const last = message.subarray(1).findIndex((octet) => octet < 128)
    return last !== -1 && last === message.length - 2
  }
  return (
    (message[0] === 0x09 && message.length === 9) || (message[0] === 0x0d && message.length === 5)
  )
}

/** Everything in which the two transports may differ. Texts of statuses are not compared. */
export const differences: readonly Difference[] = [
  {
    why: 'nghttp2 wants :authority or host; RFC 9113 section 8.3.1 does not',
    applies: (request) => valueOf(request, ':authority') === undefined,
    lean: unchanged,
  },
  {
    why: 'grpc-js takes any method; gRPC over HTTP/2 is POST',
    applies: (request) => valueOf(request, ':method') !== 'POST',
    lean: notPost,
  },
  {
    why: 'grpc-js takes every content type that begins with application/grpc',
    applies: (request) => valueOf(request, 'content-type') === 'application/grpc-web',
    lean: notGrpc,
  },
  {
    why: 'nghttp2 leaves out fields that make a request malformed (RFC 9113 section 8.2.1)',
    applies: ({ fields }) => judgeFields(fields).malformed,
    lean: reset,
  },
  {
    why: 'grpc-js takes timeouts that gRPC over HTTP/2 does not know',
    applies: ({ fields }) => Number.isNaN(judgeFields(fields).timeoutMs),
    lean: internal,
  },
  {
    why: 'grpc-js says 12 to a message that is cut off, grpc-go 13',
    applies: (request) =>
      request.body.length > 0 &&
      (request.body.length < 5 || lengthOf(request) + 5 > request.body.length),
    lean: internal,
  },
  {
    why: 'grpc-js overlooks up to 4 octets after the message',
    applies: (request) => {
      const rest = request.body.length - lengthOf(request) - 5
      return lengthOf(request) >= 0 && rest > 0 && rest < 5
    },
    lean: unimplemented,
  },
  {
    why: 'grpc-js takes any flag but 1 as uncompressed, and 1 without a coding',
    applies: ({ body }) => body.length > 0 && body[0] !== 0,
    lean: internal,
  },
  {
    why: 'grpc-js says 12 to a coding that it does not know, also of a message that is not compressed',
    applies: (request) => (valueOf(request, 'grpc-encoding') ?? '') === 'unknown',
    lean: unchanged,
  },
  {
    why: 'grpc-js unpacks what is compressed; nothing is taken here that is',
    applies: (request) => request.body[0] === 1,
    lean: unimplemented,
  },
  {
    why: 'what is too long is denied by the handler; 8 would be let through by failure_mode_allow',
    applies: (request) => lengthOf(request) > maxMessageBytes,
    lean: emptyMessage,
  },
  {
    why: 'protobufjs reads a text whatever its wire type says; such a field is skipped, or malformed',
    applies: isUnreadableHealthCheck,
    lean: internal,
  },
  {
    why: 'grpc-js has read the first of two messages before it refuses the second',
    applies: (request) =>
      isHealthCheck(request) &&
      lengthOf(request) >= 0 &&
      request.body.length > lengthOf(request) + 5,
    lean: unimplemented,
  },
  {
    why: 'node:http2 closes the connection where content-length is wrong (RFC 9113 section 8.1.1)',
    applies: hasWrongLength,
    lean: reset,
  },
  {
    why: 'a method that is unknown is said to be so before the length shows to be wrong',
    applies: (request) =>
      hasWrongLength(request) && valueOf(request, ':path') !== '/test.Echo/Echo',
    lean: unimplemented,
  },
]

export interface Differential {
  /** Sends the requests of a seed; gives those where the two differ without one of the reasons. */
  readonly run: (seed: number, requests: number) => Promise<readonly string[]>
  /** How often each difference applied; `none` of them under the empty name. */
  readonly seen: ReadonlyMap<string, number>
  readonly close: () => Promise<void>
}

/** The same requests to the lean transport and to grpc-js, which have the same handlers. */
export async function createDifferential(): Promise<Differential> {
  const lean = await startEchoServer({ maxMessageBytes })
  const grpcJs = await startGrpcJsEchoServer(maxMessageBytes)
  const seen = new Map<string, number>()

  async function compare(request: RandomRequest): Promise<string | undefined> {
    const [ours, theirs] = await Promise.all([
      outcomeAt(lean.port, request),
      outcomeAt(grpcJs.port, request),
    ])
    const applying = differences.filter(({ applies }) => applies(request))
    for (const { why } of applying) seen.set(why, (seen.get(why) ?? 0) + 1)
    if (applying.length === 0) seen.set('', (seen.get('') ?? 0) + 1)
    // Who asks for health with an empty message is told of the whole server.
    const empty = isHealthCheck(request) ? serving : emptyMessage
    const mayBe = applying.map(({ lean }) => (lean === emptyMessage ? empty : lean))
    // What does not matter leaves the outcome as it would be: of that only the shape is known.
    const free = mayBe.includes(unchanged)
    // A name that is skipped for its wire type is none: it asks for the whole server.
    if (ours === serving && hasNameOfAnotherType(request)) return
    if (ours === theirs || mayBe.includes(ours) || (free && isOrderly(ours, request))) return
    return `${request.description}: ${ours} instead of ${theirs}`
  }

  return {
    seen,
    async run(seed, requests) {
      const make = createRandomRequests(seededRandom(seed))
      const found: string[] = []
      for (let request = 0; request < requests; request += 1) {
        const difference = await compare(make())
        if (difference !== undefined) found.push(`seed ${seed}, request ${request}: ${difference}`)
      }
      if (lean.faults.length > 0) found.push(`seed ${seed}: ${String(lean.faults[0])}`)
      return found
    },
    async close() {
      grpcJs.close()
      await lean.close()
    },
  }
}

/** Whether a request that has nothing wrong was answered with its own message, or refused. */
function isOrderly(outcome: Outcome, request: RandomRequest): boolean {
  const echoed = `200, status 0: ${request.body.toString('base64')}`
  // A health check of random octets is not one, but for those that are none or are skipped.
  return [
    echoed,
    notGrpc,
    unimplemented,
    ...(isHealthCheck(request) ? [internal, serving, notFound] : []),
  ].includes(outcome)
}

async function outcomeAt(port: number, { pieces }: RandomRequest): Promise<Outcome> {
  // An acknowledgement would fall into the midst of a frame.
  const peer = await connectPeer(port, { acknowledges: false })
  try {
    for (const piece of pieces) {
      peer.send(piece)
      await turn()
    }
    const { data, ended, heads, reset } = await peer.answer(1)
    if (!ended) return reset === undefined ? 'no answer' : `reset ${reset}`
    const fields = new Map(heads.flat())
    const status = fields.get(':status') ?? 'none'
    if (status !== '200') return status
    const grpcStatus = fields.get('grpc-status') ?? 'none'
    const message = data.length === 0 ? '' : `: ${data.toString('base64')}`
    return `200, status ${grpcStatus}${message}`
  } finally {
    peer.close()
  }
}
