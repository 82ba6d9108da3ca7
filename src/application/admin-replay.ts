import { AppError } from '../domain/errors.ts'
import type { PolicyDefinition } from '../domain/policy.ts'
import type { DecisionSource } from './admin-decisions.ts'
import type { AdminJob, AdminJobInput, AdminJobMessage, ReplayMessage } from './admin-job.ts'
import type { DecisionPages } from './decision-pages.ts'
import type { LocatedFault } from './load-policy.ts'
import type { OnePlace } from './one-place.ts'
import type { ReplayFilter } from './replay-filter.ts'

/** What is to be replayed. */
export interface ReplayRequest {
  readonly source: DecisionSource
  /** Text of the candidate; null: each decision's own policy. */
  readonly policy: string | null
  readonly filter: ReplayFilter
}

/** A replay under way. */
export interface RunningReplay {
  /** Why the candidate does not load; undefined: it does, and messages follow. */
  readonly begun: Promise<{ readonly faults: readonly LocatedFault[] } | undefined>
  /** To be read once; its end, also an early one, ends the replay. */
  readonly messages: AsyncIterable<ReplayMessage>
}

/** Replays, one at a time. */
export interface AdminReplay {
  readonly offers: (source: DecisionSource) => boolean
  /** Undefined: another one is under way. The signal ends it: then it rejects. */
  readonly run: (request: ReplayRequest, signal: AbortSignal) => RunningReplay | undefined
}

/** A job on a thread of its own. */
export interface RunningJob {
  readonly send: (input: AdminJobInput) => void
  readonly messages: AsyncIterable<AdminJobMessage>
  readonly stop: () => Promise<void>
}

/** What replaying rests on. */
export interface AdminReplayDeps {
  readonly start: (job: AdminJob, signal: AbortSignal) => RunningJob
  readonly place: OnePlace
  /** Undefined: there is no such source. */
  readonly pages: Pick<DecisionPages, 'page'> | undefined
  readonly file: string | undefined
  readonly definitions: () => ReadonlyMap<string, PolicyDefinition>
  /** Ends the turn, so that checks are answered between two parts of the store. */
  readonly nextTurn: () => Promise<void>
}

/** Records that are sent at once, and their bytes: about a millisecond's work. */
const recordsAtOnce = 200
const bytesAtOnce = 512 * 1024

/** Builds the replay of what the process keeps, and of its log. */
export function createAdminReplay(deps: AdminReplayDeps): AdminReplay {
  const { definitions, file, pages, place, start } = deps
  return {
    offers: (source) => (source === 'memory' ? pages : file) !== undefined,
    run({ filter, policy, source }, signal) {
      const leave = place()
      if (leave === undefined) return undefined
      const job = start(
        {
          ...{ kind: 'replay', policy, filter, definitions: definitions() },
          file: source === 'memory' ? null : (file ?? null),
        },
        signal,
      )
      const messages: AsyncIterator<AdminJobMessage, unknown> = job.messages[Symbol.asyncIterator]()
      const end = async (): Promise<void> => {
        await job.stop()
        leave()
      }
      // Whoever goes away before it reads never comes to the end of the messages.
      signal.addEventListener('abort', () => void end(), { once: true })
      const first = messages.next().then(
        async (result) => {
          if (result.done !== true && result.value.type === 'faults') await end()
          return result
        },
        async (cause: unknown) => {
          await end()
          throw ended(cause)
        },
      )
      return {
        begun: first.then((result) =>
          result.done !== true && result.value.type === 'faults' ? result.value : undefined,
        ),
        messages: tellingOf({ first, messages, end, send: source === 'memory' ? job.send : null }),
      }
    },
  }

  /** Sends the store's records, each time the job asks for more, and passes on what it tells. */
  async function* tellingOf(running: {
    readonly first: Promise<IteratorResult<AdminJobMessage, unknown>>
    readonly messages: AsyncIterator<AdminJobMessage, unknown>
    readonly send: RunningJob['send'] | null
    readonly end: () => Promise<void>
  }): AsyncGenerator<ReplayMessage> {
    const { end, messages, send } = running
    let place: Place = null
    try {
      let result = await running.first
      while (result.done !== true) {
        const message = result.value
        if (message.type === 'report' || message.type === 'progress') yield message
        if (message.type === 'report') return
        if (send !== null && message.type === 'progress') place = await sendMore(send, place)
        await deps.nextTurn()
        result = await messages.next()
      }
      throw new AppError('SERVER_UNAVAILABLE', 'the replay ended without a report')
    } catch (cause) {
      throw ended(cause)
    } finally {
      await end()
    }
  }

  async function sendMore(send: RunningJob['send'], after: Place): Promise<Place> {
    const page =
      after === undefined
        ? undefined
        : await pages?.page({
            ...{ after, limit: recordsAtOnce, lookAt: recordsAtOnce, filter: {} },
            maxBytes: bytesAtOnce,
          })
    const lines = page?.records.map((record) => `${JSON.stringify(record)}\n`).reverse() ?? []
    // No lines end the job: a page without any that is not the last one is passed over.
    if (lines.length === 0 && page !== undefined && page.next !== null) {
      return sendMore(send, page.next)
    }
    send(lines.length === 0 ? null : lines.join(''))
    return page?.next ?? undefined
  }
}

/** Where to go on in memory, null: from the newest on; undefined: everything was sent. */
type Place = string | null | undefined

/** A thread that was ended, or ran out of memory: a fault of this replay alone. */
function ended(cause: unknown): AppError {
  return cause instanceof AppError
    ? cause
    : new AppError('SERVER_UNAVAILABLE', 'the replay did not come to its end', { cause })
}
