import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { examplePolicy, startStack, type Stack } from '../../src/demo/stack.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import { tenantgate } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { bearer, rawRequest } from '../support/raw-http.ts'
import { servers } from '../support/servers.ts'

/** The admin API of a real `serve`, behind the gateway that it decides for. */
let stack: Stack
let folder: string
let file: string
let leave: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tenantgate-test-'))
  file = join(folder, 'decisions.log')
  stack = await startStack({
    ...servers(),
    tokens: 'EdDSA',
    env: { TENANTGATE_DECISION_LOG: file },
  })
  leave = `/api/v1/organizations/${stack.personas.organizations.acme}/leave`
})
afterAll(async () => {
  await stack.close()
  rmSync(folder, { recursive: true })
})

const throughEnvoy = (method: string, path: string, token: string) =>
  rawRequest(stack.envoy.url, { method, path, headers: [bearer(token)] })

async function admin(path: string, token = stack.personas.superadmin.token, body?: object) {
  const response = await fetch(`http://${stack.tenantgate.httpAddress}/admin/v1${path}`, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

it('nobody but the superadmin gets in', async () => {
  const { all, superadmin } = stack.personas
  for (const { name, token } of all) {
    expect([name, (await admin('/policy', token)).status]).toEqual([
      name,
      name === superadmin.name ? 200 : 403,
    ])
  }
})

it('a refusal that a client was sent is found by its id and explained, from memory and from the log', async () => {
  const { acme } = stack.personas
  const { headers, status } = await throughEnvoy('POST', `${leave}/l1/approve`, acme.viewer.token)
  expect(status).toBe(403)
  const id = headers['x-authz-decision-id'] ?? ''
  for (const source of ['memory', 'log']) {
    await eventually(async () => (await admin(`/decisions/${id}?source=${source}`)).status === 200)
    const { json } = await admin(`/decisions/${id}?source=${source}`)
    expect(json).toMatchObject({
      decision: { decision_id: id, reason: 'permission_denied', user_id: acme.viewer.userId },
      explanation: { same: true, reason: 'permission_denied', route: 'leave.approve' },
    })
    const list = await admin(`/decisions?source=${source}&user=${acme.viewer.userId}&decision=deny`)
    expect((list.json['decisions'] as DecisionRecord[])[0]?.decision_id).toBe(id)
  }
})

it('a replay comes to what the command comes to', async () => {
  const { acme } = stack.personas
  for (const persona of [acme.staff, acme.owner, acme.viewer]) {
    await throughEnvoy('POST', `${leave}/l1/approve`, persona.token)
    await throughEnvoy('GET', leave, persona.token)
  }
  const candidate = readFileSync(examplePolicy, 'utf8').replace(', leave:approve]', ']')
  const candidateFile = join(folder, 'candidate.yaml')
  writeFileSync(candidateFile, candidate)
  const decisions = async () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"type":"decision"')).length
  await eventually(async () => (await decisions()) >= 7)
  const command = await tenantgate(['replay', file, '--policy', candidateFile, '--format', 'json'])
  expect(command.stderr + String(command.status)).toMatch(/1$/)
  const reported = JSON.parse(command.stdout) as Record<string, unknown>
  expect(reported).toMatchObject({ flips: { allow_to_deny: 1, deny_to_allow: 0 } })
  const ofLog = await admin('/replay', undefined, { policy: candidate, source: 'log' })
  expect(ofLog.json).toEqual(reported)
  const ofMemory = await admin('/replay', undefined, { policy: candidate })
  expect(ofMemory.json).toEqual(reported)
})

it('coverage, policy and doctor tell of this very process', async () => {
  const policy = await admin('/policy')
  const version = policy.json['version']
  expect((await admin('/coverage')).json).toMatchObject({ policy: version })
  const { json, status } = await admin('/doctor')
  expect(status).toBe(200)
  expect(json['checks']).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: 'postgres.reachable', status: 'ok' })]),
  )
  expect(JSON.stringify(json)).not.toContain(new URL(stack.databaseUrl).password || 'no password')
})

it('checks are answered while the log is replayed again and again', async () => {
  const untilMs = performance.now() + 3_000
  const replays = (async () => {
    let count = 0
    while (performance.now() < untilMs) {
      const { status } = await admin('/replay', undefined, { source: 'log' })
      if (status === 200) count += 1
      else await pause(500) // its rate is limited too
    }
    return count
  })()
  const { token } = stack.personas.acme.owner
  const statuses = new Set<number>()
  while (performance.now() < untilMs) statuses.add((await throughEnvoy('GET', leave, token)).status)
  expect([[...statuses], (await replays) > 0]).toEqual([[200], true])
})

it('every request is in the service log, without the token', async () => {
  const { superadmin } = stack.personas
  const lines = () =>
    stack.tenantgate
      .log()
      .split('\n')
      .filter((line) => line.includes('"msg":"admin request"'))
  await eventually(async () => (await admin('/policy?secret=hunter2')).status === 200)
  const own = () =>
    lines().find((line) => line.includes(superadmin.userId) && line.includes('"/admin/v1/policy"'))
  // It is written once the answer was sent.
  await eventually(() => own()?.endsWith('}') === true)
  expect(JSON.parse(own() ?? '')).toMatchObject({
    level: 'info',
    subject: superadmin.userId,
    access: 'admitted',
    method: 'GET',
    route: '/admin/v1/policy',
    status: 200,
  })
  expect(lines().join()).not.toMatch(new RegExp(`hunter2|${superadmin.token.slice(-20)}`))
})
