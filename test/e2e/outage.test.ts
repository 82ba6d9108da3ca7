import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startPostgres, type PostgresServer } from '../../src/adapters/servers/postgres.ts'
import { ensureWheels } from '../../src/adapters/servers/wheels.ts'
import { startStack, type Stack } from '../../src/demo/stack.ts'
import { until } from '../support/poll.ts'
import { bearer, rawRequest, reasonOf, type RawResponse } from '../support/raw-http.ts'
import { servers } from '../support/servers.ts'

/** A gateway whose operator set the one flag that turns every error of an authorizer into an allow. */
describe('with failure_mode_allow: true', () => {
  let postgres: PostgresServer
  let stack: Stack
  beforeAll(async () => {
    postgres = await startPostgres({ binaries: await ensureWheels({}) })
    stack = await startStack({
      ...servers(),
      postgresUrl: postgres.url,
      tokens: 'HS256',
      envoyOptions: { failureModeAllow: true },
    })
  })
  afterAll(async () => {
    await postgres.start().catch(() => undefined) // the stack drops its database
    await stack.close()
    await postgres.close()
  })
  beforeEach(() => stack.upstream.clear())

  /** A route whose freshness is `database`: every request of it asks PostgreSQL. */
  const exportReport = (): Promise<RawResponse> =>
    rawRequest(stack.envoy.url, {
      method: 'POST',
      path: `/api/v1/organizations/${stack.personas.organizations.acme}/reports/r1/export`,
      headers: [bearer(stack.personas.acme.owner.token)],
    })

  it('PostgreSQL stopped is 503, and the upstream is not reached; it recovers by itself', async () => {
    expect((await exportReport()).status).toBe(200)
    stack.upstream.clear()
    await postgres.stop()
    const answer = await exportReport()
    expect([answer.status, reasonOf(answer)]).toEqual([503, 'unavailable'])
    expect(answer.headers).toMatchObject({
      'retry-after': '1',
      'content-type': 'application/problem+json',
    })
    for (let more = 0; more < 4; more += 1) expect((await exportReport()).status).toBe(503)
    expect(stack.upstream.requests()).toEqual([])
    // Told once a second at most, but counted each time.
    const metrics = await (await fetch(`http://${stack.tenantgate.httpAddress}/metrics`)).text()
    const faults = /^tenantgate_faults_total\{kind="check"\} (\d+)$/m.exec(metrics)?.[1]
    expect(Number(faults)).toBeGreaterThanOrEqual(5)
    await postgres.start()
    await until(async () => (await exportReport()).status === 200, { what: 'recovery' })
  })

  it('PostgreSQL frozen is 503 within the deadline', async () => {
    expect((await exportReport()).status).toBe(200)
    stack.upstream.clear()
    const sessions = freezeSessions(postgres)
    try {
      const answer = await exportReport()
      expect([answer.status, reasonOf(answer)]).toEqual([503, 'unavailable'])
      expect(stack.upstream.requests()).toEqual([])
    } finally {
      sessions.thaw()
    }
    await until(async () => (await exportReport()).status === 200, { what: 'recovery' })
  })

  it('a route that needs no fact is answered meanwhile', async () => {
    await postgres.stop()
    const answer = await rawRequest(stack.envoy.url, { path: '/healthz' })
    expect(answer.status).toBe(200)
    const anonymous = await rawRequest(stack.envoy.url, { path: '/api/v1/me' })
    expect(reasonOf(anonymous)).toBe('missing_credential')
    await postgres.start()
  })
})

/** Stops the postmaster and every session of it, so that connections stay open and nobody answers. */
function freezeSessions(postgres: PostgresServer): { readonly thaw: () => void } {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[3] === String(postgres.pid)
      } catch {
        return false // it ended meanwhile
      }
    })
    .map(Number)
  const pids = [postgres.pid, ...children]
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of pids) process.kill(pid, name)
  }
  signal('SIGSTOP')
  return { thaw: () => signal('SIGCONT') }
}
