import { pairKey, type Fact, type Pair } from '../domain/fact.ts'
import type { Clock } from '../ports/clock.ts'
import type { FactSource } from '../ports/fact-source.ts'
import type { Knowledge } from './knowledge.ts'
import type { ReadMark } from './learn-fact.ts'

/** Reads facts in use again, in batches, off the way of any request. */
export interface Verification {
  /**
   * Queues a pair; `expected`: what a claim that granted said of it. Returns false where there is
   * no room: the pair will not be verified.
   */
  readonly enqueue: (pair: Pair, expected?: Fact) => boolean
  readonly waiting: () => number
  readonly close: () => void
}

/** What verification rests on. */
export interface VerificationDeps {
  readonly clock: Clock
  readonly source: Pick<FactSource, 'readMany'>
  readonly knowledge: Pick<Knowledge, 'beginRead' | 'holds' | 'learn'>
  readonly schedule: (task: () => void, afterMs: number) => { readonly cancel: () => void }
  /** Gives up a statement when the service closes. */
  readonly signal: AbortSignal
  readonly random: () => number
  /** A statement was answered: how many pairs it asked for, and how long the first had waited. */
  readonly onBatch: (pairs: number, lagMs: number) => void
  readonly onFault: (cause: unknown) => void
}

interface Waiting {
  readonly pair: Pair
  readonly expected: Fact | undefined
  readonly sinceMs: number
}

/** Pairs in one statement at most, and pairs that may wait (contract section 6). */
const maxPairs = 500
const maxWaiting = 200_000

/** How long the first pair waits for others, in ms. */
const lingerMs = 100

/** Back-off after statements that failed one after another, in ms. */
const firstRetryMs = 50
const maxRetryMs = 1_000

/** Makes a queue that is empty and wakes up with the first pair. */
export function createVerification(deps: VerificationDeps): Verification {
  /** By pair, in the order in which they came. */
  const queue = new Map<string, Waiting>()
  /** Halves of statements that failed; they go first, each by itself. */
  let split: (readonly Waiting[])[] = []
  /** Pairs of statements under way or split: used meanwhile, they need no second one. */
  const taken = new Set<string>()
  let retryMs = firstRetryMs
  let busy = false
  let timer: { readonly cancel: () => void } | undefined
  let closed = false

  function wake(afterMs: number): void {
    if (closed || busy || timer !== undefined) return
    timer = deps.schedule(() => {
      timer = undefined
      void drain()
    }, afterMs)
  }

  function requeue(waiting: Waiting): void {
    if (queue.size < maxWaiting) queue.set(pairKey(waiting.pair), waiting)
  }

  /** The next statement's pairs: what memory has dropped meanwhile needs no verification. */
  function nextBatch(): readonly Waiting[] {
    const batch: Waiting[] = [...(split.shift() ?? [])]
    if (batch.length > 0) return batch
    for (const [key, waiting] of queue) {
      queue.delete(key)
      if (waiting.expected === undefined && !deps.knowledge.holds(waiting.pair)) continue
      taken.add(key)
      batch.push(waiting)
      if (batch.length === maxPairs) break
    }
    return batch
  }

  async function drain(): Promise<void> {
    busy = true
    let failed = false
    for (let batch = nextBatch(); batch.length > 0 && !closed; batch = nextBatch()) {
      failed = !(await verify(batch))
      if (failed) break
      retryMs = firstRetryMs
      // Only full statements follow at once: the rest may as well wait for company.
      if (split.length === 0 && queue.size < maxPairs) break
    }
    busy = false
    if (failed) {
      wake(retryMs * (0.5 + deps.random() / 2))
      retryMs = Math.min(2 * retryMs, maxRetryMs)
    } else if (queue.size > 0 || split.length > 0) wake(lingerMs)
  }

  /** Returns whether the pairs were verified; never rejects. */
  async function verify(batch: readonly Waiting[]): Promise<boolean> {
    try {
      const mark = deps.knowledge.beginRead()
      const pairs = batch.map(({ pair }) => pair)
      const facts = await deps.source.readMany(pairs, deps.signal)
      batch.forEach((waiting, index) => learn(waiting, mark, facts[index]))
      deps.onBatch(batch.length, deps.clock().monotonicMs - (batch[0]?.sinceMs ?? 0))
      return true
    } catch (cause) {
      if (!closed) deps.onFault(cause)
      putBack(batch)
      return false
    }
  }

  function learn(waiting: Waiting, mark: ReadMark, fact: Fact | undefined): void {
    if (fact === undefined) throw new Error('a fact was not told')
    const { expected, pair } = waiting
    const learned = deps.knowledge.learn(pair, mark, fact, expected)
    taken.delete(pairKey(pair))
    const again = learned === 'overtaken' || learned === 'outrun'
    if (again && deps.knowledge.holds(pair)) requeue(waiting)
  }

  /** One pair that makes its statement fail must not keep the others from being verified. */
  function putBack(batch: readonly Waiting[]): void {
    const [only, ...others] = batch
    if (only !== undefined && others.length === 0) {
      taken.delete(pairKey(only.pair))
      requeue(only)
      return
    }
    const middle = Math.ceil(batch.length / 2)
    split = [batch.slice(0, middle), batch.slice(middle), ...split]
  }

  return {
    enqueue(pair, expected) {
      const key = pairKey(pair)
      if (queue.has(key) || taken.has(key)) return true
      if (closed || queue.size >= maxWaiting) return false
      queue.set(key, { pair, expected, sinceMs: deps.clock().monotonicMs })
      wake(lingerMs)
      return true
    },
    waiting: () => queue.size + taken.size,
    close() {
      closed = true
      timer?.cancel()
    },
  }
}
