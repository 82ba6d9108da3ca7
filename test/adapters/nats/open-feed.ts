import { onTestFinished } from 'vitest'
import type { AppError } from '../../../src/domain/errors.ts'
import {
  createNatsChangeFeed,
  type NatsChangeFeedDeps,
} from '../../../src/adapters/nats/change-feed.ts'
import { recordingListener, systemClock } from '../../support/recording-listener.ts'

/** Opens a feed that writes down what it tells; closed when the test ends. */
export function openFeed(options: Partial<NatsChangeFeedDeps> & { readonly url: string }) {
  const told = recordingListener()
  const faults: AppError[] = []
  const states: boolean[] = []
  const feed = createNatsChangeFeed({
    cacheTtlMs: 60_000,
    marginMs: 5_000,
    listener: told,
    clock: systemClock,
    random: () => 0.5,
    onFault: (fault) => void faults.push(fault),
    onState: ({ live }) => void states.push(live),
    ...options,
  })
  onTestFinished(() => feed.close())
  return { told, faults, states, feed, fault: () => faults.at(-1)?.message ?? '' }
}
