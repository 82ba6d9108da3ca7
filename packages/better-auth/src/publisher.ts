import { jetstream } from '@nats-io/jetstream'
import {
  connect,
  headers,
  InvalidArgumentError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node'
import { messageOf, type Reporter } from './reporter.ts'

/** A message, and the id by which a stream knows it again. */
export interface Message {
  readonly id: string
  readonly subject: string
  readonly body: string
}

/** Publishes to NATS while it is there; never waits for it to come back. */
export interface Publisher {
  readonly connected: () => boolean
  /** Rejects never. */
  readonly publish: <M extends Message>(messages: readonly M[]) => Promise<Publication<M>>
  readonly close: () => Promise<void>
}

export interface Publication<M> {
  readonly arrived: readonly M[]
  /** Whether the server said yes or no to any: if not, there is no use in publishing more. */
  readonly answered: boolean
}

export interface PublisherDeps {
  readonly address: NodeConnectionOptions
  /** Whether a JetStream stream has to acknowledge; else the server alone. */
  readonly stream: boolean
  readonly reporter: Reporter
  /** Now something can be published. */
  readonly onConnected: () => void
}

const settings: NodeConnectionOptions = {
  name: 'tenantgate/better-auth',
  maxReconnectAttempts: -1,
  reconnectTimeWait: 100,
  reconnectJitter: 50,
  // A password may be rotated on either side first.
  ignoreAuthErrorAbort: true,
  timeout: 2_000,
  // A server that says nothing for 6 s is not there.
  pingInterval: 2_000,
  maxPingOut: 2,
}
/** How long a stream may take; published again, the message is the same to it. */
const storeMs = 2_000
/** Until the first connection, and after one that the client gave up. */
const retryMs = 250

/** Connects at once, in the background, and again whenever the connection is lost. */
export function createPublisher({
  address,
  stream,
  reporter,
  onConnected,
}: PublisherDeps): Publisher {
  let nats: NatsConnection | undefined
  let usable = false
  let closed = false
  let retry: NodeJS.Timeout | undefined
  /** Subjects that the server has refused; the connection says so, not the publication. */
  const denied = new Set<string>()

  async function open(): Promise<void> {
    try {
      const opened = await connect({ ...settings, ...address })
      if (closed) return void opened.close().catch(() => undefined)
      nats = opened
      void follow(opened)
      became(true)
      void opened.closed().then((why) => lost(why))
    } catch (error) {
      lost(error)
    }
  }

  function lost(why: unknown): void {
    nats = undefined
    became(false, why === undefined ? undefined : messageOf(why))
    if (!closed) retry = setTimeout(() => void open(), retryMs)
  }

  function became(now: boolean, why = 'the connection was lost'): void {
    usable = now
    if (closed) return
    if (now) {
      reporter.well('nats', 'NATS is there again')
      denied.clear()
      onConnected()
    } else {
      reporter.problem('nats', `NATS cannot be reached (${why}): changes are kept until it can`)
    }
  }

  async function follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') became(false)
      else if (status.type === 'reconnect') became(true)
      else if (status.type === 'error' && status.error instanceof PermissionViolationError) {
        if (status.error.operation === 'publish') denied.add(status.error.subject)
      }
    }
  }

  async function store(connection: NatsConnection, { id, subject, body }: Message) {
    try {
      await jetstream(connection).publish(subject, body, { msgID: id, timeout: storeMs })
      return undefined
    } catch (error) {
      return refusalOf(subject, error)
    }
  }

  async function send(connection: NatsConnection, messages: readonly Message[]) {
    const unsent = messages.map((message) => sendOne(connection, message))
    // In one turn with the publications: it fails if the connection is lost before they arrived.
    await flushed(connection)
    await new Promise(setImmediate) // a refusal came before the answer, but is told a turn later
    const refused = new Set(denied)
    denied.clear()
    return messages.map(
      ({ subject }, index) =>
        unsent[index] ?? (refused.has(subject) ? forbidden(subject) : undefined),
    )
  }

  void open()
  return {
    connected: () => usable,
    async publish(messages) {
      const connection = nats
      if (connection === undefined || !usable) return { arrived: [], answered: false }
      try {
        const refusals = stream
          ? await Promise.all(messages.map((message) => store(connection, message)))
          : await send(connection, messages)
        const first = refusals.find((refusal) => refusal !== undefined)
        if (first === undefined) reporter.well('publishing', 'changes are published again')
        else
          reporter.problem(
            'publishing',
            `a change could not be published, it is kept: ${first.why}`,
          )
        const arrived = messages.filter((_message, index) => refusals[index] === undefined)
        return { arrived, answered: refusals.some((refusal) => refusal?.final !== false) }
      } catch (error) {
        if (!closed) reporter.problem('publishing', `changes are kept: ${messageOf(error)}`)
        return { arrived: [], answered: false }
      }
    },
    async close() {
      closed = true
      usable = false
      clearTimeout(retry)
      await nats?.close().catch(() => undefined)
    },
  }
}

/** Why the client does not even send a message; undefined where it does. */
function sendOne(connection: NatsConnection, { body, id, subject }: Message): Refusal | undefined {
  const known = headers()
  known.set('Nats-Msg-Id', id)
  try {
    connection.publish(subject, body, { headers: known })
    return undefined
  } catch (error) {
    if (error instanceof InvalidArgumentError) return unsendable(subject, error)
    throw error
  }
}

/** Until the server has all that was published; the client's own would wait for ever at `close`. */
async function flushed(connection: NatsConnection): Promise<void> {
  const { promise, reject, resolve } = Promise.withResolvers<undefined>()
  const late = setTimeout(() => reject(new Error('NATS does not answer')), storeMs)
  void connection.closed().then(() => reject(new Error('the connection was closed')))
  connection.flush().then(() => resolve(undefined), reject)
  try {
    await promise
  } finally {
    clearTimeout(late)
  }
}

/** Why a message did not arrive; not `final`: the same is to be expected of every other. */
interface Refusal {
  readonly why: string
  readonly final: boolean
}

const forbidden = (subject: string): Refusal => ({
  why: `NATS does not permit to publish ${subject}`,
  final: true,
})

/** As one that is larger than the server takes: it must not hold up the others, now or later. */
const unsendable = (subject: string, { message }: Error): Refusal => ({
  why: `${subject} cannot be sent: ${message}`,
  final: true,
})

function refusalOf(subject: string, error: unknown): Refusal {
  if (error instanceof InvalidArgumentError) return unsendable(subject, error)
  if (error instanceof PermissionViolationError) return forbidden(subject)
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof PermissionViolationError) return forbidden(subject)
  // The client calls it "jetstream is not enabled" whatever is missing.
  if (cause instanceof RequestError || error instanceof TimeoutError) {
    const why = `no JetStream stream acknowledged ${subject}: is there one that takes it?`
    return { why, final: cause instanceof RequestError && cause.isNoResponders() }
  }
  return { why: `${subject}: ${messageOf(error)}`, final: false }
}
