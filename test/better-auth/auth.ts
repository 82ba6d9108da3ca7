import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { admin, anonymous, bearer, jwt, organization } from 'better-auth/plugins'
import { adminAc, userAc } from 'better-auth/plugins/admin/access'
import pg from 'pg'
import { tenantgate, type TenantgateOptions } from '../../packages/better-auth/src/index.ts'
import { createRoles } from '../../src/demo/access-control.ts'
import {
  ADMIN_TABLES,
  ANONYMOUS_TABLES,
  CORE_TABLES,
  JWT_TABLES,
  ORGANIZATION_TABLES,
} from '../../src/demo/better-auth-tables.ts'

export interface AuthOptions {
  readonly databaseUrl: string
  readonly baseURL: string
  /** `camel`: Better Auth's own. One process can have but one: the mapping of some plugins sticks. */
  readonly names: 'snake' | 'camel'
  /** undefined: without the plugin. */
  readonly plugin?: TenantgateOptions
  /** Ends the process, hard, after the commit of a request to this path. */
  readonly dieAfter?: string
}

/** A Better Auth as platforms have it, with the plugin under test in one line. */
export async function createAuth({ baseURL, databaseUrl, dieAfter, names, plugin }: AuthOptions) {
  const { ac, roles } = await createRoles()
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 5 })
  pool.on('error', () => undefined)
  const gate = plugin && tenantgate(plugin)
  const snake = names === 'snake'
  const core = snake ? CORE_TABLES : undefined
  const config = {
    baseURL,
    secret: 'a secret of the tests with more than 32 characters',
    database: pool,
    ...core,
    user: { ...core?.user, deleteUser: { enabled: true } },
    // scrypt would be most of what these tests cost.
    emailAndPassword: { enabled: true, password: { hash: plain, verify: isPlain } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { level: 'warn' as const },
    plugins: [
      ...(dieAfter === undefined ? [] : [dying(dieAfter)]),
      organization({
        ...{ ac, roles, teams: { enabled: true }, dynamicAccessControl: { enabled: true } },
        ...(snake && { schema: ORGANIZATION_TABLES }),
      }),
      admin({
        roles: { admin: adminAc, superadmin: adminAc, user: userAc },
        adminRoles: ['admin', 'superadmin'],
        ...(snake && { schema: ADMIN_TABLES }),
      }),
      jwt(snake ? { schema: JWT_TABLES } : {}),
      bearer(),
      anonymous(snake ? { schema: ANONYMOUS_TABLES } : {}),
      ...(gate ? [gate] : []),
    ],
  }
  const migrate = async () => (await getMigrations(config)).runMigrations()
  return { gate, pool, migrate, open: () => betterAuth(config) }
}

const plain = async (password: string) => `plain:${password}`
const isPlain = async ({ hash, password }: { hash: string; password: string }) =>
  hash === `plain:${password}`

/** Stands before the plugin under test, so nothing of that runs. */
function dying(path: string) {
  return {
    id: 'dying' as const,
    hooks: {
      after: [
        {
          matcher(context: { readonly path?: string }) {
            if (context.path === path) process.kill(process.pid, 'SIGKILL')
            return false
          },
          handler: async () => undefined as never,
        },
      ],
    },
  }
}
