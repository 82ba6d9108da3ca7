import { AppError } from '../../../src/domain/errors.ts'
import type { Fact, Pair } from '../../../src/domain/fact.ts'
import type { FactSource } from '../../../src/ports/fact-source.ts'
import type { Inbox } from './machine.ts'
import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'
import type { Truth } from './truth.ts'

/** How the database behaves: as ever; slow; no connection; connections on which nothing comes. */
export type DatabaseState = 'up' | 'slow' | 'down' | 'silent'

/** PostgreSQL as the processes see it. */
export interface Database {
  readonly source: (inbox: Inbox) => FactSource
  readonly set: (state: DatabaseState) => void
  readonly state: () => DatabaseState
  /** When it, or a statement under way, last was anything but well, in ms of true time. */
  readonly disturbedAtMs: () => number
  /** Statements that were sent. */
  readonly sent: () => number
}

/** How long a statement may take in each direction while all is well, in ms. */
const usualMs = [0.2, 3, 100] as const

/** Makes a database; a replica sees commits so much later. */
export function createDatabase(deps: {
  readonly timeline: Timeline
  readonly random: Random
  readonly truth: Truth
  readonly replicaLagMs: number
}): Database {
  const { random, replicaLagMs, timeline, truth } = deps
  let state: DatabaseState = 'up'
  let disturbedAtMs = timeline.nowMs()
  let sent = 0
  /** Statements under way that met with anything but a database that was up. */
  const disturbed = new Set<symbol>()

  const wayMs = (): number =>
    state === 'slow' ? random.between(0, 8_000) : random.between(0, random.pick(usualMs))

  function ask(inbox: Inbox, pairs: readonly Pair[]): Promise<readonly Fact[]> {
    sent += 1
    const { promise, resolve, reject } = Promise.withResolvers<readonly Fact[]>()
    const statement = Symbol()
    const settle = (afterMs: number, how: () => void): void => {
      if (state !== 'up') disturbed.add(statement)
      timeline.in(afterMs, () => {
        if (disturbed.delete(statement)) disturbedAtMs = timeline.nowMs()
        inbox.deliver(`statement ${random.next()}`, how)
      })
    }
    const fail = (afterMs: number): void => {
      const error = new AppError('DATABASE_UNAVAILABLE', 'the simulated database is down')
      settle(afterMs, () => reject(error))
    }
    if (state !== 'up') disturbed.add(statement)
    timeline.in(wayMs(), () => {
      if (state === 'down') {
        fail(wayMs())
        return
      }
      if (state === 'silent') {
        fail(random.between(80, 3_000))
        return
      }
      if (state !== 'up') disturbed.add(statement)
      const nowMs = timeline.nowMs()
      const facts = pairs.map((pair) => truth.read(pair, nowMs - replicaLagMs, nowMs))
      timeline.in(wayMs(), () => {
        if (state === 'down' && random.chance(0.5)) fail(0)
        else settle(0, () => resolve(facts))
      })
    })
    return promise
  }

  return {
    source: (inbox) => ({
      async read(pair) {
        const [fact] = await ask(inbox, [pair])
        if (fact === undefined) throw new Error('no fact was told')
        return fact
      },
      readMany: (pairs) => ask(inbox, pairs),
    }),
    set(next) {
      if (state !== 'up') disturbedAtMs = timeline.nowMs()
      state = next
    },
    state: () => state,
    disturbedAtMs: () =>
      state === 'up' && disturbed.size === 0 ? disturbedAtMs : timeline.nowMs(),
    sent: () => sent,
  }
}
