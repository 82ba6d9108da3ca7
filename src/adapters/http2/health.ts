import { healthAnswer, healthList, readService, servingStatus } from './health-messages.ts'
import { grpcStatus, refusals, statusOnly } from './status.ts'
import type { MethodHandler, Stream } from './stream.ts'

const { serving, notServing, serviceUnknown } = servingStatus
const notFound = statusOnly(grpcStatus.notFound, 'unknown service')
const malformed = statusOnly(grpcStatus.internal, 'the request is malformed')

/** grpc.health.v1 for a fixed set of services, all of them alike. */
export interface Health {
  /** Its methods by path. */
  readonly methods: ReadonlyMap<string, MethodHandler>
  readonly setServing: (serving: boolean) => void
  /** Ends the watches, which never end by themselves. */
  readonly close: () => void
}

/** `services` are full names; the empty one is the server as a whole. */
export function createHealth(services: readonly string[]): Health {
  let status: number = notServing
  /** Who watches, and whether what it watches is known. */
  const watchers = new Map<Stream, boolean>()

  const check: MethodHandler = (stream, bytes, start, end) => {
    const name = readService(bytes, start, end)
    if (name === undefined) stream.refuse(malformed)
    else if (services.includes(name)) reply(stream, healthAnswer(status))
    else stream.refuse(notFound)
  }

  const watch: MethodHandler = (stream, bytes, start, end) => {
    const name = readService(bytes, start, end)
    if (name === undefined) {
      stream.refuse(malformed)
      return
    }
    // Of what is unknown the status never changes, but the watch goes on, as the protocol wants it.
    const isKnown = services.includes(name)
    watchers.set(stream, isKnown)
    stream.onCancelled = () => {
      watchers.delete(stream)
      stream.refuse(refusals.closing) // its work is done
    }
    stream.say(healthAnswer(isKnown ? status : serviceUnknown))
  }

  return {
    methods: new Map([
      ['/grpc.health.v1.Health/Check', check],
      ['/grpc.health.v1.Health/Watch', watch],
      ['/grpc.health.v1.Health/List', (stream) => reply(stream, healthList(services, status))],
    ]),
    setServing(isServing) {
      status = isServing ? serving : notServing
      for (const [watcher, isKnown] of watchers) if (isKnown) watcher.say(healthAnswer(status))
    },
    close() {
      for (const watcher of watchers.keys()) watcher.refuse(refusals.closing)
      watchers.clear()
    },
  }
}

function reply(stream: Stream, bytes: Buffer): void {
  stream.reply(bytes, bytes.length)
}
