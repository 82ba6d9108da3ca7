import { AppError } from '../domain/errors.ts'
import { pairKey, type Fact, type Pair } from '../domain/fact.ts'
import type { Freshness } from '../domain/policy.ts'
import type { EndSignal } from '../ports/end-signal.ts'
import type { FactCache } from '../ports/fact-cache.ts'
import type { FactSource } from '../ports/fact-source.ts'
import type { Knowledge } from './knowledge.ts'
import type { ReadMark } from './learn-fact.ts'
import { unlessAborted } from './unless-aborted.ts'

/** The look-ups that need I/O; requests for one pair share them. */
export interface FactResolver {
  /** The fact of the shared cache, where it may grant (rule b); undefined: there is none. */
  readonly recall: (pair: Pair, signal: EndSignal) => Promise<Fact | undefined>
  /**
   * The fact by PostgreSQL. On `database` by a statement of the request's own, else by one that is
   * under way already, unless a change has overtaken it. Rejects as `FactSource` does.
   */
  readonly ask: (pair: Pair, freshness: Freshness, signal: EndSignal) => Promise<Fact>
}

/** What resolving rests on. */
export interface FactResolverDeps {
  readonly knowledge: Pick<
    Knowledge,
    'adopt' | 'beginRead' | 'isOvertaken' | 'isTimely' | 'learn' | 'mayRecall'
  >
  readonly cache: Pick<FactCache, 'available' | 'get'>
  readonly source: Pick<FactSource, 'read'>
  /** Gives up a shared look-up that no request's own deadline ends. */
  readonly never: AbortSignal
}

interface Reading {
  readonly mark: ReadMark
  readonly fact: Promise<Fact>
}

const nothing = Promise.resolve(undefined)

/** Makes a resolver with nothing under way. */
export function createFactResolver(deps: FactResolverDeps): FactResolver {
  const { cache, knowledge, never, source } = deps
  const readings = new Map<string, Reading>()
  const recalls = new Map<string, Promise<Fact | undefined>>()

  /** Keeps a look-up where others find it until it is settled. */
  function share<T>(under: Map<string, T>, key: string, value: T, settled: Promise<unknown>): void {
    under.set(key, value)
    const forget = (): void => {
      if (under.get(key) === value) under.delete(key)
    }
    settled.then(forget, forget)
  }

  /** By `then`, not in an async function: each first check of a subject comes this way. */
  function recallNow(pair: Pair): Promise<Fact | undefined> {
    // Without a signal: one that all look-ups share is slow to listen to once there are many.
    return cache
      .get(pair)
      .then((entry) => (entry !== undefined && knowledge.adopt(pair, entry) ? entry : undefined))
  }

  async function readNow(pair: Pair, mark: ReadMark): Promise<Fact> {
    const fact = await source.read(pair, never)
    knowledge.learn(pair, mark, fact)
    // A process that stood still finds answers that were true when it fell asleep.
    if (knowledge.isTimely(mark)) return fact
    throw new AppError('FACTS_UNAVAILABLE', 'PostgreSQL answered too late')
  }

  function begin(pair: Pair): Reading {
    const mark = knowledge.beginRead()
    return { mark, fact: readNow(pair, mark) }
  }

  return {
    recall(pair, signal) {
      if (pair.organization === null || !cache.available() || !knowledge.mayRecall(pair)) {
        return nothing
      }
      const key = pairKey(pair)
      let under = recalls.get(key)
      if (under === undefined) {
        under = recallNow(pair)
        share(recalls, key, under, under)
      }
      return unlessAborted(under, signal, () => undefined)
    },
    async ask(pair, freshness, signal) {
      const key = pairKey(pair)
      let reading = readings.get(key)
      if (
        reading === undefined ||
        freshness === 'database' ||
        knowledge.isOvertaken(pair, reading.mark) ||
        !knowledge.isTimely(reading.mark)
      ) {
        reading = begin(pair)
        share(readings, key, reading, reading.fact)
      }
      return unlessAborted(reading.fact, signal, () => {
        throw new AppError('FACTS_UNAVAILABLE', 'PostgreSQL did not answer in time')
      })
    },
  }
}
