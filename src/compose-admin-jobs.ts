import type { AdminExplain } from './adapters/http/admin-explain-route.ts'
import { startThread } from './adapters/threads/start-thread.ts'
import type {
  AdminJob,
  AdminJobInput,
  AdminJobMessage,
  ExplainJob,
} from './application/admin-job.ts'
import type { RunningJob } from './application/admin-replay.ts'
import type { Coverage } from './application/coverage.ts'
import { AppError } from './domain/errors.ts'
import type { Policy } from './domain/policy.ts'

/** Source files run as they are, built ones as JavaScript: the thread's file ends like this one. */
const entry = new URL(`./admin-worker${import.meta.url.slice(-3)}`, import.meta.url)
/** Memory that a job may hold, in MiB. */
const memoryMb = 512
/** Time to explain under a policy that was sent, in ms. */
const explainTimeoutMs = 10_000

/** Starts a job on a thread of its own. */
export function startJob(job: AdminJob, signal: AbortSignal): RunningJob {
  return startThread<AdminJobInput, AdminJobMessage>({ entry, data: job, memoryMb, signal })
}

/** Explains under a policy that was sent. */
export async function explainUnder(
  policy: string,
  stated: ExplainJob['stated'],
  nowMs: number,
): ReturnType<AdminExplain> {
  const job: ExplainJob = { kind: 'explain', policy, stated, nowMs }
  const told = await runJob(job, AbortSignal.timeout(explainTimeoutMs))
  if (told.type === 'faults' || told.type === 'explanation') return told
  throw new Error('an explanation was asked for')
}

/** What a policy covers. */
export async function coverageOf(
  { definition, version }: Policy,
  signal: AbortSignal,
): Promise<Coverage> {
  const told = await runJob({ kind: 'coverage', version, definition }, signal)
  if (told.type === 'coverage') return told.coverage
  throw new Error('a coverage was asked for')
}

/** Runs a job that tells one thing, and returns that. */
async function runJob(job: AdminJob, signal: AbortSignal): Promise<AdminJobMessage> {
  const { messages, stop } = startJob(job, signal)
  try {
    for await (const message of messages) return message
    throw new Error('the thread ended without a word')
  } catch (cause) {
    throw new AppError('SERVER_UNAVAILABLE', 'the work could not be done in time', { cause })
  } finally {
    await stop()
  }
}
