import type { News, Order } from '../../application/worker-talk.ts'
import { readOrder } from './messages.ts'

/** The process that has started this one. */
export interface Supervisor {
  /** Resolves once it was handed over; what is told to one that has ended is lost. */
  readonly tell: (news: News) => Promise<void>
}

/** What is heard of a supervisor. */
export interface SupervisorEvents<Start> {
  readonly onOrder: (order: Order<Start>) => void
  /** It has ended, whatever it was: nothing comes any more. */
  readonly onGone: () => void
  /** It said what this process does not understand: its files are of another release. */
  readonly onStrange: () => void
  readonly readStart: (value: unknown) => Start | undefined
}

/** Listens to the process that started this one; undefined: none did, this is run by hand. */
export function connectSupervisor<Start>(events: SupervisorEvents<Start>): Supervisor | undefined {
  if (process.send === undefined) return undefined
  process.on('message', (message) => {
    const order = readOrder(message, events.readStart)
    if (order === undefined) events.onStrange()
    else events.onOrder(order)
  })
  process.once('disconnect', events.onGone)
  return {
    tell(news) {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      if (process.connected) process.send?.(news, undefined, {}, () => resolve(undefined))
      else resolve(undefined)
      return promise
    },
  }
}
