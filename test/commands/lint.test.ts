import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

/** Eight faults of eight kinds. */
const faulty = `version: 1
roles:
  staff: [leave approve]
routes:
  - name: a
    match: GET /orgs/{organizationId}/a
    permision: leave:read
    permission: leave:read
  - name: a
    match: GET /orgs/{organizationId}/b
    permission: leave:read
  - name: c
    match: GET /orgs/{organizationId}/c%20d
    permission: leave:read
  - name: d
    match: GET /orgs/d
    permission: leave:read
  - name: e
    match: GET /orgs/{organizationId}/e
  - name: f
    match: GET /orgs/{o}/b
    access: public
  - name: g
    match: GET /g
    access: nobody
`

describe('tenantgate lint', () => {
  it('names eight faults with line and column, and exits 1', async () => {
    const path = file('faulty.yaml', faulty)
    const { status, stdout } = await tenantgate(['lint', path])
    expect(status).toBe(1)
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/faulty\.yaml:3:11: roles\.staff\[0\]: .*is no permission/),
      expect.stringMatching(/:7:16: routes\[0\]\.permision: unknown key "permision"/),
      expect.stringMatching(/:9:11: routes\[1\]\.name: another route is named "a"/),
      expect.stringMatching(/:13:12: routes\[2\]\.match: the literal "c%20d" can never match/),
      expect.stringMatching(/:16:12: routes\[3\]\.match: the template lacks \{organizationId\}/),
      expect.stringMatching(/:18:5: routes\[4\]: the route asks for no permission/),
      expect.stringMatching(/:21:12: routes\[5\]\.match: GET requests match this route and "a"/),
      expect.stringMatching(
        /:25:13: routes\[6\]\.access: expected member or authenticated or public/,
      ),
      '8 faults',
    ])
  })

  it('says the same as JSON', async () => {
    const { status, stdout } = await tenantgate([
      'lint',
      file('b.yaml', faulty),
      '--format',
      'json',
    ])
    const { faults } = JSON.parse(stdout) as { faults: { line: number; column: number }[] }
    expect([status, faults.length]).toEqual([1, 8])
    expect(faults[0]).toMatchObject({ line: 3, column: 11, path: 'roles.staff[0]' })
  })

  it('finds nothing wrong with the example', async () => {
    const { status, stdout } = await tenantgate(['lint', 'examples/policy.yaml'])
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/no faults \(9 routes, sha256:[0-9a-f]{16}\)/),
    ])
  })

  it.each([
    ['no file', ['lint']],
    ['a file that is not there', ['lint', 'nowhere.yaml']],
    ['an unknown option', ['lint', 'examples/policy.yaml', '--nope']],
    ['an unknown command', ['lnt']],
    ['no command', []],
  ])('%s is wrong usage: exit 2, said on standard error', async (_name, args) => {
    const { status, stdout, stderr } = await tenantgate(args)
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).not.toBe('')
  })
})
