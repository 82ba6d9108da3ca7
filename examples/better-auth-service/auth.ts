import type { BetterAuthOptions } from 'better-auth'
import { admin, anonymous, bearer, jwt, organization } from 'better-auth/plugins'
import { adminAc, userAc } from 'better-auth/plugins/admin/access'
import pg from 'pg'
// In a project of your own: from '@tenantgate/better-auth'
import { tenantgate } from '../../packages/better-auth/src/index.ts'
import { ac, roles } from './roles.ts'
import { tables } from './tables.ts'

/** Better Auth for a platform behind tenantgate, from the environment. */
export function createAuth(env: Readonly<Record<string, string | undefined>>) {
  const needed = (name: string): string => {
    const value = env[name] ?? ''
    if (value === '') throw new Error(`${name} is not set`)
    return value
  }
  const databaseUrl = needed('DATABASE_URL')
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 })
  pool.on('error', () => undefined) // the database went away; the next query says so
  const gate = tenantgate({
    databaseUrl,
    natsUrl: needed('NATS_URL'),
    stream: env['NATS_STREAM'] === 'true',
    definePayload: true,
    nats: { inboxPrefix: '_INBOX_auth' }, // as deploy/nats/nats.conf permits
  })
  const options = {
    baseURL: needed('BETTER_AUTH_URL'),
    secret: needed('BETTER_AUTH_SECRET'),
    database: pool,
    ...tables.core,
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
    plugins: [
      organization({
        ac,
        roles,
        dynamicAccessControl: { enabled: true },
        schema: tables.organization,
      }),
      admin({
        roles: { admin: adminAc, superadmin: adminAc, user: userAc },
        adminRoles: ['admin', 'superadmin'],
        schema: tables.admin,
      }),
      jwt({ schema: tables.jwt }),
      bearer(),
      anonymous({ schema: tables.anonymous }),
      gate,
    ],
  } satisfies BetterAuthOptions
  return { options, pool, gate }
}
