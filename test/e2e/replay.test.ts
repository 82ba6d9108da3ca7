import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReplayReport } from '../../src/application/replay-report.ts'
import { examplePolicy, startStack, type Stack } from '../../src/demo/stack.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import { until } from '../support/poll.ts'
import { parseExposition, type Exposition } from '../support/prometheus-text.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { servers } from '../support/servers.ts'

/** Live decisions that are replayed; 100,000 take a minute or two. */
const wanted = Number(process.env['REPLAY_DECISIONS'] ?? 4_000)
const atOnce = 48

interface Asked {
  readonly method: string
  readonly path: string
  readonly token: string | undefined
}

let stack: Stack
let records: readonly DecisionRecord[]
let metrics: Exposition
/** How often staff was let through to approve leave. */
let staffApprovals = 0

beforeAll(async () => {
  stack = await startStack({ ...servers(), tokens: 'HS256' })
  await load()
  const answer = await fetch(`http://${stack.tenantgate.httpAddress}/metrics`)
  metrics = parseExposition(await answer.text())
  records = await written(decidedOf(metrics).reduce((sum, [, count]) => sum + count, 0))
}, 600_000)
afterAll(() => stack.close())

/** Requests of every persona to every route of the example, and to some that are none. */
function requests(): readonly Asked[] {
  const { all, organizations } = stack.personas
  const paths = Object.values(organizations).flatMap((organization) => {
    const own = `/api/v1/organizations/${organization}`
    return [
      ['POST', `${own}/leave/l1/approve`],
      ['POST', `${own}/leave/l2/approve?because=secret`],
      ['POST', `${own}/leave`],
      ['GET', `${own}/leave`],
      ['GET', `${own}/leave/search/d%C3%A9j%C3%A0%20vu`],
      ['GET', `${own}/members`],
      ['POST', `${own}/reports/r1/export`],
      ['GET', `${own}/leave;v=1`],
      ['DELETE', `${own}/leave/l1`],
    ] as const
  })
  const others = [
    ['GET', '/api/v1/platform/organizations'],
    ['GET', '/api/v1/me'],
    ['GET', '/healthz'],
  ] as const
  const tokens = [...all.map(({ token }) => token), undefined, 'not.a.token', 'e30.e30.c2ln']
  return [...paths, ...others].flatMap(([method, path]) =>
    tokens.map((token) => ({ method, path, token })),
  )
}

async function load(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const choices = requests()
  const random = seededRandom(7)
  const staff = new Set([stack.personas.acme.staff.token, stack.personas.globex.staff.token])
  const ask = async ({ method, path, token }: Asked): Promise<void> => {
    const status = await statusOf(agent, { method, path, token })
    const approves = /\/approve/.test(path) && status === 200
    if (approves && token !== undefined && staff.has(token)) staffApprovals += 1
  }
  let sent = 0
  const client = async (): Promise<void> => {
    while (sent < wanted) {
      sent += 1
      await ask(choices[Math.floor(random() * choices.length)] as Asked)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, client))
  agent.destroy()
}

function statusOf(agent: Agent, { method, path, token }: Asked): Promise<number> {
  const { promise, reject, resolve } = Promise.withResolvers<number>()
  const url = new URL(stack.envoy.url)
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  request({ agent, host: url.hostname, port: url.port, method, path, headers }, (response) => {
    response.resume()
    response.on('end', () => resolve(response.statusCode ?? 0))
  })
    .on('error', reject)
    .end()
  return promise
}

/** Decisions by their labels, and how many of each. */
const decidedOf = ({ samples }: Exposition): readonly (readonly [string, number])[] =>
  samples
    .filter(({ name, value }) => name === 'tenantgate_decisions_total' && value > 0)
    .map(({ labels: { decision, reason, route }, value }) => [
      `${String(decision)} ${String(reason)} ${String(route)}`,
      value,
    ])

async function written(decided: number): Promise<readonly DecisionRecord[]> {
  return until(
    async () => {
      const text = await readFile(stack.decisionLog, 'utf8')
      const lines = text.endsWith('\n') ? text.trimEnd().split('\n') : []
      const decisions = lines
        .map((line) => JSON.parse(line) as DecisionRecord | { readonly type: 'policy' })
        .filter((line) => line.type === 'decision')
      return decisions.length >= decided && decisions
    },
    { what: `${decided} decisions in the log`, withinMs: 20_000 },
  )
}

interface Replayed {
  readonly status: number
  readonly report: ReplayReport
}

function replay(...args: readonly string[]): Promise<Replayed> {
  const { promise, reject, resolve } = Promise.withResolvers<Replayed>()
  const all = ['src/main.ts', 'replay', stack.decisionLog, ...args, '--format', 'json']
  execFile(process.execPath, all, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
    try {
      const status = error === null ? 0 : Number(error.code)
      resolve({ status, report: JSON.parse(stdout) as ReplayReport })
    } catch (cause) {
      reject(new Error(stderr, { cause }))
    }
  })
  return promise
}

/** A candidate: the example with one text in the place of another. */
async function candidate(text: string, by: string): Promise<string> {
  const policy = await readFile(examplePolicy, 'utf8')
  expect(policy).toContain(text)
  const file = join(dirname(stack.decisionLog), 'candidate.yaml')
  await writeFile(file, policy.replace(text, by))
  return file
}

describe('decisions that were made through a real Envoy', () => {
  it('are all in the log, and it and the metrics agree to the last', () => {
    // A check that Envoy gave up and sent again was decided twice.
    expect(records.length).toBeGreaterThanOrEqual(wanted)
    const logged = new Map<string, number>()
    for (const { decision, reason, route } of records) {
      const key = `${decision} ${reason} ${route ?? ''}`
      logged.set(key, (logged.get(key) ?? 0) + 1)
    }
    expect(Object.fromEntries(decidedOf(metrics))).toEqual(Object.fromEntries(logged))
    expect(new Set(records.map(({ reason }) => reason)).size).toBeGreaterThan(8)
  })

  it('come out the same when they are replayed, every single one', async () => {
    const { report, status } = await replay()
    expect([status, report.different, report.skipped, report.undetermined]).toEqual([0, 0, 0, 0])
    expect(report.decisions).toBe(records.length)
    expect(report.same + report.kept).toBe(records.length)
    expect(report.kept).toBe(records.filter(({ reason }) => reason === 'unavailable').length)
  })

  it('flip where a candidate takes leave:approve from staff, and nowhere else', async () => {
    const file = await candidate('leave:read, leave:approve]', 'leave:read]')
    const { report, status } = await replay('--policy', file)
    expect(status).toBe(1)
    const { acme, globex } = stack.personas
    const staff = [acme.staff.userId, globex.staff.userId]
    const approvals = records.filter(
      ({ decision, route, user_id: user }) =>
        decision === 'allow' && route === 'leave.approve' && staff.includes(user ?? ''),
    ).length
    expect(staffApprovals).toBeGreaterThan(0)
    expect(approvals).toBeGreaterThanOrEqual(staffApprovals)
    expect(report.flips).toEqual({ allow_to_deny: approvals, deny_to_allow: 0 })
    expect(report.routes).toEqual({ 'leave.approve': report.flips })
    expect(report.roles).toEqual({ staff: report.flips })
    const ours = await replay('--policy', file, '--fail-on', 'newly-allowed')
    expect(ours.status).toBe(0)
  })

  it('flip to allow where a candidate gives viewers more, which fails a build', async () => {
    const file = await candidate('viewer: [leave:read]', 'viewer: [leave:read, leave:approve]')
    const { report, status } = await replay('--policy', file, '--fail-on', 'newly-allowed')
    expect(status).toBe(1)
    expect(report.flips.allow_to_deny).toBe(0)
    expect(report.flips.deny_to_allow).toBeGreaterThan(0)
    expect(report.roles).toEqual({ viewer: report.flips })
  })
})
