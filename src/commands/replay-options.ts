import { availableParallelism } from 'node:os'
import type { ReplayFilter } from '../application/replay-filter.ts'
import { failOns, type FailOn } from '../application/replay-verdict.ts'
import { parseDuration } from '../config-values.ts'
import { parseArguments } from './arguments.ts'
import { UsageError } from './exit.ts'

const usage = `tenantgate replay LOG... [--policy CANDIDATE] [--facts recorded|live]
  [--since TIME] [--until TIME] [--route NAME]... [--organization ID]...
  [--fail-on none|any|newly-allowed|newly-denied] [--strict] [--recorded-policy FILE]...
  [--threads N] [--format text|json|junit|markdown]
  LOG: a file, a glob, a pipe, - for standard input, each also compressed by gzip or zstd,
  or nats:SUBJECT, as in TENANTGATE_DECISION_LOG, with NATS_URL
  TIME: RFC 3339, a date, or how long ago: 24h, 7d
  --strict: fails too where a decision is undetermined or lacks its policy
  --recorded-policy: the file of a policy that made decisions, where no log holds it`

const formats = ['text', 'json', 'junit', 'markdown'] as const
const dayMs = 86_400_000
const maxThreads = 64

/** What a replay was asked to do. */
export interface ReplayOptions {
  readonly logs: readonly string[]
  readonly policy: string | undefined
  readonly recordedPolicies: readonly string[]
  readonly facts: 'recorded' | 'live'
  readonly filter: ReplayFilter
  readonly failOn: FailOn
  readonly strict: boolean
  readonly threads: number
  readonly format: (typeof formats)[number]
}

/** Reads the command line; throws `UsageError`. */
export function readReplayOptions(args: readonly string[], nowMs: number): ReplayOptions {
  const { all, flag, format, one, words } = parseArguments(args, usage, {
    values: [
      ...['policy', 'recorded-policy', 'facts', 'since', 'until', 'route', 'organization'],
      ...['fail-on', 'threads'],
    ],
    flags: ['strict'],
    formats,
  })
  if (words.length === 0) throw new UsageError(`usage: ${usage}`)
  const several = (name: string): readonly string[] | undefined =>
    all(name).length === 0 ? undefined : all(name)
  const moment = (name: string): string | undefined => {
    const text = one(name)
    return text === undefined ? undefined : readMoment(name, text, nowMs)
  }
  return {
    logs: words,
    policy: one('policy'),
    recordedPolicies: all('recorded-policy'),
    facts: choice('facts', one('facts'), ['recorded', 'live'] as const),
    filter: {
      since: moment('since'),
      until: moment('until'),
      routes: several('route'),
      organizations: several('organization'),
    },
    failOn: one('fail-on') === undefined ? 'any' : choice('fail-on', one('fail-on'), failOns),
    strict: flag('strict'),
    threads: readThreads(one('threads')),
    format,
  }
}

/** One of several words; the first where none was given. */
function choice<T extends string>(
  name: string,
  text: string | undefined,
  words: readonly [T, ...T[]] | readonly T[],
): T {
  const found = text === undefined ? words[0] : words.find((word) => word === text)
  if (found !== undefined) return found
  throw new UsageError(
    `--${name} is one of ${words.join(', ')}, not "${text ?? ''}"\n\nusage: ${usage}`,
  )
}

/** RFC 3339 in UTC with milliseconds, as records have it. */
function readMoment(name: string, text: string, nowMs: number): string {
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? []
  const agoMs = days === undefined ? parseDuration(text) : Number(days) * dayMs
  const isMoment = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
  const ms = agoMs === undefined ? (isMoment ? Date.parse(text) : NaN) : nowMs - agoMs
  if (Number.isFinite(ms)) return new Date(ms).toISOString()
  throw new UsageError(
    `--${name} is a time as 2026-11-20T12:00:00Z or 2026-11-20, or how long ago as 24h or 7d, not "${text}"\n\nusage: ${usage}`,
  )
}

function readThreads(text: string | undefined): number {
  if (text === undefined) return availableParallelism()
  const threads = /^\d{1,3}$/.test(text) ? Number(text) : NaN
  if (threads >= 1 && threads <= maxThreads) return threads
  throw new UsageError(
    `--threads is a number from 1 to ${maxThreads}, not "${text}"\n\nusage: ${usage}`,
  )
}
