import { pairKey, type Fact, type Pair } from '../../../src/domain/fact.ts'
import type { FactCache } from '../../../src/ports/fact-cache.ts'
import type { Inbox } from './machine.ts'
import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

interface Entry {
  readonly fact: Fact
  readonly expiresAtMs: number
}

/** Redis: one queue of commands a connection, and strangers who write to it too. */
export interface Redis {
  readonly cache: (inbox: Inbox, isShared: (fact: Fact) => boolean) => FactCache
  readonly set: (up: boolean) => void
  /** From now on so many of the commands get lost, from 0 to 1. */
  readonly loseCommands: (share: number) => void
  /** The replica is as the master is now. */
  readonly replicate: () => void
  /** The replica, however old, is the master from now on. */
  readonly failOver: () => void
  readonly evict: () => void
  /** Another service reads a key and writes it back later, with a new lifetime. */
  readonly writeBack: (pair: Pair, afterMs: number) => void
}

/** After so long without an answer a look-up is a miss, in ms. */
const timeoutMs = 40

/** Makes an empty Redis. */
export function createRedis(deps: {
  readonly timeline: Timeline
  readonly random: Random
  readonly cacheTtlMs: number
}): Redis {
  const { cacheTtlMs, random, timeline } = deps
  let entries = new Map<string, Entry>()
  let replica = new Map<string, Entry>()
  let up = true
  let lossShare = 0

  function live(key: string): Entry | undefined {
    const entry = entries.get(key)
    return entry !== undefined && entry.expiresAtMs > timeline.nowMs() ? entry : undefined
  }

  /** Commands of a connection are carried out in their order, whatever becomes of their sender. */
  function connect(): (command: (() => void) | undefined) => void {
    let lastMs = 0
    return (command) => {
      const usualMs = random.pick([0.2, 2, 60])
      // Now and then a connection stalls for longer than any comparison of clocks allows for.
      const wayMs = random.between(0, random.chance(0.005) ? 12_000 : usualMs)
      const dueMs = timeline.nowMs() + wayMs
      lastMs = Math.max(lastMs + 0.001, dueMs)
      const lost = random.chance(lossShare)
      timeline.in(lastMs - timeline.nowMs(), () => {
        if (up && !lost) command?.()
      })
    }
  }

  return {
    cache(inbox, isShared) {
      const send = connect()
      const link = `redis ${random.next()}`
      return {
        available: () => up,
        get(pair) {
          const { promise, resolve } = Promise.withResolvers<Fact | undefined>()
          inbox.schedule(() => resolve(undefined), timeoutMs)
          send(() => {
            const fact = live(pairKey(pair))?.fact
            const answer: Fact | undefined = fact && { ...fact, source: 'redis' }
            timeline.in(random.between(0, 2), () => inbox.deliver(link, () => resolve(answer)))
          })
          return promise
        },
        put(pair, fact) {
          const entry = { fact, expiresAtMs: fact.verifiedAtMs + cacheTtlMs }
          if (isShared(fact)) send(() => entries.set(pairKey(pair), entry))
        },
        drop: (pairs) => pairs.forEach((pair) => send(() => entries.delete(pairKey(pair)))),
      }
    },
    set: (next) => void (up = next),
    loseCommands: (share) => void (lossShare = share),
    replicate: () => void (replica = new Map(entries)),
    failOver: () => void (entries = new Map(replica)),
    evict: () => entries.clear(),
    writeBack(pair, afterMs) {
      const read = live(pairKey(pair))
      if (read === undefined) return
      timeline.in(afterMs, () => {
        entries.set(pairKey(pair), {
          fact: read.fact,
          expiresAtMs: timeline.nowMs() + cacheTtlMs,
        })
      })
    },
  }
}
