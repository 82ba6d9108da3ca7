import { findFiles } from '../adapters/replay/find-files.ts'
import { sha256 } from '../adapters/files/policy-document.ts'
import { readRecordedLines } from '../adapters/nats/recorded-lines.ts'
import { replayLogs, type LogInput } from '../adapters/replay/replay-logs.ts'
import { createReplayPolicies, type ReplayPolicies } from '../application/replay-policies.ts'
import { reportOf, type ReplayReport } from '../application/replay-report.ts'
import { isFound } from '../application/replay-verdict.ts'
import { counted } from '../domain/finding.ts'
import type { Policy } from '../domain/policy.ts'
import { exit, UsageError } from './exit.ts'
import { readPolicy } from './files.ts'
import { complain, harmless, print, printJson } from './output.ts'
import { replayJunit } from './replay-junit.ts'
import { openLiveFacts } from './replay-live-facts.ts'
import { replayMarkdown } from './replay-markdown.ts'
import { readReplayOptions, type ReplayOptions } from './replay-options.ts'
import { createProgress } from './replay-progress.ts'
import { colours, noColours, replayText } from './replay-text.ts'

const natsScheme = 'nats:'
/** Policy lines are written again every 10 minutes: so much more of a stream is read, in ms. */
const policyWindowMs = 11 * 60_000

/** Makes recorded decisions again, under their own policies or under a candidate. */
export async function replay(args: readonly string[]): Promise<number> {
  const options = readReplayOptions(args, Date.now())
  const candidate = options.policy === undefined ? undefined : readPolicy(options.policy)
  const policies = createReplayPolicies(sha256)
  for (const file of options.recordedPolicies) policies.put(readPolicy(file))
  const report = await replayed(options, candidate, policies)
  const { failOn, strict } = options
  const found = isFound(report, failOn, { candidate: candidate !== undefined, strict })
  printReport(report, { options, candidate, found })
  for (const { file, message } of report.incomplete) {
    complain(harmless(`${file}: could not be read to its end: ${message}`))
  }
  complainOf(report)
  if (report.decisions === 0) {
    complain('nothing was replayed: the logs hold no decision that was asked for')
    return exit.usage
  }
  if (found) return exit.findings
  // What was not read may hold what would have been found.
  return report.incomplete.length > 0 ? exit.usage : exit.holds
}

async function replayed(
  options: ReplayOptions,
  candidate: Policy | undefined,
  policies: ReplayPolicies,
): Promise<ReplayReport> {
  const { facts, filter, threads } = options
  const inputs = inputsOf(options)
  const progress = createProgress(process.stderr)
  const live = facts === 'live' ? openLiveFacts({ candidate, filter, policies }) : undefined
  try {
    const { faults, tally } = await replayLogs({
      inputs,
      policies,
      candidate,
      filter,
      threads,
      onProgress: progress.show,
      ...(live && { begin: live.begin }),
    })
    return reportOf(tally, faults)
  } finally {
    progress.clear()
    await live?.close()
  }
}

function inputsOf({ filter, logs }: ReplayOptions): readonly LogInput[] {
  const files = findFiles(logs.filter((log) => log !== '-' && !log.startsWith(natsScheme)))
  const streams = [...new Set(logs)].flatMap((log): readonly LogInput[] => {
    if (log === '-') {
      const open = (): AsyncIterable<Buffer> => process.stdin
      return [{ name: 'standard input', repeatable: false, open }]
    }
    if (!log.startsWith(natsScheme)) return []
    const url = process.env['NATS_URL'] ?? ''
    if (url === '') throw new UsageError(`${log} is read from a server: set NATS_URL`)
    const subject = log.slice(natsScheme.length)
    const since =
      filter.since === undefined ? undefined : new Date(Date.parse(filter.since) - policyWindowMs)
    return [{ name: log, repeatable: true, open: () => readRecordedLines({ url, subject, since }) }]
  })
  return [...streams, ...files.map((file) => ({ file }))]
}

function printReport(
  report: ReplayReport,
  {
    candidate,
    found,
    options,
  }: {
    readonly options: ReplayOptions
    readonly candidate: Policy | undefined
    readonly found: boolean
  },
): void {
  const facts = options.facts === 'live' ? " with today's facts" : ''
  const by = candidate
    ? `against ${options.policy ?? ''} (${candidate.version})`
    : 'under the policies that made them'
  const against = `${by}${facts}`
  switch (options.format) {
    case 'json':
      printJson(report)
      return
    case 'markdown':
      process.stdout.write(replayMarkdown(report, against, found))
      return
    case 'junit': {
      const routes = candidate?.definition.routes.map(({ name }) => name) ?? []
      const { failOn, strict } = options
      const judged = { failOn, strict, candidate: candidate !== undefined }
      process.stdout.write(replayJunit(report, { routes, ...judged }))
      return
    }
    case 'text': {
      const isColoured = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
      print(replayText(report, against, isColoured ? colours : noColours))
    }
  }
}

/** Says what was not replayed, and how that is mended. */
function complainOf({ skipped_by, undetermined_by }: ReplayReport): void {
  const { broken, without_policy } = skipped_by
  if (broken > 0) complain(`${counted(broken, 'broken line')}: cut off, or no line of this log`)
  for (const [version, count] of Object.entries(without_policy)) {
    complain(
      `${counted(count, 'decision')} of ${harmless(version)} skipped: its policy is in none of these logs; ` +
        'give the file that holds its line, or the policy itself by --recorded-policy',
    )
  }
  const unfaithful = undetermined_by['it does not come out the same under its own policy'] ?? 0
  if (unfaithful > 0) {
    complain(
      `${counted(unfaithful, 'decision')} came out differently under the very policy that made them: ` +
        'replay the log without --policy to see them',
    )
  }
}
