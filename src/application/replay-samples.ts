import type { Reason } from '../domain/decision.ts'
import type { RecordedDecision } from '../domain/recorded.ts'
import { ownCopy } from './own-copy.ts'
import type { Change, ChangeKind } from './replay-outcome.ts'

/** Where a line stands in the input: the number of its source, and its place there. */
export interface LinePlace {
  readonly source: number
  readonly at: number
}

/** A decision that came out differently, to look at. */
export interface ReplaySample extends LinePlace {
  readonly change: ChangeKind
  readonly route: string | null
  readonly record: Pick<
    RecordedDecision,
    'decision_id' | 'timestamp' | 'method' | 'host' | 'path' | 'user_id' | 'reason'
  >
  readonly organization: string | null
  readonly reason: Reason
}

/** The first of each kind, by change and route; plain data. */
export type ReplaySamples = Map<string, ReplaySample[]>

/** How many of each kind are kept. */
const samplesOfKind = 5

/** Keeps a sample if it is among the first of its kind, in whatever order they come. */
export function keepSample(
  samples: ReplaySamples,
  { change, reason, route }: Change,
  {
    organization,
    place,
    record,
  }: {
    readonly record: RecordedDecision
    readonly organization: string | null
    readonly place: LinePlace
  },
): void {
  const kind = `${change} ${route ?? ''}`
  const list = samples.get(kind) ?? []
  const last = list[samplesOfKind - 1]
  if (last !== undefined && !isBefore(place, last)) return
  const { decision_id, host, method, path, reason: recorded, timestamp, user_id } = record
  const sample: ReplaySample = {
    ...place,
    change,
    route,
    reason,
    organization,
    record: { decision_id, host, method, path, reason: recorded, timestamp, user_id },
  }
  insert(list, ownCopy(sample))
  samples.set(kind, list)
}

/** Adds the samples of another part of the input. */
export function mergeSamples(into: ReplaySamples, from: ReplaySamples): void {
  for (const [kind, list] of from) {
    const own = into.get(kind) ?? []
    for (const sample of list) insert(own, sample)
    into.set(kind, own)
  }
}

/** All samples, by change, then by route, then in the order of the input. */
export function sortedSamples(samples: ReplaySamples): readonly ReplaySample[] {
  return [...samples].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, list]) => list)
}

function insert(list: ReplaySample[], sample: ReplaySample): void {
  const index = list.findIndex((one) => isBefore(sample, one))
  list.splice(index === -1 ? list.length : index, 0, sample)
  if (list.length > samplesOfKind) list.pop()
}

function isBefore(a: LinePlace, b: LinePlace): boolean {
  return a.source === b.source ? a.at < b.at : a.source < b.source
}
