import {
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  type Consumer,
  type JetStreamManager,
} from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { AppError } from '../../domain/errors.ts'
import { readServerAddress } from './server-address.ts'

const connectMs = 5_000
const askMs = 5_000
/** After so long without a message the server is asked whether there is one, in ms. */
const silenceMs = 3_000
/** Bytes that may be on their way. */
const windowBytes = 8 * 1024 * 1024
const lineEnd = Buffer.from('\n')

/** Where decisions are read from. */
export interface RecordedLinesOptions {
  /** `nats://` or `tls://`, with credentials where needed; several separated by commas. */
  readonly url: string
  /** The subject that decisions were published to. */
  readonly subject: string
  /** From this moment on, by the stream's clock; undefined: from its beginning. */
  readonly since?: Date | undefined
}

/**
 * The lines of the JetStream stream that takes a subject, as it is now: what comes later is not
 * waited for. It is read in order, by a consumer that the server forgets. Rejects with
 * `SERVER_UNAVAILABLE` where it cannot be read to its end, with `CONFIG_INVALID` where no stream
 * takes the subject.
 */
export async function* readRecordedLines(options: RecordedLinesOptions): AsyncGenerator<Buffer> {
  const nats = await connected(options.url)
  try {
    const manager = await asked(() => jetstreamManager(nats, { timeout: askMs }))
    const stream = await streamOf(manager, options.subject)
    const { state } = await asked(() => manager.streams.info(stream))
    yield* readTo(state.last_seq, await consumerOf(nats, stream, options))
  } finally {
    await nats.close().catch(() => undefined)
  }
}

function connected(url: string): Promise<NatsConnection> {
  const address = readServerAddress(url)
  return asked(() =>
    connect({
      ...address,
      name: 'tenantgate replay',
      timeout: connectMs,
      reconnect: false,
      ignoreClusterUpdates: true,
    }),
  )
}

async function streamOf(manager: JetStreamManager, subject: string): Promise<string> {
  try {
    return await manager.streams.find(subject)
  } catch (cause) {
    if (!(cause instanceof Error) || !/no stream matches/i.test(cause.message)) throw fault(cause)
    throw new AppError('CONFIG_INVALID', `no JetStream stream takes ${subject}`, { cause })
  }
}

function consumerOf(
  nats: NatsConnection,
  stream: string,
  { since, subject }: RecordedLinesOptions,
): Promise<Consumer> {
  const start =
    since === undefined
      ? { deliver_policy: DeliverPolicy.All }
      : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since.toISOString() }
  return asked(() =>
    jetstream(nats, { timeout: askMs }).consumers.get(stream, {
      filter_subjects: [subject],
      ...start,
    }),
  )
}

/** Reads up to a sequence, or to the last message of the subject. */
async function* readTo(last: number, consumer: Consumer): AsyncGenerator<Buffer> {
  let pending = await pendingOf(consumer)
  if (pending === 0) return
  const messages = await asked(() => consumer.consume({ max_bytes: windowBytes }))
  const watchdog = setInterval(() => {
    if (heard) heard = false
    else {
      // What it waited for may have been removed from the stream.
      pendingOf(consumer).then(
        (left) => {
          pending = left
          if (left === 0) messages.stop()
        },
        (cause: unknown) => messages.stop(cause as Error),
      )
    }
  }, silenceMs)
  let heard = true
  try {
    for await (const message of messages) {
      heard = true
      yield Buffer.concat([message.data, lineEnd])
      pending = message.info.pending
      if (pending === 0 || message.seq >= last) return
    }
  } catch (cause) {
    throw fault(cause)
  } finally {
    clearInterval(watchdog)
    messages.stop()
  }
  if (pending > 0) throw fault(new Error('the connection ended'))
}

async function pendingOf(consumer: Consumer): Promise<number> {
  return (await asked(() => consumer.info())).num_pending
}

async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    throw fault(cause)
  }
}

function fault(cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  const why = cause instanceof Error ? cause.message : 'unknown error'
  return new AppError('SERVER_UNAVAILABLE', `NATS: ${why}`, { cause })
}
