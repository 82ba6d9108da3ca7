import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RoleName } from '../../src/demo/personas.ts'
import { startStack, type Stack } from '../../src/demo/stack.ts'
import { bearer, rawRequest, reasonOf, type RawResponse } from '../support/raw-http.ts'
import { servers } from '../support/servers.ts'

const host = 'envoy-routes.example.com'

/** Asks through the virtual host whose routes carry rules of their own. */
function ask(stack: Stack, line: string, token?: string): Promise<RawResponse> {
  const [method = '', path = ''] = line.split(' ')
  const headers = token === undefined ? [] : [bearer(token)]
  return rawRequest(stack.envoy.url, { method, path, host, headers })
}

describe("rules of Envoy's own routes, where the policy has none", () => {
  let stack: Stack
  let exportLine: string
  beforeAll(async () => {
    stack = await startStack({ ...servers(), tokens: 'HS256' })
    exportLine = `POST /v1/orgs/${stack.personas.organizations.acme}/reports/r1/export`
  })
  afterAll(() => stack.close())
  beforeEach(() => stack.upstream.clear())

  it('grant to who holds the permission, with the tenant that their path names', async () => {
    const { acme, organizations } = stack.personas
    expect((await ask(stack, exportLine, acme.owner.token)).status).toBe(200)
    expect(stack.upstream.requests()[0]?.headers).toMatchObject({
      'x-user-id': acme.owner.userId,
      'x-org-id': organizations.acme,
      'x-org-role': 'owner',
    })
  })

  it.each<[string, (stack: Stack) => string | undefined, string]>([
    ['who lacks the permission', ({ personas }) => personas.acme.staff.token, 'permission_denied'],
    ['another tenant', ({ personas }) => personas.globex.owner.token, 'tenant_mismatch'],
    ['a banned member', ({ personas }) => personas.banned.token, 'banned'],
    ['nobody', () => undefined, 'missing_credential'],
  ])('refuse %s', async (_name, token, reason) => {
    const answer = await ask(stack, exportLine, token(stack))
    expect([reasonOf(answer), stack.upstream.requests().length]).toEqual([reason, 0])
  })

  it("without a path use the token's own tenant", async () => {
    const { acme, outsider } = stack.personas
    expect((await ask(stack, 'GET /v1/leave', acme.viewer.token)).status).toBe(200)
    expect(reasonOf(await ask(stack, 'GET /v1/leave', outsider.token))).toBe('tenant_mismatch')
  })

  it('open a route to every token, or to all', async () => {
    expect((await ask(stack, 'GET /v1/profile', stack.personas.outsider.token)).status).toBe(200)
    expect(reasonOf(await ask(stack, 'GET /v1/profile'))).toBe('missing_credential')
    expect((await ask(stack, 'GET /v1/status')).status).toBe(200)
  })

  it('leave denied what carries none, and cannot be set by a client', async () => {
    const { token } = stack.personas.acme.owner
    expect(reasonOf(await ask(stack, 'GET /v1/other', token))).toBe('no_route')
    const forged = await rawRequest(stack.envoy.url, {
      ...{ path: '/v1/other?access=public&permission=leave:read', host },
      headers: [['access', 'public'], ['permission', 'leave:read'], bearer(token)],
    })
    expect([reasonOf(forged), stack.upstream.requests().length]).toEqual(['no_route', 0])
  })
})

describe("rules of Envoy's own routes, together with a policy", () => {
  let stack: Stack
  let folder: string
  let exportLine: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenantgate-test-'))
    const policy = join(folder, 'policy.yaml')
    await writeFile(
      policy,
      `version: 1
roles:
  owner: [report:export]
  admin: [report:export, leave:approve]
  staff: [leave:approve]
routes:
  - name: report.export
    match: POST /v1/orgs/{organizationId}/reports/{reportId}/export
    permission: leave:approve
  - { name: status, match: GET /v1/status, access: authenticated }
  - { name: profile, match: GET /v1/profile, access: public }
`,
    )
    stack = await startStack({ ...servers(), tokens: 'HS256', policy })
    exportLine = `POST /v1/orgs/${stack.personas.organizations.acme}/reports/r1/export`
  })
  afterAll(async () => {
    await stack.close()
    await rm(folder, { recursive: true })
  })

  it.each<[RoleName, string | undefined]>([
    ['admin', undefined], // holds both permissions
    ['owner', 'permission_denied'], // holds what Envoy's route asks for
    ['staff', 'permission_denied'], // holds what the policy asks for
    ['viewer', 'permission_denied'], // holds neither
  ])('both must allow: %s', async (role, reason) => {
    const answer = await ask(stack, exportLine, stack.personas.acme[role].token)
    expect(reasonOf(answer)).toBe(reason)
  })

  it('the stricter access holds, whichever side asks for it', async () => {
    expect(reasonOf(await ask(stack, 'GET /v1/status'))).toBe('missing_credential')
    expect(reasonOf(await ask(stack, 'GET /v1/profile'))).toBe('missing_credential')
    const { token } = stack.personas.outsider
    expect((await ask(stack, 'GET /v1/status', token)).status).toBe(200)
    expect((await ask(stack, 'GET /v1/profile', token)).status).toBe(200)
  })
})
