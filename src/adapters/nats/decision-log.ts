import { createDropAlarm } from '../../application/drop-alarm.ts'
import { plainLines, type LineFormat } from '../../domain/decision-line.ts'
import { AppError } from '../../domain/errors.ts'
import type { DecisionLogSink } from '../../ports/decision-log.ts'
import { createAttempt, type Attempt } from './attempt.ts'
import { createDecisionQueue, type QueuedLine } from './decision-queue.ts'
import { createDecisionSession, type DecisionSession } from './decision-session.ts'
import { dial } from './dial.ts'
import { readServerAddress } from './server-address.ts'

/** Bytes that may wait for the stream; beyond it lines are refused and counted. */
const defaultMaxBytes = 16 * 1024 * 1024
/** A stream that forgets what is old replays as long as it is longer than this, in ms. */
const defaultPolicyEveryMs = 600_000
const firstRetryMs = 100
const maxRetryMs = 2_000
/** How long the last lines may take at the end, in ms. */
const lastLinesMs = 2_000

/** How decisions are published. */
export interface NatsDecisionLogOptions {
  /** `nats://` or `tls://`, with credentials where needed; several separated by commas. */
  readonly url: string
  /** A subject that a JetStream stream takes; the stream is made by its owner. */
  readonly subject: string
  readonly format?: LineFormat
  /** Lines are taken only while the stream is known to take them. */
  readonly required: boolean
  readonly maxBytes?: number
  /** The policy in force is written again after so long, in ms. */
  readonly policyEveryMs?: number
  /** The time as RFC 3339 text. */
  readonly now: () => string
  /** A new id, for what has none of its own. */
  readonly newId: () => string
  /** 0 to 1, to spread the retries of many processes. */
  readonly random: () => number
  /** Told for every decision whose line is lost. */
  readonly onDropped: () => void
  /** Told once when lines begin to be lost, and when that has ended. */
  readonly onLoss?: (loss: 'begun' | { readonly lines: number }) => void
  readonly onFault: (cause: unknown) => void
}

/**
 * Publishes decisions as messages into a JetStream stream, each under its decision's id, and keeps
 * them until the stream has acknowledged them. It connects in the background and never gives up.
 * @throws AppError `CONFIG_INVALID` where the URL cannot be read.
 */
export function createNatsDecisionLog(options: NatsDecisionLogOptions): DecisionLogSink {
  const { format = plainLines, newId, now, onDropped, subject } = options
  const address = readServerAddress(options.url)
  const monotonicNow = (): number => performance.now()
  let takes = false
  let closed = false
  let retries = 0
  let next: NodeJS.Timeout | undefined
  let attempt: Attempt | undefined
  let session: DecisionSession | undefined
  let writtenLines = 0
  let drained = (): void => undefined
  /** The policy that holds for the oldest line, and how the one in force is written. */
  let policyBefore: string | undefined
  let writePolicy = (): void => undefined
  const again = setInterval(
    () => writePolicy(),
    options.policyEveryMs ?? defaultPolicyEveryMs,
  ).unref()
  const queue = createDecisionQueue({ maxBytes: options.maxBytes ?? defaultMaxBytes, onGone })
  const alarm = createDropAlarm({
    monotonicNow,
    onBegin: () => options.onLoss?.('begun'),
    onEnd: (lines) => options.onLoss?.({ lines }),
  })

  function onGone({ isPolicy, line }: QueuedLine): void {
    writtenLines += 1
    if (isPolicy) policyBefore = line
    const { first, next: end } = queue.range()
    if (first === end) drained()
  }

  function drop(): false {
    alarm.dropped()
    onDropped()
    return false
  }

  function fault(message: string): void {
    options.onFault(new AppError('SERVER_UNAVAILABLE', `NATS, decision log: ${message}`))
  }

  function onGivenUp({ isPolicy }: QueuedLine, why: string): void {
    writtenLines -= 1
    if (!isPolicy) drop()
    const mend = 'replay it with --recorded-policy FILE, or raise max_payload'
    fault(isPolicy ? `the policy is not in the stream: ${why}; ${mend}` : `a line is lost: ${why}`)
  }

  function start(): void {
    const begun = createAttempt((why) => {
      takes = false
      session = undefined
      if (closed) return
      fault(why)
      const ms = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(retries, 10))
      next = setTimeout(start, ms * (1 - options.random() / 2))
      retries += 1
    })
    attempt = begun
    run(begun).catch((cause: unknown) => begun.end((cause as Error).message))
  }

  async function run(begun: Attempt): Promise<never> {
    const nats = await dial(begun, address)
    if (policyBefore !== undefined) queue.putFirst(newId(), policyBefore)
    session = createDecisionSession({
      ...{ attempt: begun, nats, queue, subject, monotonicNow, onGivenUp, onFault: fault },
      onState(state) {
        takes = state
        if (state) retries = 0
      },
    })
    return session.run()
  }

  start()
  return {
    decision(record) {
      if (closed || (options.required && !takes)) return drop()
      const line = format.decision(record)
      if (line.length > (session?.maxLineBytes ?? Infinity)) return drop()
      if (!queue.put(record.decision_id, line)) return drop()
      alarm.taken()
      session?.nudge()
      return true
    },
    policy(version, definition) {
      writePolicy = () => {
        const record = { type: 'policy', timestamp: now(), policy: version, definition } as const
        queue.putPolicy(newId(), format.policy(record))
        session?.nudge()
      }
      writePolicy()
    },
    reopen: () => writePolicy(),
    usage: () => ({
      queuedBytes: queue.bytes(),
      writtenLines,
      droppedLines: alarm.total(),
      rotations: 0,
    }),
    async close() {
      closed = true
      clearInterval(again)
      await untilDrained()
      clearTimeout(next)
      attempt?.end('it was closed')
      const { first, next: end } = queue.range()
      for (let number = first; number < end; number += 1) {
        const line = queue.at(number)
        if (line !== undefined && !line.stored && !line.isPolicy) drop()
      }
    },
  }

  async function untilDrained(): Promise<void> {
    const { first, next: end } = queue.range()
    if (first === end) return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    drained = () => resolve(undefined)
    const timer = setTimeout(drained, lastLinesMs)
    await promise
    clearTimeout(timer)
  }
}
