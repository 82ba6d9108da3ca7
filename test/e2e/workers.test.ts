import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examplePolicy, startStack, type Stack } from '../../src/demo/stack.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import { authorizationClient, httpRequestBytes } from '../support/authorization-client.ts'
import { childPids, runs } from '../support/child-pids.ts'
import { tenantgate } from '../support/command-line.ts'
import { load, patientAuthz } from '../support/gateway-load.ts'
import { until } from '../support/poll.ts'
import { parseExposition } from '../support/prometheus-text.ts'
import { bearer, rawRequest } from '../support/raw-http.ts'
import { servers } from '../support/servers.ts'

/** Two workers behind Envoy, and what there is one of: policy, metrics, log, HTTP port. */
let stack: Stack
let folder: string
let policy: string
let leave: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tenantgate-test-'))
  policy = join(folder, 'policy.yaml')
  copyFileSync(examplePolicy, policy)
  stack = await startStack({
    ...servers(),
    tokens: 'HS256',
    policy,
    env: {
      TENANTGATE_WORKERS: '2',
      TENANTGATE_DRAIN: '1500ms',
      TENANTGATE_DEADLINE: '2s',
      TENANTGATE_ASSERTION: 'on',
    },
    envoyOptions: { patch: patientAuthz, healthCheckIntervalMs: 300 },
  })
  leave = `/api/v1/organizations/${stack.personas.organizations.acme}/leave`
  await untilReady()
})
afterAll(async () => {
  await stack.close()
  rmSync(folder, { recursive: true })
})

const http = (path: string, init?: RequestInit) =>
  fetch(`http://${stack.tenantgate.httpAddress}${path}`, init)

interface Readyz {
  readonly status: string
  readonly components: Readonly<Record<string, { status: string; detail?: string }>>
}
const readyz = async (): Promise<Readyz> => (await (await http('/readyz')).json()) as Readyz
const untilReady = () =>
  until(async () => (await readyz()).status === 'ready', {
    what: 'two ready workers',
    withinMs: 20_000,
  })
const metrics = async () => parseExposition(await (await http('/metrics')).text())
const decided = async (): Promise<number> =>
  (await metrics()).samples
    .filter(({ name }) => name === 'tenantgate_decisions_total')
    .reduce((sum, { value }) => sum + value, 0)

const logged = (): readonly DecisionRecord[] =>
  readFileSync(stack.decisionLog, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"type":"decision"'))
    .map((line) => JSON.parse(line) as DecisionRecord)

const throughEnvoy = (method: string, path: string, token: string) =>
  rawRequest(stack.envoy.url, { method, path, headers: [bearer(token)] })

/** What each worker by itself says to a request. */
async function askEach(method: string, path: string, token: string): Promise<readonly string[]> {
  const bytes = httpRequestBytes({
    ...{ method, path, host: 'api.example.com' },
    headers: { authorization: `Bearer ${token}` },
  })
  return Promise.all(
    stack.tenantgate.workerAddresses.map(async (address) => {
      const client = authorizationClient(address)
      const { body, code } = await client.check(bytes)
      client.close()
      return code === 0 ? 'granted' : (body as { type: string }).type.replace(/.*:/, '')
    }),
  )
}

async function admin(path: string) {
  const headers = { authorization: `Bearer ${stack.personas.superadmin.token}` }
  const response = await http(`/admin/v1${path}`, { headers })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

it('both answer, and each names itself in the one log', async () => {
  const { token } = stack.personas.acme.viewer
  const before = await decided()
  for (let count = 0; count < 40; count += 1) {
    expect((await throughEnvoy('GET', leave, token)).status).toBe(200)
  }
  await until(() => new Set(logged().map(({ worker }) => worker)).size === 2, {
    what: 'decisions of both workers',
  })
  expect((await decided()) - before).toBe(40)
  const { samples, value } = await metrics()
  expect(value('tenantgate_ready')).toBe(1)
  expect(value('tenantgate_watch_unbroken')).toBe(1)
  expect(value('tenantgate_component_ok', { component: 'workers' })).toBe(1)
  // Each family, and each series, is there once.
  const series = samples.map(({ labels, name }) => `${name} ${JSON.stringify(labels)}`)
  expect(new Set(series).size).toBe(series.length)
})

it('assertions of both are verified by the keys that are published once', async () => {
  const { keys } = (await (await http('/.well-known/jwks.json')).json()) as {
    keys: { kid: string }[]
  }
  stack.upstream.clear()
  for (let count = 0; count < 20; count += 1) {
    await throughEnvoy('GET', leave, stack.personas.acme.owner.token)
  }
  const kids = stack.upstream.requests().map(({ headers }) => {
    const [head = ''] = String(headers['x-identity-assertion']).split('.')
    return (JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string }).kid
  })
  expect(kids).toHaveLength(20)
  expect(keys.map(({ kid }) => kid)).toEqual(expect.arrayContaining(kids))
})

it('the admin API finds the decisions of both, in one order, page by page', async () => {
  const { staff } = stack.personas.acme
  for (let count = 0; count < 15; count += 1)
    await askEach('POST', `${leave}/l1/approve`, staff.token)
  const found: DecisionRecord[] = []
  let cursor: string | null = null
  do {
    const more: string = cursor === null ? '' : `&cursor=${cursor}`
    const { json, status } = await admin(`/decisions?user=${staff.userId}&limit=7${more}`)
    expect(status).toBe(200)
    found.push(...(json['decisions'] as DecisionRecord[]))
    cursor = json['nextCursor'] as string | null
  } while (cursor !== null)
  const ids = found.map(({ decision_id }) => decision_id)
  expect(ids).toHaveLength(30)
  expect(ids).toEqual([...new Set(ids)].sort().reverse())
  expect(new Set(found.map(({ worker }) => worker))).toEqual(new Set([0, 1]))
  for (const worker of [0, 1]) {
    const id = found.find((record) => record.worker === worker)?.decision_id ?? ''
    expect((await admin(`/decisions/${id}`)).json).toMatchObject({
      decision: { worker },
      explanation: { same: true },
    })
  }
})

it('a policy comes into force in both at once, and one with faults in neither', async () => {
  const { token } = stack.personas.acme.staff
  const approve = () => askEach('POST', `${leave}/l1/approve`, token)
  const write = (text: string): void => {
    writeFileSync(`${policy}.new`, text)
    renameSync(`${policy}.new`, policy)
  }
  const first = (await readyz()).components['policy']?.detail
  expect(await approve()).toEqual(['granted', 'granted'])
  write(readFileSync(examplePolicy, 'utf8').replace(', leave:approve]', ']'))
  await until(async () => (await readyz()).components['policy']?.detail !== first, {
    what: 'another version',
  })
  await until(async () => (await readyz()).status === 'ready', { what: 'it in both' })
  const second = (await readyz()).components['policy']?.detail
  expect(await approve()).toEqual(['permission_denied', 'permission_denied'])
  write('version: 1\nroutes:\n  - { name: a, match: GET /a }\n')
  await until(async () => (await readyz()).components['policy']?.status === 'degraded', {
    what: 'a refused policy',
  })
  expect(await approve()).toEqual(['permission_denied', 'permission_denied'])
  expect((await admin('/policy')).json['version']).toBe(second)
  write(readFileSync(examplePolicy, 'utf8'))
  await until(async () => (await readyz()).components['policy']?.detail === first, {
    what: 'the first version',
  })
  expect(await approve()).toEqual(['granted', 'granted'])
  // The log has each policy before what was decided by it, and replays by itself.
  const replay = await tenantgate(['replay', stack.decisionLog, '--format', 'json'])
  expect([replay.stderr, replay.status]).toEqual(['', 0])
  expect(JSON.parse(replay.stdout)).toMatchObject({ different: 0, undetermined: 0 })
})

it('a revocation reaches both', async () => {
  const { owner, staff } = stack.personas.acme
  const organizationId = stack.personas.organizations.acme
  const approve = () => askEach('POST', `${leave}/l1/approve`, staff.token)
  const give = (role: string) =>
    stack.betterAuth.call('/organization/update-member-role', {
      session: owner.session,
      body: { memberId: staff.memberId, organizationId, role },
    })
  expect(await approve()).toEqual(['granted', 'granted'])
  await give('viewer')
  await until(async () => (await approve()).every((one) => one === 'permission_denied'), {
    what: 'a refusal by both',
    withinMs: 2_000, // sooner than verification finds it
  })
  await give('staff')
  await until(async () => (await approve()).every((one) => one === 'granted'), {
    what: 'its return',
  })
})

it('SIGUSR2 replaces one after another under load without a failed request', async () => {
  const before = childPids(stack.tenantgate.pid)
  const traffic = load(`${stack.envoy.url}${leave}`, stack.personas.acme.viewer.token)
  await until(() => traffic.answered() > 50, { what: 'traffic' })
  stack.tenantgate.signal('SIGUSR2')
  await until(() => stack.tenantgate.log().includes('all workers were replaced'), {
    what: 'two new workers',
    withinMs: 25_000,
  })
  const after = childPids(stack.tenantgate.pid)
  expect(after).toHaveLength(2)
  expect(after.filter((pid) => before.includes(pid))).toEqual([])
  await traffic.stop()
  expect(traffic.failed).toEqual([])
  // What was decided is in the log, also what the replaced ones decided last.
  const counted = await decided()
  await until(() => logged().length >= counted, { what: 'a line for each decision' })
})

it('one is killed under load: no request fails, no count goes back, it returns', async () => {
  const traffic = load(`${stack.envoy.url}${leave}`, stack.personas.acme.viewer.token)
  const [killed = 0, other = 0] = childPids(stack.tenantgate.pid)
  // Envoy sees that a worker is ready a little after the supervisor does.
  const latest = () =>
    new Set(
      logged()
        .map(({ worker }) => worker)
        .slice(-20),
    )
  await until(() => traffic.answered() > 100 && latest().size === 2, { what: 'traffic on both' })
  const before = await decided()
  process.kill(killed, 'SIGKILL')
  await until(() => !runs(killed), { what: 'its end' })
  expect(await decided()).toBeGreaterThanOrEqual(before)
  await until(
    async () => childPids(stack.tenantgate.pid).length === 2 && (await readyz()).status === 'ready',
    { what: 'another one in its place', withinMs: 20_000 },
  )
  expect(childPids(stack.tenantgate.pid)).toContain(other)
  await traffic.stop()
  expect(traffic.failed).toEqual([])
  const { value } = await metrics()
  expect(value('tenantgate_faults_total', { kind: 'worker' })).toBe(1)
  expect(await askEach('GET', leave, stack.personas.acme.viewer.token)).toEqual([
    'granted',
    'granted',
  ])
})

describe('the whole service', () => {
  it('says NOT_SERVING everywhere at SIGTERM, drains, and leaves nothing behind', async () => {
    const pids = childPids(stack.tenantgate.pid)
    stack.tenantgate.signal('SIGTERM')
    await until(async () => (await readyz()).status === 'draining', { what: 'the drain' })
    expect(await askEach('GET', leave, stack.personas.acme.viewer.token)).toEqual([
      'granted',
      'granted',
    ])
    expect(await stack.tenantgate.ended).toBe('exited with status 0')
    expect(pids.filter(runs)).toEqual([])
  })
})
