import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parse, stringify } from 'yaml'
import type { ReplayReport } from '../application/replay-report.ts'
import type { DecisionRecord } from '../domain/record.ts'
import type { ScenePlayed } from './scene-player.ts'
import { examplePolicy, type Stack } from './stack.ts'
import { commandLine } from './tenantgate-process.ts'

const deadlineMs = 5_000
const permission = 'leave:approve'

/**
 * Replays the decisions of the tour so far: by their own policy, where nothing may differ, and
 * against a candidate that takes `leave:approve` from staff, which flips what staff approved.
 */
export async function playReplay(
  stack: Pick<Stack, 'decisionLog' | 'tenantgate'>,
): Promise<readonly ScenePlayed[]> {
  const records = await writtenDecisions(stack.decisionLog)
  const approved = records.filter(
    ({ decision, fact, route }) =>
      decision === 'allow' &&
      route === 'leave.approve' &&
      fact?.rows.every((roles) => roles.includes('staff')) === true &&
      fact.rows.length > 0,
  ).length
  const candidate = join(dirname(stack.decisionLog), 'candidate.yaml')
  await writeFile(candidate, await withoutApproval())
  const same = await replay([stack.decisionLog])
  const flipped = await replay([stack.decisionLog, '--policy', candidate])
  return [
    played(
      `the ${same.report.decisions} decisions so far are made again, and every one comes out the same`,
      0,
      same,
      same.report.different === 0 && same.report.decisions >= records.length
        ? []
        : [`${same.report.different} of ${same.report.decisions} came out differently`],
    ),
    played(
      `a policy that takes ${permission} from staff would turn away ${flipped.report.flips.allow_to_deny} of them`,
      1,
      flipped,
      flipped.report.flips.allow_to_deny === approved && flipped.report.flips.deny_to_allow === 0
        ? []
        : [`${JSON.stringify(flipped.report.flips)} instead of ${approved} flips to deny`],
    ),
  ]
}

interface Replay {
  readonly status: number
  readonly report: ReplayReport
}

/** The command itself, as an administrator calls it. */
function replay(args: readonly string[]): Promise<Replay> {
  const { promise, resolve, reject } = Promise.withResolvers<Replay>()
  const [command, ...before] = commandLine
  const all = [...before, 'replay', ...args, '--format', 'json']
  execFile(command, all, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
    try {
      const status = error === null ? 0 : Number(error.code)
      resolve({ status, report: JSON.parse(stdout) as ReplayReport })
    } catch (cause) {
      reject(new Error(`tenantgate replay: ${stderr}`, { cause }))
    }
  })
  return promise
}

function played(
  title: string,
  expected: number,
  { status }: Replay,
  differences: readonly string[],
): ScenePlayed {
  const wrong = status === expected ? [] : [`exit status ${status} instead of ${expected}`]
  const scene = { title, persona: 'replay', method: '', path: '', status: expected }
  const outcome = `exit ${status}`
  return { scene, status, reason: null, outcome, differences: [...wrong, ...differences] }
}

/** The log is written off the way of checks: its end is awaited. */
async function writtenDecisions(file: string): Promise<readonly DecisionRecord[]> {
  const endMs = performance.now() + deadlineMs
  let text = await readFile(file, 'utf8')
  for (let before = ''; text !== before && performance.now() < endMs;) {
    await pause(250) // twice the time after which lines are written at the latest
    before = text
    text = await readFile(file, 'utf8')
  }
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as DecisionRecord | { readonly type: 'policy' })
    .filter((line) => line.type === 'decision')
}

async function withoutApproval(): Promise<string> {
  const policy = parse(await readFile(examplePolicy, 'utf8')) as { roles: Record<string, string[]> }
  policy.roles['staff'] = (policy.roles['staff'] ?? []).filter((one) => one !== permission)
  return stringify(policy)
}
