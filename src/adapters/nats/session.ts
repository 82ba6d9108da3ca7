import type { NatsConnection } from '@nats-io/transport-node'
import type { ChangeFeedListener } from '../../ports/change-feed.ts'
import type { Attempt } from './attempt.ts'

/** What a session tells; nothing of it is passed on once its connection has ended. */
export type Told = Omit<ChangeFeedListener, 'broke'>

/** Listens on one connection, until that ends: it only ever rejects. */
export type Session = (attempt: Attempt, nats: NatsConnection, told: Told) => Promise<never>

/** How long a server may take to answer anything, in ms (contract section 6, the watch). */
export const answerMs = 5_000
