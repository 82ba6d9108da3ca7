import { AppError } from '../../domain/errors.ts'
import type { ChangeFeed, ChangeFeedListener } from '../../ports/change-feed.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Attempt, createAttempt } from './attempt.ts'
import { createCoreSession } from './core-session.ts'
import { dial } from './dial.ts'
import { readServerAddress } from './server-address.ts'
import type { Session, Told } from './session.ts'
import { createStreamSession } from './stream-session.ts'
import { feedSubjects, subjectPrefix } from './subjects.ts'

/** What a feed from NATS rests on. */
export interface NatsChangeFeedDeps {
  /** `nats://` or `tls://`, with credentials where needed; several separated by commas. */
  readonly url: string
  /** JetStream stream to read from, made by its owner; without it core NATS. */
  readonly stream?: string | undefined
  /** Put before the subjects; `app` and `app.` are the same. */
  readonly prefix?: string | undefined
  /** With a stream, so much of its past and the margin are replayed at a start, in ms. */
  readonly cacheTtlMs: number
  /** How far the clocks of two machines may be apart, in ms. */
  readonly marginMs: number
  readonly listener: ChangeFeedListener
  readonly clock: Clock
  /** Told (`SERVER_UNAVAILABLE`) what is wrong, once as long as that stays the same. */
  readonly onFault: (fault: AppError) => void
  /** Told when there is a feed, and when it is lost. */
  readonly onState?: (state: { readonly live: boolean }) => void
  /** 0 to 1, to spread the retries of many processes. */
  readonly random: () => number
}

const firstRetryMs = 100
const maxRetryMs = 2_000

/**
 * Begins to follow the changes that are published to NATS. It connects in the background and never
 * gives up; each connection is a new one, with a new session.
 * @throws AppError `CONFIG_INVALID` where the URL or the prefix cannot be read.
 */
export function createNatsChangeFeed(deps: NatsChangeFeedDeps): ChangeFeed {
  const { listener, onState } = deps
  const address = readServerAddress(deps.url)
  let told: string | undefined
  let retries = 0
  let closed = false
  let next: NodeJS.Timeout | undefined
  let current: Attempt | undefined

  function tellFault(message: string): void {
    if (message === told) return
    told = message
    deps.onFault(new AppError('SERVER_UNAVAILABLE', `NATS: ${message}`))
  }
  const session = createSession(deps, tellFault)

  function start(): void {
    let live = false
    const attempt = createAttempt((why) => {
      if (live) {
        listener.broke(why)
        onState?.({ live: false })
      }
      if (closed) return
      tellFault(why)
      next = setTimeout(start, retryMs(retries, deps.random()))
      retries += 1
    })
    function establish(): void {
      if (!live) onState?.({ live: true })
      live = true
    }
    current = attempt
    run(attempt, {
      message: whileItLasts(attempt, listener.message),
      began: whileItLasts(attempt, (sinceWallMs) => {
        establish()
        listener.began(sinceWallMs)
      }),
      resumed: whileItLasts(attempt, () => {
        establish()
        listener.resumed()
      }),
      proved: whileItLasts(attempt, (at) => {
        retries = 0
        told = undefined
        listener.proved(at)
      }),
    }).catch((cause: unknown) => attempt.end(reasonOf(cause)))
  }

  async function run(attempt: Attempt, tell: Told): Promise<never> {
    return session(attempt, await dial(attempt, address), tell)
  }

  start()
  return {
    close() {
      closed = true
      clearTimeout(next)
      current?.end('it was closed')
      return Promise.resolve()
    },
  }
}

function createSession(deps: NatsChangeFeedDeps, onFault: (message: string) => void): Session {
  const { cacheTtlMs, clock, marginMs, stream } = deps
  const prefix = subjectPrefix(deps.prefix)
  const subjects = feedSubjects(prefix)
  if (stream === undefined) return createCoreSession({ subjects, prefix, clock })
  const windowMs = cacheTtlMs + marginMs
  return createStreamSession({
    stream,
    subjects,
    prefix,
    windowMs,
    marginMs,
    clock,
    onGap: onFault,
  })
}

/**
 * Passes calls on until the attempt has ended: nothing that a connection still holds is told after
 * `broke`. A listener that throws ends it: what it did not take in must not be proved.
 */
function whileItLasts<A extends readonly unknown[]>(attempt: Attempt, call: (...told: A) => void) {
  return (...told: A): void => {
    if (attempt.ended()) return
    try {
      call(...told)
    } catch (cause) {
      attempt.end(`the listener failed: ${reasonOf(cause)}`)
    }
  }
}

/** Doubles from 100 ms to 2 s; a random half of it is left out. */
function retryMs(retries: number, random: number): number {
  return Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(retries, 10)) * (1 - random / 2)
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error && cause.message !== '' ? cause.message : 'unknown error'
}
