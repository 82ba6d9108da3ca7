import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { tenantgate } from '../support/command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-test-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const policy = 'examples/policy.yaml'

describe('tenantgate test', () => {
  it.each([
    [policy, 'examples/policy.cases.yaml'],
    ['test/cases/leave.policy.yaml', 'test/cases/leave.cases.yaml'],
  ])('%s holds its cases', async (policyFile, cases) => {
    const { status, stdout } = await tenantgate(['test', policyFile, cases])
    expect(stdout).toMatch(/^[1-9]\d* passed, 0 failed$/m)
    expect(status).toBe(0)
  })

  it('a failed case is exit 1, with what was expected and what was', async () => {
    const cases = file(
      'cases.yaml',
      `cases:
  - name: viewers <approve> & "reject"
    request: POST /api/v1/organizations/o1/leave/l1/approve
    as: { user: u1, organization: o1, roles: [viewer] }
    expect: allow
  - name: health
    request: GET /healthz
    as: anonymous
    expect: allow
`,
    )
    const junit = join(folder, 'junit.xml')
    const { status, stdout } = await tenantgate([
      'test',
      policy,
      cases,
      '--junit',
      junit,
      '--format',
      'json',
    ])
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toEqual({
      passed: 1,
      failed: 1,
      cases: [
        {
          name: 'viewers <approve> & "reject"',
          passed: false,
          expected: 'allow',
          actual: 'deny: permission_denied',
        },
        { name: 'health', passed: true, expected: 'allow', actual: 'allow' },
      ],
    })
    const xml = readFileSync(junit, 'utf8')
    expect(xml).toContain('<testsuites tests="2" failures="1"')
    expect(xml).toContain('name="viewers &lt;approve&gt; &amp; &quot;reject&quot;"')
    expect(xml).toContain('<failure message="expected allow, was deny: permission_denied">')
  })

  it('cases that cannot be read are exit 2, each with its line', async () => {
    const cases = file(
      'faulty.yaml',
      `cases:
  - request: /no/method
    as: somebody
    expect: { deny: because }
  - request: GET /healthz
    as: { user: u1, roles: [staff], rank: 3 }
    expect: allow
`,
    )
    const { status, stderr } = await tenantgate(['test', policy, cases])
    expect(status).toBe(2)
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/faulty\.yaml:2:14: .*write a method/),
      expect.stringMatching(/:3:9: .*write anonymous/),
      expect.stringMatching(/:4:\d+: .*write allow, deny or/),
      expect.stringMatching(/:6:\d+: .*unknown key "rank"/),
      expect.stringMatching(/:6:\d+: .*roles are held in an organization/),
    ])
  })

  it('a policy that does not load is exit 2', async () => {
    const faulty = file('policy.yaml', 'version: 3\n')
    const { status, stderr } = await tenantgate(['test', faulty, 'examples/policy.cases.yaml'])
    expect([status, stderr]).toEqual([2, expect.stringContaining('policy.yaml:1:10: version')])
  })
})
