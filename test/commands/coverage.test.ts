import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Coverage } from '../../src/application/coverage.ts'
import { startEnvoy } from '../../src/adapters/servers/envoy.ts'
import { tenantgate } from '../support/command-line.ts'
import { memoryTables } from '../support/memory-tables.ts'
import { servers } from '../support/servers.ts'
import { startUsersApi } from '../support/users-api.ts'

const policy = ['coverage', '--policy', 'examples/policy.yaml']

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

function fileOf(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

/** A policy with one of each finding, and an API that it was made for. */
const faulty = `version: 1
permissions: [leave:read, leave:approve, leave:purge, report:read]
roles:
  staff: [leave:read]
  approver: [leave:approve]
platformRoles:
  auditor: [report:read]
routes:
  - { name: list, match: 'GET /o/{organizationId}/leave', permission: leave:read }
  - { name: special, match: 'GET /o/{organizationId}/leave/special', permission: leave:read }
  - { name: purge, match: 'POST /o/{organizationId}/purge', permission: leave:purge }
  - { name: both, match: 'POST /o/{organizationId}/both', permission: [leave:read, leave:approve] }
  - { name: any, match: 'PUT /o/{organizationId}/{rest...}', permission: leave:read }
  - { name: one, match: 'PUT /o/{organizationId}/{x}', permission: leave:read, mode: shadow }
  - { name: more, match: 'PUT /o/{organizationId}/{x}/{rest...}', anyPermission: [leave:read, leave:purge] }
  - { name: platform, match: 'GET /platform', permission: leave:read, tenant: none }
`
const api = `openapi: 3.1.0
paths:
  /o/{id}/leave: { get: {} }
  /o/{id}/leave/{leaveId}:
    get: { operationId: getLeave }
    put: {}
  /o/{id}/purge: { post: {} }
  /unknown: { get: {} }
`

async function jsonOf(...args: readonly string[]): Promise<Coverage & { status: number | null }> {
  const { status, stderr, stdout } = await tenantgate([...args, '--format', 'json'])
  expect(stderr).toBe('')
  return { ...(JSON.parse(stdout) as Coverage), status }
}

describe('tenantgate coverage', () => {
  let args: readonly string[]
  let found: Awaited<ReturnType<typeof jsonOf>>
  beforeAll(async () => {
    const files = [fileOf('policy.yaml', faulty), fileOf('api.yaml', api)]
    args = ['coverage', '--policy', files[0] ?? '', '--openapi', files[1] ?? '']
    found = await jsonOf(...args)
  })

  it('tells what has no rule, wholly or partly, and fails for it', () => {
    expect(found.status).toBe(1)
    expect(found.uncovered).toEqual([
      expect.objectContaining({
        kind: 'operation',
        line: 5,
        operation: 'getLeave',
        path: '/o/{id}/leave/{leaveId}',
        coverage: 'partly',
        routes: ['special'],
        example: 'GET /o/x/leave/x',
      }),
      expect.objectContaining({ line: 8, path: '/unknown', coverage: 'none', routes: [] }),
    ])
  })

  it('tells which rules do nothing', () => {
    expect(found.dead.map(({ reason, route }) => `${reason} ${route}`)).toEqual([
      'shadowed any',
      'no_operation both',
      'no_operation one',
      'no_operation platform',
    ])
    expect(found.dead[0]?.why).toContain('more, one')
  })

  it('tells which permissions no role grants, and what nobody can call', () => {
    expect(found.ungranted).toEqual([
      { permission: 'leave:purge', routes: ['more', 'purge'], why: 'no role grants it' },
      {
        permission: 'leave:read',
        routes: ['platform'],
        why: expect.stringContaining('only organization roles grant it') as string,
      },
    ])
    expect(found.uncallable).toEqual(['platform', 'purge'])
    expect(found.unasked).toEqual([
      { role: 'auditor', scope: 'platform', permissions: ['report:read'] },
    ])
  })

  it('tells who can call what', () => {
    const rows = found.matrix.map(({ callable, platform_roles, roles, route }) => [
      route,
      callable,
      Object.keys(roles).filter((role) => roles[role] === true),
      Object.keys(platform_roles).filter((role) => platform_roles[role] === true),
    ])
    expect(rows).toEqual([
      ['any', 'yes', ['staff'], []],
      ['both', 'combined', [], []],
      ['list', 'yes', ['staff'], []],
      ['more', 'yes', ['staff'], []],
      ['one', 'yes', ['staff'], []],
      ['platform', 'no', [], []],
      ['purge', 'no', [], []],
      ['special', 'yes', ['staff'], []],
    ])
  })

  it('says all of it as aligned text', async () => {
    const { status, stdout } = await tenantgate(args)
    expect(status).toBe(1)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/policy\.yaml: 8 routes, sha256:[0-9a-f]{16}$/)
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^ {2}partly {2}GET \/o\/\{id\}\/leave\/\{leaveId\} {2}\S*api\.yaml:5 {2}only special; GET \/o\/x\/leave\/x: no route matches it, so it is denied$/,
        ),
        expect.stringMatching(/^ {2}wholly {2}GET \/unknown {17}\S*api\.yaml:8 {2}GET \/unknown: /),
        expect.stringMatching(
          /^ {2}both +POST \/o\/\{organizationId\}\/both +member +leave:approve and leave:read; several roles together +- +- +-$/,
        ),
        '2 uncovered, 4 dead, 2 ungranted; compared with 5 operations',
      ]),
    )
    const table = lines.slice(lines.indexOf('who can call what') + 1, -4)
    expect(
      new Set(table.map((line) => line.search(/(-|yes|approver)\s+(-|yes|staff)\s+\S+$/))).size,
    ).toBe(1)
  })

  it.each([
    [['--fail-on', 'none'], 0],
    [['--fail-on', 'uncovered'], 1],
    [['--fail-on', 'any'], 1],
  ])('exits by %s', async (options, status) => {
    expect((await tenantgate([...args, ...options])).status).toBe(status)
  })

  it('counts dead and ungranted as findings with --fail-on any alone', async () => {
    const alone = args.slice(0, 3)
    expect((await jsonOf(...alone)).status).toBe(0)
    expect((await jsonOf(...alone, '--fail-on', 'any')).status).toBe(1)
    expect((await jsonOf(...policy, '--fail-on', 'any')).status).toBe(0)
  })

  it('has nothing to say of the example behind the shipped Envoy, file or running', async () => {
    const envoy = await startEnvoy({
      envoy: servers().envoy,
      authz: ['127.0.0.1:1'],
      upstream: '127.0.0.1:1',
    })
    onTestFinished(envoy.close)
    for (const source of ['envoy/envoy.yaml', envoy.adminUrl]) {
      const { dead, gateway_routes, status, uncovered } = await jsonOf(...policy, '--envoy', source)
      expect([status, uncovered, dead, gateway_routes.length]).toEqual([0, [], [], 6])
    }
  })

  it('finds no rule for the users API in the example, and all of it in a policy for it', async () => {
    const usersApi = await startUsersApi(memoryTables())
    onTestFinished(() => usersApi.close())
    const document = (await usersApi.get('/openapi.json')).json
    const file = fileOf('openapi.json', JSON.stringify(document))
    const paths = Object.entries((document as { paths: Record<string, object> }).paths)
    const operations = paths.flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const { status, uncovered } = await jsonOf(...policy, '--openapi', file)
    const missing = uncovered.map((one) => 'path' in one && `${one.method} ${one.path}`)
    expect([status, missing]).toEqual([1, operations.filter((one) => one !== 'GET /healthz')])
    const routes = operations.map((match, index) => ({
      name: `r${index}`,
      match,
      access: 'public',
    }))
    const own = fileOf('own.json', JSON.stringify({ version: 1, routes }))
    const whole = await jsonOf('coverage', '--policy', own, '--openapi', file)
    expect([whole.status, whole.uncovered, whole.dead]).toEqual([0, [], []])
  })

  it('takes several documents together', async () => {
    const [first, second] = ['/api/v1/me', '/healthz'].map((path, index) =>
      fileOf(`${index}.json`, JSON.stringify({ openapi: '3.0.0', paths: { [path]: { get: {} } } })),
    )
    const { dead, status } = await jsonOf(
      ...[...policy, '--openapi', first ?? '', '--openapi', second ?? ''],
    )
    expect([status, dead.length]).toEqual([0, 7])
  })
})

describe('tenantgate coverage ends with', () => {
  const swagger = () => fileOf('swagger.yaml', 'swagger: "2.0"\n')
  it.each<[string, number, () => readonly string[], RegExp]>([
    ['2 without a policy', 2, () => ['coverage'], /usage: tenantgate coverage/],
    ['2 for a word too many', 2, () => [...policy, 'more'], /usage: tenantgate coverage/],
    [
      '2 for an unknown --fail-on',
      2,
      () => [...policy, '--fail-on', 'dead'],
      /--fail-on is none, uncovered, any/,
    ],
    [
      '2 for a policy that is not there',
      2,
      () => ['coverage', '--policy', 'nowhere'],
      /cannot read nowhere/,
    ],
    [
      '2 for a document that is not there',
      2,
      () => [...policy, '--openapi', 'nowhere'],
      /cannot read nowhere/,
    ],
    [
      '2 for a document that is none',
      2,
      () => [...policy, '--openapi', swagger()],
      /swagger\.yaml:1:10: swagger: Swagger 2 is not read/,
    ],
    [
      '2 for a configuration that is none',
      2,
      () => [...policy, '--envoy', swagger()],
      /swagger\.yaml:1:1: no static listener/,
    ],
    [
      '3 for an Envoy that does not answer',
      3,
      () => [...policy, '--envoy', 'http://127.0.0.1:1'],
      /127\.0\.0\.1:1: \/server_info/,
    ],
  ])('%s', async (_title, expected, args, message) => {
    const { status, stderr, stdout } = await tenantgate(args())
    expect([status, stdout]).toEqual([expected, ''])
    expect(stderr).toMatch(message)
  })
})

it('docs/coverage.md shows what the command prints', async () => {
  const docs = readFileSync('docs/coverage.md', 'utf8')
  const shown = [...docs.matchAll(/```console\n\$ tenantgate (.*)\n([^]*?)```/g)]
  expect(shown.length).toBeGreaterThan(1)
  for (const [, line = '', output = ''] of shown) {
    const { stdout } = await tenantgate(line.split(' '))
    expect(stdout).toBe(output)
  }
})

it('what an API description says moves no cursor, and looks like no line of its own', async () => {
  const path = '"/a\\u001b[2J\\n::error::\\u202e"'
  const of = (item: string) =>
    fileOf('hostile.yaml', `openapi: 3.1.0\npaths: { ${path}: ${item} }\n`)
  for (const item of ['{ get: {} }', '{ "x\\u001b[2J": {} }']) {
    const { stderr, stdout } = await tenantgate([...policy, '--openapi', of(item)])
    expect(stdout + stderr).toContain('\\u{1b}[2J')
    expect(stdout + stderr).not.toMatch(/[\u001b\u202e]|^::error/m)
  }
})
