import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { tenantgate } from '../support/command-line.ts'

const policy = 'examples/policy.yaml'
const approve = 'POST /api/v1/organizations/o1/leave/l1/approve'
const viewer = '{"user": "u1", "organization": "o1", "roles": ["viewer"]}'
const folder = mkdtempSync(join(tmpdir(), 'tenantgate-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Explanation {
  readonly decision: string
  readonly reason: string
  readonly status: number
  readonly route: string | null
  readonly policy: string
  readonly steps: readonly {
    readonly step: string
    readonly outcome: string
    readonly detail: string
  }[]
}

async function explain(...args: readonly string[]): Promise<Explanation> {
  const { status, stdout, stderr } = await tenantgate([
    'explain',
    '--policy',
    policy,
    ...args,
    '--format',
    'json',
  ])
  expect([status, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Explanation
}

describe('tenantgate explain', () => {
  it('shows the step that refused, after those that passed', async () => {
    const { steps, ...rest } = await explain('--request', approve, '--as', viewer)
    expect(rest).toEqual({
      decision: 'deny',
      reason: 'permission_denied',
      status: 403,
      route: 'leave.approve',
      policy: expect.stringMatching(/^sha256:[0-9a-f]{16}$/) as string,
    })
    expect(steps.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
      'request passed',
      'path passed',
      'route passed',
      'credential passed',
      'token passed',
      'tenant passed',
      'subject passed',
      'member passed',
      'permission refused',
    ])
    expect(steps.at(-1)?.detail).toContain('no role grants leave:approve')
  })

  it.each([
    ['anonymous', approve, 'anonymous', 'missing_credential', 'credential'],
    ['another tenant', approve.replace('o1', 'o2'), viewer, 'tenant_mismatch', 'tenant'],
    ['no route', 'GET /nowhere', viewer, 'no_route', 'route'],
    ['an ambiguous path', 'GET /a//b', viewer, 'ambiguous_path', 'path'],
  ])('%s', async (_name, request, as, reason, step) => {
    const explanation = await explain('--request', request, '--as', as)
    expect(explanation.reason).toBe(reason)
    expect(explanation.steps.at(-1)).toMatchObject({ step, outcome: 'refused' })
  })

  it('reads the subject from a file, and takes hosts, headers and extensions', async () => {
    const as = join(folder, 'owner.yaml')
    writeFileSync(as, 'user: u1\norganization: o1\nroles: [owner]\n')
    const { reason, route } = await explain(
      ...['--request', 'GET /anything', '--as', as, '--host', 'api.example.com'],
      ...['--header', 'x-tenant: o1', '--extension', 'permission=leave:read'],
    )
    expect([reason, route]).toEqual(['granted', 'context_extensions'])
  })

  it('tells it as text for people', async () => {
    const args = ['explain', '--policy', policy, '--request', approve, '--as', viewer]
    const { stdout } = await tenantgate(args)
    expect(stdout).toMatch(/^REFUSE {2}permission {2}no role grants leave:approve/m)
    expect(stdout).toMatch(/^deny \(permission_denied, 403\) by sha256:/m)
  })

  it.each([
    ['no request', ['--as', viewer]],
    ['a subject that is no subject', ['--request', approve, '--as', '{"usr": 1}']],
    ['a request without a method', ['--request', '/x', '--as', viewer]],
  ])('%s is wrong usage', async (_name, args) => {
    const { status, stdout } = await tenantgate(['explain', '--policy', policy, ...args])
    expect([status, stdout]).toEqual([2, ''])
  })
})
