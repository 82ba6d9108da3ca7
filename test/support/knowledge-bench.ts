import { createBoundedMap } from '../../src/adapters/lru/bounded-map.ts'
import { createAnsweredPairs } from '../../src/application/answered-pairs.ts'
import { createChangeLog } from '../../src/application/change-log.ts'
import { createClockSkew } from '../../src/application/clock-skew.ts'
import { createFactMemory } from '../../src/application/fact-memory.ts'
import { createKnowledge, type Knowledge } from '../../src/application/knowledge.ts'
import type { Learned } from '../../src/application/learn-fact.ts'
import { createUserStates } from '../../src/application/user-states.ts'
import type { Change } from '../../src/domain/change-event.ts'
import { pairKey, type Fact, type Pair } from '../../src/domain/fact.ts'
import type { Coverage } from '../../src/domain/freshness.ts'
import { factOf } from './builders.ts'
import { createSetClock, type SetClock } from './set-clock.ts'

/** The ages that tests of knowledge go by. */
export const bounds = { verifyAfterMs: 10_000, cacheTtlMs: 60_000 }

/** Knowledge over its real parts, with clocks and a watch that a test sets. */
export interface KnowledgeBench {
  readonly knowledge: Knowledge
  readonly time: SetClock
  /** What was told, in order: `put u1 org-a`, `drop …`, `verify …`, `unannounced`. */
  readonly told: string[]
  readonly setCoverage: (coverage: Coverage) => void
  /** The watch begins now, and holds from then on. */
  readonly watchBegins: () => void
  /** Reads the pair at once, and takes so long for it; the fact is of the time of its sending. */
  readonly read: (pair: Pair, parts?: Partial<Fact>, tookMs?: number) => Learned
  readonly change: (change: Change) => void
  /** A read of another pair shows how far PostgreSQL's clock is ahead. */
  readonly showSkew: (ms: number) => void
  /** Whether what is to be verified finds room. */
  readonly setRoom: (room: boolean) => void
  /** The watch has noticed that the wall clock was set. */
  readonly clockWasSet: () => void
  /** Tasks wait from now on until they are run; else they are run at once. */
  readonly holdTasks: () => void
  readonly runTasks: () => void
  /** How many answers are remembered beside facts. */
  readonly answered: () => number
}

/** Makes knowledge of nothing; its watch holds from the start. */
export function createKnowledgeBench(
  limits: { readonly maxFacts?: number; readonly maxChanges?: number } = {},
): KnowledgeBench {
  const time = createSetClock()
  const told: string[] = []
  let order = 0
  const nextOrder = (): number => (order += 1)
  let coverage: Coverage = { order: nextOrder(), wallMs: time.clock().wallMs - 600_000 }
  const nameOf = (pair: Pair): string => pairKey(pair).replace('\u0000', ' ').trim()
  const answered = createAnsweredPairs(1_000)
  const skew = createClockSkew()
  let room = true
  let held: (() => void)[] | undefined
  const knowledge = createKnowledge({
    clock: time.clock,
    nextOrder,
    bounds,
    answered,
    users: createUserStates({ createMap: createBoundedMap, maxEntries: 100 }),
    memory: createFactMemory({
      createMap: createBoundedMap,
      maxEntries: limits.maxFacts ?? 100,
      maxBytes: 10_000_000,
    }),
    changes: createChangeLog({
      maxEntries: limits.maxChanges ?? 100,
      onForgotten: () => told.push('forgotten'),
    }),
    skew,
    watch: { coverage: () => coverage },
    cache: {
      put: (pair) => told.push(`put ${nameOf(pair)}`),
      drop: (pairs) => told.push(`drop ${pairs.map(nameOf).join()}`),
    },
    hasPlatformRole: ({ platformRoles }) => platformRoles.includes('support'),
    verify: (pair) => told.push(`verify ${nameOf(pair)}`) > 0 && room,
    schedule: (task) => (held === undefined ? task() : held.push(task)),
    onUnannounced: () => told.push('unannounced'),
  })
  return {
    knowledge,
    time,
    told,
    answered: answered.size,
    setRoom: (next) => void (room = next),
    clockWasSet: skew.forget,
    holdTasks: () => void (held = []),
    runTasks() {
      while (held !== undefined && held.length > 0) held.shift()?.()
    },
    setCoverage: (next) => void (coverage = next),
    watchBegins: () => void (coverage = { order: nextOrder(), wallMs: time.clock().wallMs }),
    change: knowledge.changed,
    read(pair, parts = {}, tookMs = 0) {
      const mark = knowledge.beginRead()
      time.pass(tookMs)
      const fact = factOf(['staff'], { verifiedAtMs: mark.sent.wallMs, ...parts })
      return knowledge.learn(pair, mark, fact)
    },
    showSkew(ms) {
      const mark = knowledge.beginRead()
      const fact = factOf(['staff'], { verifiedAtMs: mark.sent.wallMs + ms })
      knowledge.learn({ user: 'someone', organization: 'else' }, mark, fact)
      told.length = 0
    },
  }
}
