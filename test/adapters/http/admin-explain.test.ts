import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startAdminApi, type AdminApi } from '../../support/admin-api.ts'
import { watchBusyTurns } from '../../support/busy-turns.ts'
import { nowMs } from '../../support/builders.ts'
import { tenantgate } from '../../support/command-line.ts'
import { recordedDecision } from '../../support/decision-records.ts'
import { testFolder } from '../../support/folder.ts'
import { memoryTables } from '../../support/memory-tables.ts'

const root = { user: 'root' }
const policyText = `
version: 1
roles:
  staff: [leave:read]
platformRoles:
  superadmin: ['*']
routes:
  - { name: list, match: 'GET /o/{organizationId}/leave', permission: leave:read }
  - { name: me, match: GET /me, access: authenticated }
  - { name: health, match: GET /healthz, access: public }
`

let api: AdminApi
beforeAll(async () => {
  const tables = memoryTables()
  await tables.addUser({ id: 'root', role: 'admin' })
  api = await startAdminApi(tables)
})
afterAll(() => api.close())

const explain = (body: object) =>
  api.ask('/admin/v1/explain', root, { method: 'POST', body: JSON.stringify(body) })

const staff = { user: 'u1', organization: 'org-a', roles: ['staff'] }

describe('an explanation', () => {
  it.each<[string, string, object | 'anonymous', Readonly<Record<string, string>>?]>([
    ['an allow', 'GET /o/org-a/leave?q=1', staff],
    ['another tenant', 'GET /o/org-b/leave', staff],
    ['no member', 'GET /o/org-a/leave', { ...staff, member: false }],
    ['no permission', 'GET /o/org-a/leave', { ...staff, roles: 'viewer' }],
    ['a banned user', 'GET /me', { ...staff, banned: true }],
    ['a platform role', 'GET /o/org-b/leave', { user: 'u1', platformRoles: ['superadmin'] }],
    ['nobody', 'GET /me', 'anonymous'],
    ['a public route', 'GET /healthz', 'anonymous'],
    ['no route', 'DELETE /me', staff],
    ['an ambiguous path', 'GET /o//leave', staff],
    ['an expired token', 'GET /me', { ...staff, claims: { exp: 1 } }],
    ["the rule of Envoy's own route", 'GET /x', staff, { permission: 'leave:read' }],
  ])('of %s equals that of the command', async (_name, request, as, extensions) => {
    const file = join(testFolder(), 'policy.yaml')
    writeFileSync(file, policyText)
    const answer = await explain({
      request,
      as,
      policy: policyText,
      ...(extensions && { extensions }),
    })
    const command = await tenantgate([
      ...['explain', '--policy', file, '--request', request, '--format', 'json'],
      ...['--as', as === 'anonymous' ? as : JSON.stringify(as)],
      ...Object.entries(extensions ?? {}).flatMap(([key, value]) => [
        '--extension',
        `${key}=${value}`,
      ]),
    ])
    expect(command.status).toBe(0)
    expect([answer.status, answer.json]).toEqual([200, JSON.parse(command.stdout)])
  })

  it('is of the policy in force where none is sent, and of a recorded decision the same', async () => {
    const record = recordedDecision(1, {
      request: 'GET /o/org-a/leave',
      roles: ['viewer'],
      atMs: nowMs,
    })
    api.store.keep(record)
    const recorded = await api.ask(`/admin/v1/decisions/${record.decision_id}`, root)
    const as = { user: 'u1', organization: 'org-a', roles: ['viewer'] }
    const stated = await explain({ request: 'GET /o/org-a/leave', as })
    expect((recorded.json as { explanation: object }).explanation).toEqual({
      ...(stated.json as object),
      same: true,
      note: null,
    })
  })

  it('of a policy that does not load names every fault, and where it stands', async () => {
    const policy = 'version: 1\nroles: { a: [b] }\nroutes:\n  - { name: x, match: GET /x }\n'
    const answer = await explain({ request: 'GET /', as: 'anonymous', policy })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      422,
      'application/problem+json; charset=utf-8',
    ])
    expect(answer.json).toMatchObject({
      title: 'The policy does not load',
      faults: expect.arrayContaining([expect.objectContaining({ line: 4 })]) as unknown,
    })
  })

  it.each<[string, object, RegExp]>([
    ['a request without a path', { request: 'GET', as: 'anonymous' }, /request/],
    ['an unknown key', { request: 'GET /', as: { user: 'u', rolls: [] } }, /as/],
    ['roles of no organization', { request: 'GET /', as: { user: 'u', roles: ['a'] } }, /as.roles/],
    ['nobody', { request: 'GET /' }, /as/],
    ['an empty subject', { request: 'GET /', as: {} }, /as/],
  ])('of %s is refused, and why', async (_name, body, why) => {
    const { json, status } = await explain(body)
    expect([status, (json as { detail: string }).detail]).toEqual([400, expect.stringMatching(why)])
  })

  it('under policies that are sent is one at a time, and under the one in force is not', async () => {
    const asked = { request: 'GET /me', as: staff }
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => explain({ ...asked, policy: policyText })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 429, 429, 429])
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.headers.get('retry-after')).toBe('2')
    const others = await Promise.all([explain(asked), explain(asked), explain(asked)])
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200])
    // The place is left whatever came of it.
    expect((await explain({ ...asked, policy: 'version: 3' })).status).toBe(422)
    expect((await explain({ ...asked, policy: policyText })).status).toBe(200)
  })

  it('of a policy with 2000 routes does not keep the process from anything else', async () => {
    const routes = Array.from(
      { length: 2_000 },
      (_, n) => `  - { name: r${n}, match: "GET /r${n}/{a}/{b}", access: public }\n`,
    )
    const policy = `version: 1\nroles: { a: [b:c] }\nroutes:\n${routes.join('')}`
    const turns = watchBusyTurns()
    const answer = await explain({ request: 'GET /r7/a/b', as: 'anonymous', policy })
    expect(answer.json).toMatchObject({ decision: 'allow', route: 'r7' })
    expect(turns.longestMs()).toBeLessThan(60)
  })
})
