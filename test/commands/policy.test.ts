import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { tenantgate } from '../support/command-line.ts'

/** A project of a user: its code is written for a bundler, with an alias and an enum. */
const project = mkdtempSync(join(tmpdir(), 'tenantgate-project-'))
afterAll(() => rmSync(project, { recursive: true }))
const file = (name: string, text: string): string => {
  const path = join(project, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}
beforeAll(() => {
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'))
  file('package.json', '{ "type": "module" }')
  file('tsconfig.json', '{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }')
  file('src/actions.ts', `export enum Leave { Read = 'read', Approve = 'approve' }`)
})

const accessControl = `
  import { createAccessControl } from 'better-auth/plugins/access'
  import { Leave } from '@/actions'
  export const ac = createAccessControl({ leave: [Leave.Read, Leave.Approve], report: ['export'] })
  const staff = ac.newRole({ leave: [Leave.Read, Leave.Approve] })
  const viewer = ac.newRole({ leave: [Leave.Read] })
  export const roles = { staff, viewer }`

const init = (from: string, output: string) =>
  tenantgate(['policy', 'init', '--from-better-auth', from, '--output', output])

it('writes the roles of a module, a policy that loads, and never over another', async () => {
  const output = join(project, 'from-roles.yaml')
  const source = file('src/access.ts', accessControl)
  const result = await init(source, output)
  expect(result).toMatchObject({ status: 0, stderr: '' })
  expect(result.stdout).toContain('2 roles, 3 permissions')
  const text = readFileSync(output, 'utf8')
  expect(parse(text)).toEqual({
    version: 1,
    tenant: { path: 'organizationId' },
    permissions: ['leave:approve', 'leave:read', 'report:export'],
    roles: { staff: ['leave:read', 'leave:approve'], viewer: ['leave:read'] },
    routes: [],
  })
  expect(await tenantgate(['lint', output])).toMatchObject({ status: 0 })
  const again = await init(source, output)
  expect(again).toMatchObject({ status: 2, stdout: '' })
  expect(again.stderr).toContain('it is there already')
  expect(readFileSync(output, 'utf8')).toBe(text)
})

it('reads an instance, whose import does not keep the command running', async () => {
  const source = file(
    'src/auth.ts',
    `import { betterAuth } from 'better-auth'
    import { memoryAdapter } from 'better-auth/adapters/memory'
    import { admin, organization } from 'better-auth/plugins'
    import { ac, roles } from './access'
    setInterval(() => undefined, 1000)
    export const auth = betterAuth({
      secret: 'a secret of the tests with more than 32 characters', baseURL: 'http://localhost',
      database: memoryAdapter({}), telemetry: { enabled: false },
      plugins: [organization({ ac, roles, dynamicAccessControl: { enabled: true } }), admin()],
    })`,
  )
  const output = join(project, 'from-auth.yaml')
  expect(await init(source, output)).toMatchObject({ status: 0 })
  const policy = parse(readFileSync(output, 'utf8')) as Record<string, Record<string, string[]>>
  expect(policy['roles']).toEqual({
    staff: ['leave:read', 'leave:approve'],
    viewer: ['leave:read'],
  })
  expect(policy['dynamicRoles']).toBe(true)
  expect(policy['platformRoles']?.['admin']).toContain('user:ban')
  expect(policy['platformRoles']?.['user']).toEqual([])
  expect(await tenantgate(['lint', output])).toMatchObject({ status: 0 })
})

it.each([
  [
    'exports neither',
    'export const a = setInterval(() => undefined, 1000)',
    'exports neither "roles"',
  ],
  ['cannot be run', `import '@/gone'`, 'Name the module that exports the roles'],
  [
    'has a permission that a policy cannot name',
    `export const roles = { a: { statements: { leave: ['read all'] } } }`,
    'cannot name these permissions: "leave:read all"',
  ],
])('a module that %s is refused', async (_what, text, message) => {
  const output = join(project, 'refused.yaml')
  const result = await init(file('src/other.ts', text), output)
  expect(result).toMatchObject({ status: 2, stdout: '' })
  expect(result.stderr).toContain(message)
})
