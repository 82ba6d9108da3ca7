import { publicMessageOf } from './application/faults.ts'
import type { FactsState } from './application/facts.ts'
import type { FactsComposition } from './facts-composition.ts'
import { marginMs } from './domain/freshness.ts'
import type { ChangeFeedListener } from './ports/change-feed.ts'
import type { Clock } from './ports/clock.ts'

/** What the watch tells, and what tells of the watch. */
interface Watching {
  readonly clock: Clock
  readonly listener: ChangeFeedListener
  readonly state: () => FactsState
}

/** The watch on changes, once it is begun; until then nothing that rests on it is believed. */
export function composeWatch(
  { closers, config, log, onFault, readiness }: FactsComposition,
  { clock, listener, state }: Watching,
): () => Promise<void> {
  const { natsUrl } = config
  if (natsUrl === undefined) return () => Promise.resolve()
  let why = 'not connected yet'
  readiness.set('nats', () =>
    state().watchHolds ? { status: 'ok' } : { status: 'down', detail: why },
  )
  return async () => {
    const { createNatsChangeFeed } = await import('./adapters/nats/change-feed.ts')
    const feed = createNatsChangeFeed({
      url: natsUrl,
      stream: config.natsStream,
      prefix: config.natsPrefix,
      cacheTtlMs: config.cacheTtlMs,
      marginMs,
      listener,
      clock,
      random: Math.random,
      onFault(cause) {
        why = publicMessageOf(cause)
        onFault('nats')(cause)
      },
      onState({ live }) {
        if (live) log.info({}, 'the watch on changes begins')
      },
    })
    closers.push(feed.close)
  }
}
