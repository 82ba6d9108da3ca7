import { pairKey, type Fact, type Pair } from '../domain/fact.ts'
import { concludeReplay } from '../domain/replay.ts'
import type { BoundedMap } from '../ports/bounded-map.ts'
import type { FactSource } from '../ports/fact-source.ts'
import {
  createLineReader,
  type LineReplay,
  type LineReplayDeps,
  type ReplayableDecision,
} from './replay-lines.ts'
import { beginOutcome, compare, type AwaitingOutcome } from './replay-outcome.ts'
import { countOutcome, newTally } from './replay-tally.ts'

/** What decisions are replayed with on today's facts. */
export interface LiveReplayDeps extends LineReplayDeps {
  readonly facts: Pick<FactSource, 'readMany'>
  /** Facts that were read: each pair is asked for once, as long as it is remembered. */
  readonly known: BoundedMap<Fact>
  readonly signal: AbortSignal
}

type Waiting = AwaitingOutcome & ReplayableDecision

/** Pairs that one statement asks for. */
const batchPairs = 500

/** Makes the replay of a log on today's facts; `flush` reads those that the lines so far wait for. */
export function createLiveReplay(deps: LiveReplayDeps): LineReplay {
  const tally = newTally()
  let waiting: Waiting[] = []
  const targetOf = ({ policy }: ReplayableDecision): ReplayableDecision['policy'] =>
    deps.candidate ?? policy

  const reader = createLineReader(deps, tally, (decision) => {
    const { policy, record } = decision
    const target = targetOf(decision)
    const begun = beginOutcome(record, policy, target)
    if ('awaiting' in begun) waiting.push({ ...decision, ...begun })
    else countOutcome(tally, begun, { ...decision, known: [policy, target] })
  })

  return {
    ...reader,
    async flush() {
      const now = waiting
      waiting = []
      const facts = await factsOf(now, deps)
      for (const one of now) {
        const fact = facts.get(pairKey(one.awaiting.pair))
        if (fact === undefined) throw new Error('the fact of a pair was not asked for')
        const outcome = compare(one.original, concludeReplay(one.awaiting, fact))
        countOutcome(tally, outcome, { ...one, known: [one.policy, targetOf(one)] })
      }
    },
  }
}

/** The facts of all that waits: those remembered, and the rest in batches. */
async function factsOf(
  waiting: readonly Waiting[],
  { facts, known, signal }: LiveReplayDeps,
): Promise<ReadonlyMap<string, Fact>> {
  const found = new Map<string, Fact>()
  const unknown = new Map<string, Pair>()
  for (const { awaiting } of waiting) {
    const key = pairKey(awaiting.pair)
    const fact = known.get(key)
    if (fact === undefined) unknown.set(key, awaiting.pair)
    else found.set(key, fact)
  }
  const asked = [...unknown]
  for (let from = 0; from < asked.length; from += batchPairs) {
    const batch = asked.slice(from, from + batchPairs)
    const pairs = batch.map(([, pair]) => pair)
    const read = await facts.readMany(pairs, signal)
    for (const [index, [key]] of batch.entries()) {
      const fact = read[index]
      if (fact === undefined) throw new Error('the source of facts left a pair out')
      found.set(key, fact)
      known.set(key, fact)
    }
  }
  return found
}
