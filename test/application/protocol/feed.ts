import { marginMs } from '../../../src/domain/freshness.ts'
import type { ChangeFeedListener } from '../../../src/ports/change-feed.ts'
import type { Clock } from '../../../src/ports/clock.ts'
import type { Inbox } from './machine.ts'
import type { Announcement, Connection, Nats } from './nats.ts'
import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** How a process listens: `core` loses what comes during a break, `stream` catches up. */
export type FeedKind = 'core' | 'stream' | 'none'

/** A process's subscription, as the adapter keeps it: it pings, finds breaks and reconnects. */
export interface Feed {
  /** The connection dies; the process learns it by a ping that stays unanswered, or earlier. */
  readonly cut: (noticedAfterMs: number | undefined) => void
  /** Since when nothing can have been heard, in ms of true time; undefined: it can. */
  readonly deafSinceMs: () => number | undefined
  /** Whether the process knows that it is not connected. */
  readonly isLost: () => boolean
}

interface Ping {
  readonly at: ReturnType<Clock>
  /** The end of the stream when the answer came; -1: it has not come. */
  end: number
}

const answerMs = 5_000

/** Connects, and goes on for as long as the process lives. */
export function createFeed(deps: {
  readonly kind: FeedKind
  readonly timeline: Timeline
  readonly random: Random
  readonly nats: Nats
  readonly inbox: Inbox
  readonly clock: Clock
  readonly cacheTtlMs: number
  readonly listener: Omit<ChangeFeedListener, 'message'>
  readonly onMessage: (announcement: Announcement) => void
}): Feed {
  const { clock, inbox, kind, listener, nats, random, timeline } = deps
  let connection: Connection | undefined
  let deafSinceMs: number | undefined = timeline.nowMs()
  /** The next message of the stream that is to be handed over. */
  let position: number | undefined

  function connect(): void {
    const pings: Ping[] = []
    let begun = false
    const channel = `nats ${random.next()}`
    const own: Connection = nats.connect({
      message: (announcement, index) =>
        inbox.deliver(channel, () => {
          if (connection !== own || (position !== undefined && index < position)) return
          if (kind === 'stream') position = index + 1
          deps.onMessage(announcement)
          prove()
        }),
      pong(index) {
        const end = nats.end()
        inbox.deliver(channel, () => {
          const ping = pings[index]
          if (connection !== own || ping === undefined) return
          ping.end = end
          begin()
          prove()
        })
      },
    })
    connection = own

    function begin(): void {
      if (begun) return
      begun = true
      deafSinceMs = undefined
      if (kind === 'core') {
        listener.began(clock().wallMs)
        return
      }
      if (position === undefined) {
        listener.began(clock().wallMs - deps.cacheTtlMs - marginMs)
        position = nats.since(timeline.nowMs() - deps.cacheTtlMs - 2 * marginMs)
      } else listener.resumed()
      nats.replay(own, position)
    }

    /** What a ping proves is told once all that the server had by then is handed over. */
    function prove(): void {
      const caughtUp = (ping: Ping): boolean => kind === 'core' || ping.end <= (position ?? 0)
      const proved = pings.findLast((ping) => ping.end >= 0 && caughtUp(ping))
      if (proved !== undefined) listener.proved(proved.at)
    }

    function ping(): void {
      if (connection !== own) return
      const index = pings.push({ at: clock(), end: -1 }) - 1
      nats.ping(own, index, kind === 'core')
      inbox.schedule(() => {
        if (pings[index]?.end === -1 && connection === own) breakOff('a ping was not answered')
      }, answerMs)
      inbox.schedule(ping, 2_000)
    }
    ping()
  }

  function breakOff(why: string): void {
    if (connection !== undefined) nats.kill(connection)
    deafSinceMs ??= connection?.deadSinceMs ?? timeline.nowMs()
    connection = undefined
    listener.broke(why)
    inbox.schedule(connect, random.pick([0, 50, 3_000]))
  }

  if (kind !== 'none') connect()
  return {
    cut(noticedAfterMs) {
      const cut = connection
      if (cut === undefined) return
      nats.kill(cut)
      if (noticedAfterMs === undefined) return
      inbox.schedule(() => {
        if (connection === cut) breakOff('the connection was closed')
      }, noticedAfterMs)
    },
    deafSinceMs: () => deafSinceMs ?? connection?.deadSinceMs,
    isLost: () => deafSinceMs !== undefined,
  }
}
