import { writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLineReplay } from '../../../src/application/replay-lines.ts'
import { createReplayPolicies } from '../../../src/application/replay-policies.ts'
import { reportOf } from '../../../src/application/replay-report.ts'
import { sha256 } from '../../../src/adapters/files/policy-document.ts'
import { plainLines } from '../../../src/domain/decision-line.ts'
import type { Policy } from '../../../src/domain/policy.ts'
import {
  adminPolicy,
  startAdminApi,
  type AdminApi,
  type AdminApiOptions,
} from '../../support/admin-api.ts'
import { watchBusyTurns } from '../../support/busy-turns.ts'
import { nowMs, policyFrom } from '../../support/builders.ts'
import { recordedDecision } from '../../support/decision-records.ts'
import { eventually } from '../../support/eventually.ts'
import { testFolder } from '../../support/folder.ts'
import { memoryTables } from '../../support/memory-tables.ts'
import { authorizationOf } from '../../support/users-api.ts'

const root = { user: 'root' }
/** Takes leave:approve from staff. */
const candidate = `
version: 1
roles:
  owner: ["*"]
  staff: [leave:read]
  viewer: [leave:read]
platformRoles: { superadmin: ["*"] }
routes:
  - { name: list, match: "GET /o/{organizationId}/leave", permission: leave:read }
  - { name: approve, match: "POST /o/{organizationId}/leave", permission: leave:approve }
`
const record = (number: number) =>
  recordedDecision(number, {
    request: ['GET /o/org-a/leave', 'POST /o/org-a/leave', 'POST /o/org-a/leave'][number % 3] ?? '',
    roles: number % 2 === 0 ? ['staff'] : ['viewer'],
    user: `u${number % 5}`,
    atMs: nowMs + number * 1_000,
  })

async function serve(options: AdminApiOptions = {}) {
  const tables = memoryTables()
  await tables.addUser({ id: 'root', role: 'admin' })
  const api = await startAdminApi(tables, options)
  onTestFinished(api.close)
  const replay = (body: object, init: RequestInit = {}) =>
    api.ask('/admin/v1/replay', root, { method: 'POST', body: JSON.stringify(body), ...init })
  return { api, tables, replay }
}

/** The report as the command makes it, of the same records in the order of the log. */
function expected(count: number, policy: Policy | undefined, filter = {}) {
  const policies = createReplayPolicies(sha256)
  policies.put(adminPolicy)
  const replay = createLineReplay({ policies, candidate: policy, filter })
  for (let number = 0; number < count; number += 1) {
    replay.line(record(number), { source: 0, at: number })
  }
  return JSON.parse(JSON.stringify(reportOf(replay.tally))) as Record<string, unknown>
}

function fill(api: AdminApi, count: number): void {
  for (let number = 0; number < count; number += 1) api.store.keep(record(number))
}

function logOf(count: number): string {
  const file = join(testFolder(), 'decisions.log')
  const policy = plainLines.policy({
    ...{ type: 'policy', timestamp: new Date(nowMs).toISOString() },
    ...{ policy: adminPolicy.version, definition: adminPolicy.definition },
  })
  const lines = Array.from({ length: count }, (_, n) => plainLines.decision(record(n)))
  const half = Math.floor(count / 2)
  const text = (part: readonly string[]) => part.map((line) => `${line}\n`).join('')
  writeFileSync(`${file}.1`, text([policy, ...lines.slice(0, half)]))
  writeFileSync(file, text([policy, ...lines.slice(half)]))
  return file
}

describe.each(['memory', 'log'])('a replay of the %s', (source) => {
  const count = 900
  const start = async () => {
    const served = await serve(source === 'log' ? { file: logOf(count) } : {})
    if (source === 'memory') fill(served.api, count)
    return served
  }

  it('comes to the report of the command', async () => {
    const { replay } = await start()
    const answer = await replay({ source, policy: candidate })
    const report = answer.json as { flips: object; roles: object }
    expect([answer.status, report]).toEqual([200, expected(count, policyFrom(candidate))])
    // Staff loses the approvals, and nobody else anything.
    const approvals = Array.from({ length: count }, (_, n) => n).filter(
      (n) => n % 3 > 0 && n % 2 === 0,
    )
    const flips = { allow_to_deny: approvals.length, deny_to_allow: 0 }
    expect([report.flips, report.roles]).toEqual([flips, { staff: flips }])
  })

  it('against its own policies changes nothing', async () => {
    const { replay } = await start()
    const { json } = await replay({ source })
    expect(json).toMatchObject({ decisions: count, same: count, different: 0, skipped: 0 })
  })

  it('replays only what is asked for', async () => {
    const { replay } = await start()
    const at = (number: number) => new Date(nowMs + number * 1_000).toISOString()
    const range = { since: at(100), until: at(700) }
    const body = { ...range, route: 'approve', organization: 'org-a', policy: candidate, source }
    const filter = { ...range, routes: ['approve'], organizations: ['org-a'] }
    const { json } = await replay(body)
    const { filtered, ...rest } = json as Record<string, unknown>
    const { filtered: all, ...report } = expected(count, policyFrom(candidate), filter)
    expect(rest).toEqual(report)
    // A file of which all is too early is not even read.
    expect(filtered).toBeLessThanOrEqual(Number(all))
  })

  it('tells its progress on the way, and the same report', async () => {
    const { replay } = await start()
    const headers = { accept: 'application/x-ndjson', 'content-type': 'application/json' }
    const answer = await replay({ source, policy: candidate }, { headers })
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const messages = answer.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; bytes: number })
    expect(messages.length).toBeGreaterThan(2)
    expect(messages.slice(0, -1).every(({ type }) => type === 'progress')).toBe(true)
    const bytes = messages.slice(0, -1).map((message) => message.bytes)
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b))
    expect(messages.at(-1)).toEqual({
      type: 'report',
      report: expected(count, policyFrom(candidate)),
    })
  })
})

describe('a candidate', () => {
  it('that does not load is 422 with its faults, and leaves the place free', async () => {
    const { replay } = await serve()
    for (const accept of ['application/json', 'application/x-ndjson']) {
      const headers = { accept, 'content-type': 'application/json' }
      const answer = await replay({ policy: 'version: 1\nroutes: []\nx: 1' }, { headers })
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        422,
        'application/problem+json; charset=utf-8',
      ])
      expect((answer.json as { faults: unknown[] }).faults.length).toBeGreaterThan(0)
    }
    expect((await replay({})).status).toBe(200)
  })

  it('of more than 1 MiB is 413', async () => {
    const { replay } = await serve()
    expect((await replay({ policy: 'x'.repeat(1024 * 1024) })).status).toBe(413)
  })
})

describe('one replay at a time', () => {
  it('a second is 429 until the first has ended or its client has gone away', async () => {
    const { api, replay, tables } = await serve({ entries: 30_000 })
    fill(api, 30_000)
    const first = httpRequest(`${api.url}/admin/v1/replay`, {
      method: 'POST',
      headers: {
        ...{ authorization: authorizationOf(tables, root), accept: 'application/x-ndjson' },
        'content-type': 'application/json',
      },
    })
    first.on('error', () => undefined)
    first.end(JSON.stringify({ policy: candidate }))
    const begun = Promise.withResolvers<undefined>()
    first.on('response', (response) => {
      response.once('readable', () => begun.resolve(undefined)) // and is read no further
    })
    await begun.promise
    const second = await replay({})
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '5'])
    first.destroy()
    await eventually(async () => (await replay({})).status === 200)
    expect(api.faults).toEqual([])
    await eventually(() => api.told.some(({ answered }) => !answered))
    expect(api.told.find(({ answered }) => !answered)).toMatchObject({
      route: '/admin/v1/replay',
      subject: 'root',
    })
  })
})

it('a replay ends with its client, also where that waits for the report alone', async () => {
  const begun = Promise.withResolvers<AbortSignal>()
  const { api, tables } = await serve({
    routes: {
      replay: {
        offers: () => true,
        run(_request, signal) {
          begun.resolve(signal)
          return { begun: Promise.resolve(undefined), messages: untilAborted(signal) }
        },
      },
    },
  })
  const client = httpRequest(`${api.url}/admin/v1/replay`, {
    method: 'POST',
    headers: { authorization: authorizationOf(tables, root), 'content-type': 'application/json' },
  })
  client.on('error', () => undefined)
  client.end('{}')
  const signal = await begun.promise
  expect(signal.aborted).toBe(false)
  client.destroy()
  await eventually(() => signal.aborted)
})

/** Tells nothing until it is ended. */
async function* untilAborted(signal: AbortSignal): AsyncGenerator<never> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  yield* []
}

describe('while 100,000 decisions are replayed', () => {
  it.each(['memory', 'log'])(
    'from the %s, the loop goes on',
    async (source) => {
      const count = 100_000
      const { api, replay } = await serve(
        source === 'log' ? { file: logOf(count) } : { entries: count },
      )
      if (source === 'memory') {
        const some = Array.from({ length: 300 }, (_, n) => record(n))
        for (let n = 0; n < count; n += 1) api.store.keep(some[n % 300] ?? record(n))
      }
      const turns = watchBusyTurns()
      const answer = await replay({ source, policy: candidate })
      const report = answer.json as { decisions: number }
      expect(answer.status).toBe(200)
      expect(report.decisions).toBe(count)
      expect(turns.longestMs()).toBeLessThan(60)
    },
    60_000,
  )
})
