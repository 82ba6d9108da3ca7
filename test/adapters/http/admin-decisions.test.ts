import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { plainLines } from '../../../src/domain/decision-line.ts'
import type { DecisionRecord } from '../../../src/domain/record.ts'
import {
  adminPolicy,
  startAdminApi,
  type AdminApi,
  type AdminApiOptions,
} from '../../support/admin-api.ts'
import { nowMs, policyWith } from '../../support/builders.ts'
import { decisionId, recordedDecision } from '../../support/decision-records.ts'
import { memoryTables } from '../../support/memory-tables.ts'
import { postgresTables } from '../../support/postgres-tables.ts'
import type { Tables } from '../../support/tables.ts'

const root = { user: 'root' }
const secondMs = 1_000
const requests = [
  'GET /o/org-a/leave?page=2',
  'POST /o/org-a/leave',
  'GET /o/org-b/leave',
  'GET /me',
  'GET /healthz',
  'GET /nowhere',
  'GET /a//b',
]
/** Decisions of every kind, a second apart. */
const records: readonly DecisionRecord[] = Array.from({ length: 120 }, (_, number) =>
  recordedDecision(number, {
    request: requests[number % requests.length] ?? '',
    user: `u${number % 4}`,
    organization: 'org-a',
    roles: number % 3 === 0 ? ['viewer'] : ['staff'],
    atMs: nowMs + number * secondMs,
    token: number % 11 !== 0,
  }),
)
const newestFirst = records.toReversed()

let tables: Tables
let api: AdminApi
let folder: string
beforeAll(async () => {
  tables = await postgresTables({ adapter: 'built-in', ids: 'text' })
  await tables.addUser({ id: 'root', role: 'superadmin' })
  folder = mkdtempSync(join(tmpdir(), 'tenantgate-test-'))
  const file = join(folder, 'decisions.log')
  const policy = plainLines.policy({
    type: 'policy',
    timestamp: new Date(nowMs).toISOString(),
    policy: adminPolicy.version,
    definition: adminPolicy.definition,
  })
  const lines = [policy, ...records.map(plainLines.decision)]
  writeFileSync(
    `${file}.1`,
    lines
      .slice(0, 51)
      .map((line) => `${line}\n`)
      .join(''),
  )
  writeFileSync(
    file,
    lines
      .slice(51)
      .map((line) => `${line}\n`)
      .join(''),
  )
  api = await startAdminApi(tables, { file })
  for (const record of records) api.store.keep(record)
})
afterAll(async () => {
  await api.close()
  await tables.close()
  rmSync(folder, { recursive: true })
})

/** An API over tables in memory, with an admin. */
async function another(options: AdminApiOptions = {}) {
  const memory = memoryTables()
  await memory.addUser({ id: 'root', role: 'admin' })
  const other = await startAdminApi(memory, options)
  onTestFinished(other.close)
  return other
}

interface Page {
  readonly decisions: readonly DecisionRecord[]
  readonly nextCursor: string | null
}

async function list(query: Readonly<Record<string, string>>): Promise<Page> {
  const answer = await api.ask(`/admin/v1/decisions?${new URLSearchParams(query).toString()}`, root)
  expect([answer.status, answer.text]).toEqual([200, answer.text])
  return answer.json as Page
}

async function all(query: Readonly<Record<string, string>>): Promise<readonly DecisionRecord[]> {
  const found: DecisionRecord[] = []
  for (let cursor: string | null = '', pages = 0; cursor !== null; pages += 1) {
    expect(pages).toBeLessThan(200)
    const page: Page = await list({ ...query, ...(cursor !== '' && { cursor }) })
    found.push(...page.decisions)
    cursor = page.nextCursor
  }
  return found
}

describe.each(['memory', 'log'])('decisions of the %s', (source) => {
  it('are told whole and as they were recorded, newest first', async () => {
    expect(await all({ source })).toEqual(newestFirst)
    expect(await all({ source, limit: '7' })).toEqual(newestFirst)
  })

  it('are filtered by every filter and all together, page by page', async () => {
    // Most of them left out: together they leave nothing to be told.
    const maybe = <T>(value: fc.Arbitrary<T>) =>
      fc.oneof({ arbitrary: fc.constant(undefined), weight: 4 }, { arbitrary: value, weight: 1 })
    const at = maybe(fc.integer({ min: -2, max: 122 }))
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          decision: maybe(fc.constantFrom('allow', 'deny')),
          reason: maybe(fc.constantFrom('granted', 'no_route', 'permission_denied', 'banned')),
          route: maybe(fc.constantFrom('list', 'approve', 'nothing', "' OR 1=1 --", '*')),
          user: maybe(fc.constantFrom('u1', 'u2', 'u9')),
          organization: maybe(fc.constantFrom('org-a', 'org-b')),
          status: maybe(fc.constantFrom(200, 403, 404)),
          mode: maybe(fc.constantFrom('enforce', 'shadow')),
          since: at,
          until: at,
          limit: fc.integer({ min: 1, max: 60 }),
        }),
        async ({ limit, since, until, ...filter }) => {
          const moment = (second: number) => new Date(nowMs + second * secondMs).toISOString()
          const query = {
            source,
            limit: String(limit),
            ...(since !== undefined && { since: moment(since) }),
            // The same moment with an offset is the same moment.
            ...(until !== undefined && { until: moment(until).replace('Z', '+00:00') }),
            ...Object.fromEntries(
              Object.entries(filter)
                .filter(([, value]) => value !== undefined)
                .map(([name, value]) => [name, String(value)]),
            ),
          }
          const expected = newestFirst.filter(
            (record, index) =>
              (filter.decision ?? record.decision) === record.decision &&
              (filter.reason ?? record.reason) === record.reason &&
              (filter.route ?? record.route) === record.route &&
              (filter.user ?? record.user_id) === record.user_id &&
              [undefined, record.tenant ?? record.organization_id].includes(filter.organization) &&
              (filter.status ?? record.status) === record.status &&
              (filter.mode ?? record.mode) === record.mode &&
              119 - index >= (since ?? -Infinity) &&
              119 - index < (until ?? Infinity),
          )
          expect(await all(query)).toEqual(expected)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('are each found by id and explained: made again, they come out the same', async () => {
    for (const record of records.slice(0, 40)) {
      const answer = await api.ask(
        `/admin/v1/decisions/${record.decision_id}?source=${source}`,
        root,
      )
      const { decision, explanation } = answer.json as {
        decision: unknown
        explanation: Record<string, unknown> & { steps: { step: string; outcome: string }[] }
      }
      expect(decision).toEqual(record)
      expect(explanation).toMatchObject({
        decision: record.decision,
        reason: record.reason,
        status: record.status,
        route: record.route,
        policy: record.policy,
        same: true,
        note: null,
      })
      const outcome = record.reason === 'granted' ? 'passed' : 'refused'
      expect(explanation.steps.at(-1)?.outcome).toBe(outcome)
    }
  })
})

describe('a cursor', () => {
  const cursors = async (source: string) =>
    (await list({ source, limit: '3' })).nextCursor ?? 'none'
  const bad = async (query: Readonly<Record<string, string>>) => {
    const answer = await api.ask(
      `/admin/v1/decisions?${new URLSearchParams(query).toString()}`,
      root,
    )
    expect([answer.status, answer.json]).toMatchObject([400, { type: 'about:blank', status: 400 }])
  }

  it.each(['memory', 'log'])('of the %s that was changed anywhere is refused', async (source) => {
    const cursor = await cursors(source)
    const text = Buffer.from(cursor, 'base64url').toString()
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: cursor.length - 1 }),
        fc.constantFrom('A', 'z', '_'),
        async (at, one) => {
          const changed = cursor.slice(0, at) + one + cursor.slice(at + 1)
          if (changed === cursor) return
          const query = new URLSearchParams({ source, cursor: changed }).toString()
          const answer = await api.ask(`/admin/v1/decisions?${query}`, root)
          // A number that is still one is a place like any other; what it opens is the same list.
          const stillOne = /^decisions:memory:[0-9a-f-]{36}:\d+$/.test(
            Buffer.from(changed, 'base64url').toString(),
          )
          expect(
            answer.status === 400 || (source === 'memory' && stillOne && answer.status === 200),
          ).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
    for (const forged of [
      `${text} `,
      text.replace('decisions', 'user'),
      text.replace(/:\d+(:[0-9a-f]+)?$/, ':-1$1'),
      text.replace(/:(\d+)/, ':0$1'),
      'decisions:log:0:../../etc/passwd',
      'decisions:memory:0190ab12-cdef-4abc-8def-000000000002:5', // of another process
      'user:root',
    ]) {
      await bad({ source, cursor: Buffer.from(forged).toString('base64url') })
    }
    await bad({ source, cursor: `${cursor}=` })
    await bad({ source, cursor: '' })
    await bad({ source, cursor: 'x'.repeat(3_000) })
  })

  it('of one source is none of the other', async () => {
    await bad({ source: 'log', cursor: await cursors('memory') })
    await bad({ source: 'memory', cursor: await cursors('log') })
  })
})

describe('a query that cannot be read', () => {
  it.each([
    'limit=0',
    'limit=501',
    'limit=1.5',
    'limit=1&limit=2',
    'limit=x',
    'decision=maybe',
    'reason=because',
    'mode=off',
    'status=99',
    'since=yesterday',
    'since=2026-11-20',
    'since=2026-11-20T23:59:60Z&until=2026-13-20T00:00:00Z',
    'source=stdout',
    'user=',
    'route[]=list',
    'route=a&route=b',
    '__proto__[x]=1',
    'rout=list',
    `user=${'x'.repeat(256)}`,
  ])('%s', async (query) => {
    const answer = await api.ask(`/admin/v1/decisions?${query}`, root)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      400,
      'application/problem+json; charset=utf-8',
    ])
    expect(api.faults).toEqual([])
  })

  it.each([
    ["' OR 1=1 --"],
    ['.*'],
    ['$ne'],
    ['%00'],
    ['\u0000'],
    ['\ud800'],
    ['../../etc/passwd'],
    ['__proto__'],
  ])('a filter that means something elsewhere means itself here: %s', async (value) => {
    const query = encodeURIComponent(value.toWellFormed())
    for (const name of ['user', 'route', 'organization']) {
      const answer = await api.ask(`/admin/v1/decisions?${name}=${query}`, root)
      expect([answer.status, answer.json]).toMatchObject([200, { decisions: [] }])
    }
  })
})

describe('a decision that cannot be told', () => {
  it.each([
    ['of no such id', decisionId(999, nowMs), 404],
    ['by what is no id', 'nothing', 404],
    ['by an id of another kind', 'a'.repeat(8), 404],
    ['by a path', '..%2f..%2fetc%2fpasswd', 404],
  ])('%s', async (_name, id, status) => {
    for (const source of ['memory', 'log']) {
      expect((await api.ask(`/admin/v1/decisions/${id}?source=${source}`, root)).status).toBe(
        status,
      )
    }
  })

  it('comes without an explanation where its policy is not known, and with it once it is', async () => {
    const other = await another()
    const record = { ...recordedDecision(1, { atMs: nowMs }), policy: 'sha256:0000000000000000' }
    other.store.keep(record)
    const answer = await other.ask(`/admin/v1/decisions/${record.decision_id}`, root)
    expect(answer.json).toEqual({ decision: record, explanation: null })
  })

  it('is explained by the policy that made it, not by the one in force', async () => {
    const other = await another()
    const record = recordedDecision(1, { atMs: nowMs })
    other.store.keep(record)
    const stricter = policyWith([
      '{ name: list, match: "GET /o/{organizationId}/leave", permission: leave:approve }',
    ])
    other.policies.loaded(stricter)
    const answer = await other.ask(`/admin/v1/decisions/${record.decision_id}`, root)
    expect(answer.json).toMatchObject({
      explanation: { policy: adminPolicy.version, reason: 'granted', same: true },
    })
    const inForce = await other.ask('/admin/v1/policy', root)
    expect(inForce.json).toEqual({
      version: stricter.version,
      loaded_at: new Date(nowMs).toISOString(),
      definition: JSON.parse(JSON.stringify(stricter.definition)) as unknown,
    })
  })

  it.each<[string, Partial<DecisionRecord>, RegExp]>([
    ['bad_request', { reason: 'bad_request', decision: 'deny', status: 400 }, /more than a record/],
    ['unavailable', { reason: 'unavailable', decision: 'deny', status: 503, fact: null }, /^$/],
    ['a record that was changed', { reason: 'banned', decision: 'deny' }, /does not hold/],
  ])('says so of %s', async (_name, changes, note) => {
    const other = await another()
    const record = { ...recordedDecision(1, { atMs: nowMs }), ...changes }
    other.store.keep(record)
    const { json } = await other.ask(`/admin/v1/decisions/${record.decision_id}`, root)
    const { explanation } = json as { explanation: { note: string | null; same: boolean } }
    expect(explanation.note ?? '').toMatch(note)
    expect(explanation.same).toBe(explanation.note === null)
  })
})

describe('a source that is not there', () => {
  it.each([
    ['log', {}, /TENANTGATE_DECISION_LOG/],
    ['memory', { entries: 0 }, /TENANTGATE_ADMIN_DECISIONS/],
  ])('%s is 409, and says how it is had', async (source, options, why) => {
    const other = await another(options)
    for (const path of ['', `/${decisionId(1, nowMs)}`]) {
      const { json, status } = await other.ask(`/admin/v1/decisions${path}?source=${source}`, root)
      expect(status).toBe(409)
      expect((json as { detail: string }).detail).toMatch(why)
    }
    const body = JSON.stringify({ source })
    expect((await other.ask('/admin/v1/replay', root, { method: 'POST', body })).status).toBe(409)
  })
})
