import { createHash } from 'node:crypto'
import { messageOf } from '../../application/faults.ts'
import { createLineReplay, type LineReplay } from '../../application/replay-lines.ts'
import type { ReplayFilter } from '../../application/replay-filter.ts'
import { createReplayPolicies, type ReplayPolicies } from '../../application/replay-policies.ts'
import { mergeTally, newTally, type ReplayTally } from '../../application/replay-tally.ts'
import type { PolicyDefinition } from '../../domain/policy.ts'
import type { Digest } from '../../ports/policy-document.ts'
import { createLineSplitter, type LineSplitter } from './line-splitter.ts'
import { readArchive, readRange, type LogPart } from './log-part.ts'

/** SHA-256 in hexadecimal digits. */
export const sha256: Digest = (text) => createHash('sha256').update(text).digest('hex')

/** A policy as it stands in a log. */
export type StatedPolicy = readonly [version: string, definition: PolicyDefinition]

/** What every part is replayed with; plain data, so that it can be sent. */
export interface PartSettings {
  readonly candidate: StatedPolicy | undefined
  readonly filter: ReplayFilter
}

/** One part to replay. */
export interface PartJob {
  readonly part: LogPart
  /** Policies that other parts hold. */
  readonly policies: readonly StatedPolicy[]
  /** Count decisions whose policy is not known, instead of putting the part off. */
  readonly final: boolean
}

/** What came of a part. */
export interface PartResult {
  /** Versions that are missing: nothing of the part was counted. */
  readonly missing: readonly string[]
  /** Policies that stand in it. */
  readonly found: readonly StatedPolicy[]
  /** Why it could not be read to its end. */
  readonly fault: string | undefined
}

/** Replays parts and counts them together. */
export interface PartReplay {
  /** `onRead` is told how many bytes were read, now and then. */
  readonly run: (job: PartJob, onRead: (bytes: number) => void) => Promise<PartResult>
  readonly tally: ReplayTally
}

/** More versions than these are not told apart: they are missing all the same. */
const maxMissing = 1_000

/** Makes the replay of parts, in a thread of its own or not. */
export function createPartReplay({ candidate: stated, filter }: PartSettings): PartReplay {
  const policies = createReplayPolicies(sha256)
  const candidate = stated && loaded(stated)
  const tally = newTally()
  return {
    tally,
    async run({ final, part, policies: known }, onRead) {
      for (const [version, definition] of known) policies.add(version, definition)
      const before = new Set(policies.definitions().keys())
      const replay = createLineReplay({ policies, candidate, filter })
      const missing = new Set<string>()
      const fault = await replayPart(part, {
        replay,
        onRead,
        onMissing(version) {
          if (final) replay.withoutPolicy(version)
          else if (missing.size < maxMissing) missing.add(version)
        },
      })
      if (missing.size === 0) mergeTally(tally, replay.tally)
      const found = [...policies.definitions()].filter(([version]) => !before.has(version))
      return { missing: [...missing], found, fault }
    },
  }
}

/** A candidate from another thread: its canonical form has the same version. */
function loaded([version, definition]: StatedPolicy): ReturnType<ReplayPolicies['get']> {
  const policies = createReplayPolicies(sha256)
  if (!policies.add(version, definition)) throw new Error('the candidate is not canonical')
  return policies.get(version)
}

interface PartListener {
  readonly replay: LineReplay
  readonly onMissing: (version: string) => void
  readonly onRead: (bytes: number) => void
}

/** Returns why the part could not be read to its end. */
async function replayPart(part: LogPart, listener: PartListener): Promise<string | undefined> {
  if (part.kind === 'range') {
    let splitter: LineSplitter | undefined
    const changed = readRange(part, {
      begin: (at) => void (splitter = splitterFor(part.source, listener, at)),
      chunk: (chunk) => splitter?.push(chunk),
    })
    splitter?.end()
    listener.onRead(part.to - part.from)
    return changed
  }
  const splitter = splitterFor(part.source, listener, 0)
  let fault: string | undefined
  try {
    for await (const chunk of readArchive(part, listener.onRead)) splitter.push(chunk)
  } catch (cause) {
    fault = messageOf(cause)
  }
  splitter.end()
  return fault
}

/** A splitter whose lines are replayed. */
export function splitterFor(
  source: number,
  { onMissing, replay }: Pick<PartListener, 'onMissing' | 'replay'>,
  begin: number,
): LineSplitter {
  const note = (missing: string | undefined): void => {
    if (missing !== undefined) onMissing(missing)
  }
  return createLineSplitter(
    {
      value: (value, at) => note(replay.line(value, { source, at })),
      decision: (decision, at) => note(replay.decision(decision, { source, at })),
      broken: replay.broken,
    },
    begin,
  )
}
