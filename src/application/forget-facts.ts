import type { Change } from '../domain/change-event.ts'
import type { FactCache } from '../ports/fact-cache.ts'
import type { ChangeLog } from './change-log.ts'
import type { FactMemory, MemoryEntry } from './fact-memory.ts'

/** Facts that are dropped in one turn, and how soon the next follow, in ms. */
const dropAtOnce = 500
const dropEveryMs = 5

/**
 * Drops what a change is of. An organization may have a hundred thousand members, and no check waits
 * for that: it counts as dropped at once, and is dropped bit by bit.
 */
export interface Forgetting {
  /** An entry of memory, unless a change of it was seen since it was read. */
  readonly current: (entry: MemoryEntry | undefined) => MemoryEntry | undefined
  /** Drops, here and in the shared cache, what was read before this place. */
  readonly forget: (change: Change, before: number) => void
}

/** Makes it. */
export function createForgetting(deps: {
  readonly memory: Pick<FactMemory, 'drop'>
  readonly changes: Pick<ChangeLog, 'last' | 'wideOrder'>
  readonly cache: Pick<FactCache, 'drop'>
  readonly schedule: (task: () => void, afterMs: number) => unknown
}): Forgetting {
  const { cache, changes, memory, schedule } = deps

  function forget(change: Change, before: number): void {
    const { more, pairs } = memory.drop(change, { before, max: dropAtOnce })
    cache.drop(pairs)
    if (more) schedule(() => forget(change, before), dropEveryMs)
  }

  return {
    current(entry) {
      if (entry === undefined || changes.wideOrder() < entry.order) return entry
      return (changes.last(entry.pair)?.order ?? -1) > entry.order ? undefined : entry
    },
    forget,
  }
}
