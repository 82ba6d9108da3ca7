import '../bin/require-node.js'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { replayLogs } from '../src/adapters/replay/replay-logs.ts'
import { sha256 } from '../src/adapters/replay/part-replay.ts'
import { createReplayPolicies } from '../src/application/replay-policies.ts'
import { reportOf } from '../src/application/replay-report.ts'
import { policyFrom } from '../test/support/builders.ts'
import { decisionLine, policyLine } from '../test/support/decision-lines.ts'

/**
 * How fast a log replays and how much memory that takes: decisions a second by the wall clock and by
 * the CPU time of all threads, with and without a candidate, on one thread and on all.
 */
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const count = Number(process.env['BENCH_DECISIONS'] ?? 500_000)
/** Different lines; a log repeats them. */
const variety = 50_000
const organizations = 500

const policyText = (staff: string): string => `
version: 1
roles: { owner: ["*"], staff: [${staff}], viewer: [leave:read] }
routes:
  - { name: leave.approve, match: "POST /api/v1/organizations/{organizationId}/leave/{leaveId}/approve", permission: leave:approve }
  - { name: leave.list, match: "GET|HEAD /api/v1/organizations/{organizationId}/leave", permission: leave:read }
  - { name: me, match: GET /api/v1/me, access: authenticated }
  - { name: health, match: GET /healthz, access: public }
`
const policy = policyFrom(policyText('leave:read, leave:approve'))
const candidate = policyFrom(policyText('leave:read'))

/** Requests in the shares of a working day: many lists, some approvals, health checks. */
function lineOf(index: number): string {
  const organization = `org-${(index * 7_919) % organizations}`
  const base = `/api/v1/organizations/${organization}/leave`
  const requests = [
    ...Array.from({ length: 6 }, () => `GET ${base}`),
    `POST ${base}/l${index}/approve`,
    'GET /api/v1/me',
    'GET /api/v1/me',
    'GET /healthz',
  ]
  return decisionLine(policy, {
    organization,
    user: `user-${(index * 104_729) % (organizations * 20)}`,
    role: ['staff', 'staff', 'viewer', 'owner'][index % 4] ?? '',
    request: requests[index % requests.length] ?? '',
  })
}

function writeLog(file: string): void {
  const fd = openSync(file, 'w')
  const lines = Array.from({ length: Math.min(count, variety) }, (_, index) => lineOf(index))
  const block = Buffer.from(`${lines.join('\n')}\n`)
  writeSync(fd, `${policyLine(policy)}\n`)
  for (let written = 0; written < count; written += lines.length) writeSync(fd, block)
  closeSync(fd)
}

const [, self = '', logFile, threadsText, candidateText] = process.argv
if (logFile === undefined) await measureAll()
else await measure(logFile, Number(threadsText), candidateText === 'true' ? candidate : undefined)

/** Each measurement is a process of its own, so that none pays for what came before it. */
async function measureAll(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tenantgate-bench-'))
  try {
    const file = join(folder, 'log.jsonl')
    writeLog(file)
    for (const threads of new Set([1, availableParallelism()])) {
      for (const against of [false, true]) {
        for (let round = 0; round < rounds; round++) {
          const args = [self, file, String(threads), String(against)]
          await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'close')
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function measure(
  file: string,
  threads: number,
  against: typeof candidate | undefined,
): Promise<void> {
  const [beganMs, cpu] = [performance.now(), process.cpuUsage()]
  const { tally } = await replayLogs({
    inputs: [{ file }],
    policies: createReplayPolicies(sha256),
    candidate: against,
    filter: {},
    threads,
  })
  const seconds = (performance.now() - beganMs) / 1_000
  const used = process.cpuUsage(cpu)
  const { decisions, flips } = reportOf(tally)
  console.log(
    JSON.stringify({
      threads,
      candidate: against !== undefined,
      megabytes: Math.round(statSync(file).size / 1e6),
      decisions,
      flips: flips.allow_to_deny,
      decisions_per_second: Math.round(decisions / seconds),
      cpu_us_per_decision: Number(((used.user + used.system) / decisions).toFixed(2)),
      peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1_000),
    }),
  )
}
