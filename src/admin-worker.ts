import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { openLogFiles } from './adapters/files/log-files.ts'
import { parsePolicyDocument, sha256 } from './adapters/files/policy-document.ts'
import { filesSince } from './adapters/files/seek-log.ts'
import { partsOf } from './adapters/replay/log-part.ts'
import { splitterFor } from './adapters/replay/part-replay.ts'
import { replayParts } from './adapters/replay/replay-parts.ts'
import type {
  AdminJob,
  AdminJobInput,
  AdminJobMessage,
  ReplayJob,
} from './application/admin-job.ts'
import { coverageOf } from './application/coverage.ts'
import { explain } from './application/explain.ts'
import { createLoadPolicy } from './application/load-policy.ts'
import type { ReplayFilter } from './application/replay-filter.ts'
import { createLineReplay, type LineReplayDeps } from './application/replay-lines.ts'
import { createReplayPolicies } from './application/replay-policies.ts'
import { reportOf } from './application/replay-report.ts'
import type { ReplayTally } from './application/replay-tally.ts'
import type { Policy } from './domain/policy.ts'

/** The thread of the admin API: does one job and ends. */

const loadPolicy = createLoadPolicy({ parse: parsePolicyDocument, digest: sha256 })
const maxAttempts = 3
const port = orThrow(parentPort)

await work(workerData as AdminJob)

function orThrow<T>(value: T | null): T {
  if (value === null) throw new Error('this runs as a thread of the admin API')
  return value
}

function tell(message: AdminJobMessage): void {
  port.postMessage(message)
}

async function work(job: AdminJob): Promise<void> {
  if (job.kind === 'coverage') {
    const policies = createReplayPolicies(sha256)
    policies.add(job.version, job.definition)
    const policy = policies.get(job.version)
    if (policy === undefined) throw new Error('the policy in force does not compile')
    tell({ type: 'coverage', coverage: coverageOf(policy) })
    return
  }
  const loading = job.policy === null ? { policy: undefined } : loadPolicy(job.policy)
  if ('faults' in loading) tell({ type: 'faults', faults: loading.faults })
  else if (job.kind === 'replay') await replay(job, loading.policy)
  else if (loading.policy !== undefined) {
    const { explanation } = await explain(loading.policy, job.stated, job.nowMs)
    tell({ type: 'explanation', explanation })
  }
}

async function replay(job: ReplayJob, candidate: Policy | undefined): Promise<void> {
  const policies = createReplayPolicies(sha256)
  for (const [version, definition] of job.definitions) policies.add(version, definition)
  const report = reportOf(
    job.file === null
      ? await replayInput({ policies, candidate, filter: job.filter })
      : await replayFile(job.file, { policies, candidate, filter: job.filter }),
  )
  tell({ type: 'report', report })
}

/** Each word of progress asks for the next lines. */
async function replayInput(deps: LineReplayDeps): Promise<ReplayTally> {
  const replay = createLineReplay(deps)
  const onMissing = replay.withoutPolicy
  for (let bytes = 0; ;) {
    tell({ type: 'progress', bytes, of: null })
    const [input] = (await once(port, 'message')) as unknown as readonly [AdminJobInput]
    if (input === null) return replay.tally
    // Newest first: what comes later stands before it.
    const splitter = splitterFor(0, { replay, onMissing }, -bytes - input.length)
    splitter.push(Buffer.from(input))
    splitter.end()
    bytes += input.length
  }
}

/** Parts are named by their files: where one was rotated meanwhile, all is read again. */
async function replayFile(
  file: string,
  { candidate, filter, policies }: LineReplayDeps,
): Promise<ReplayTally> {
  for (let attempt = 1; ; attempt += 1) {
    const files = await filesOf(file, filter)
    const parts = files.flatMap(({ name }, source) => partsOf(name, source) ?? [])
    const of = parts.reduce(
      (sum, part) => sum + (part.kind === 'range' ? part.to - part.from : 0),
      0,
    )
    let bytes = 0
    tell({ type: 'progress', bytes, of })
    const { faults, tally } = await replayParts({
      candidate: candidate && [candidate.version, candidate.definition],
      filter,
      parts,
      policies,
      threads: 0, // this one is a thread already, and checks need the other cores
      onRead(read) {
        bytes += read
        tell({ type: 'progress', bytes, of })
      },
    })
    const after = await filesOf(file, filter)
    const same =
      after.map(({ identity }) => identity).join() === files.map(({ identity }) => identity).join()
    // What was cut under the reader (copytruncate) leaves the file what it was.
    if (same && faults.length === 0) return tally
    if (attempt === maxAttempts) throw new Error('the log changes faster than it is read')
  }
}

/** The files that a replay reads, the oldest first. */
async function filesOf(file: string, { since }: ReplayFilter) {
  const { close, files } = await openLogFiles(file)
  try {
    const sinceMs = since === undefined ? -Infinity : Date.parse(since)
    const wanted = await filesSince(files, sinceMs)
    return wanted.map(({ identity, name }) => ({ identity, name })).reverse()
  } finally {
    await close()
  }
}
