import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { tenantgateSql } from '../../packages/better-auth/src/sql.ts'

const run = promisify(execFile)
const tsc = resolve('node_modules/typescript/bin/tsc')

/** A user's project, with both packages as npm would unpack them. */
let project: string
const at = (path: string) => join(project, path)
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'tenantgate-package-'))
  const own = at('node_modules/@tenantgate/better-auth')
  await mkdir(own, { recursive: true })
  await run(process.execPath, [tsc, '-p', 'packages/better-auth', '--outDir', join(own, 'dist')])
  await cp('packages/better-auth/sql', join(own, 'sql'), { recursive: true })
  await cp('packages/better-auth/package.json', join(own, 'package.json'))
  await cp(own, at('node_modules/tenantgate/packages/better-auth'), { recursive: true })
  await rm(at('node_modules/tenantgate/packages/better-auth/package.json'))
  await cp('package.json', at('node_modules/tenantgate/package.json'))
  for (const name of ['better-auth', 'pg', '@types', '@nats-io']) {
    await symlink(resolve('node_modules', name), at(`node_modules/${name}`))
  }
  await writeFile(at('package.json'), '{ "type": "module" }')
})
afterAll(() => rm(project, { recursive: true }))

const userCode = (specifier: string) => `
import { betterAuth } from 'better-auth'
import { admin, jwt, organization } from 'better-auth/plugins'
import { Pool } from 'pg'
import { tenantgate } from '${specifier}'
import { tenantgateSql } from '${specifier}/sql'

export const auth = betterAuth({
  database: new Pool(),
  plugins: [organization(), admin(), jwt({}), tenantgate({ stream: true, definePayload: true })],
})
type Session = typeof auth.$Infer.Session
export const role = (session: Session): string | null | undefined => session.user.role
export const leave = auth.api.leaveOrganization
export const sql: string = tenantgateSql({ tables: { member: { table: 'staff' } } })
// @ts-expect-error: there is no such option
tenantgate({ streams: true })
`

it("the user's file type-checks, by either name of the package", { timeout: 60_000 }, async () => {
  await writeFile(at('auth.ts'), userCode('@tenantgate/better-auth'))
  await writeFile(at('other.ts'), userCode('tenantgate/better-auth'))
  const compilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, exactOptionalPropertyTypes: true },
    ...{ module: 'nodenext', target: 'es2022', types: ['node'] },
  }
  const tsconfig = { compilerOptions, files: ['auth.ts', 'other.ts'] }
  await writeFile(at('tsconfig.json'), JSON.stringify(tsconfig))
  await run(process.execPath, [tsc, '-p', project]).catch((error: unknown) => {
    throw new Error((error as { readonly stdout: string }).stdout)
  })
})

it('the command prints the SQL that it was built with', async () => {
  const cli = at('node_modules/@tenantgate/better-auth/dist/cli.js')
  const args = ['sql', '--relay-role', 'relay', 'member=staff', 'member.userId=person']
  const { stdout } = await run(process.execPath, [cli, ...args])
  const tables = { member: { table: 'staff', columns: { userId: 'person' } } } as const
  expect(stdout).toBe(`${tenantgateSql({ relayRole: 'relay', tables })}\n`)
  await expect(run(process.execPath, [cli, 'sql', 'staff'])).rejects.toMatchObject({ code: 2 })
})

it.each(['node', 'bun'])('either name loads on %s', async (runtime) => {
  const command = runtime === 'bun' ? resolve('node_modules/.bin/bun') : process.execPath
  const source = `import { tenantgate } from '@tenantgate/better-auth'
    import { tenantgate as other } from 'tenantgate/better-auth'
    console.log(tenantgate({}).id, other({}).id)`
  await writeFile(at('load.mjs'), source)
  const { stdout } = await run(command, [at('load.mjs')], { cwd: project })
  expect(stdout).toBe('tenantgate tenantgate\n')
})
