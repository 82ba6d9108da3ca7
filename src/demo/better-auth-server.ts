import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BetterAuthOptions as BetterAuthConfig } from 'better-auth'
import pg from 'pg'
import { createRoles } from './access-control.ts'
import { createChangeHooks, type Publish } from './better-auth-events.ts'
import {
  ADMIN_TABLES,
  ANONYMOUS_TABLES,
  CORE_TABLES,
  JWT_TABLES,
  ORGANIZATION_TABLES,
} from './better-auth-tables.ts'
import { createClaims, signWithSecret, type TokenKind } from './better-auth-tokens.ts'
import { missingInPackage } from './missing-module.ts'

export interface BetterAuthOptions {
  /** An empty database, or one of an earlier run. */
  readonly databaseUrl: string
  /** BETTER_AUTH_SECRET: 32 characters or more. */
  readonly secret: string
  readonly tokens: TokenKind
  /** Default: a free one. */
  readonly port?: number
  /** As '15m' (the default) or '12h'. */
  readonly tokenLifetime?: string
  /** Gets the events of a role, membership or ban change, once it is committed. */
  readonly publish?: Publish
}

async function loadBetterAuth() {
  const [auth, node, migration, plugins, adminAccess] = await Promise.all([
    import('better-auth'),
    import('better-auth/node'),
    import('better-auth/db/migration'),
    import('better-auth/plugins'),
    import('better-auth/plugins/admin/access'),
  ]).catch(missingInPackage('better-auth'))
  return { ...auth, ...node, ...migration, ...plugins, ...adminAccess }
}

async function createAuth(options: BetterAuthOptions, baseURL: string, pool: pg.Pool) {
  const modules = await loadBetterAuth()
  const { organization, admin, jwt, bearer, anonymous, adminAc, userAc } = modules
  const { ac, roles } = await createRoles()
  const { secret, tokens, tokenLifetime = '15m', publish } = options
  const hooks = createChangeHooks(publish)
  const config = {
    baseURL,
    secret,
    database: pool,
    ...CORE_TABLES,
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { level: 'error' as const },
    databaseHooks: { user: { update: { after: hooks.userUpdated } } },
    plugins: [
      organization({
        ac,
        roles,
        teams: { enabled: true },
        dynamicAccessControl: { enabled: true },
        schema: ORGANIZATION_TABLES,
        organizationHooks: hooks.organization,
      }),
      admin({
        roles: { admin: adminAc, superadmin: adminAc, user: userAc },
        adminRoles: ['admin', 'superadmin'],
        schema: ADMIN_TABLES,
      }),
      jwt({
        schema: JWT_TABLES,
        // With a custom `sign` the plugin wants these two and uses neither.
        ...(tokens === 'HS256' && {
          jwks: { remoteUrl: 'http://localhost/unused', keyPairConfig: { alg: 'EdDSA' } },
        }),
        jwt: {
          expirationTime: tokenLifetime,
          definePayload: createClaims(pool),
          ...(tokens === 'HS256' && { sign: signWithSecret(secret) }),
        },
      }),
      bearer(),
      anonymous({ schema: ANONYMOUS_TABLES }),
    ],
  } satisfies BetterAuthConfig
  // Before betterAuth(), which looks at the tables and complains of those that are missing.
  const { runMigrations } = await modules.getMigrations(config)
  await runMigrations()
  return modules.betterAuth(config)
}

export type Auth = Awaited<ReturnType<typeof createAuth>>

export interface CallOptions {
  readonly method?: 'GET' | 'POST'
  readonly body?: unknown
  /** Session token of who calls (not a JWT). */
  readonly session?: string
}

export interface BetterAuthServer {
  /** `http://127.0.0.1:PORT`: also the issuer and the audience of its tokens. */
  readonly baseURL: string
  /** Holds no key with HS256 tokens (404). */
  readonly jwksUrl: string
  /** The server-side API, for what has no HTTP endpoint. */
  readonly auth: Auth
  /** Calls its HTTP API; `path` without /api/auth. Rejects with status and body unless 2xx. */
  readonly call: <T>(path: string, options?: CallOptions) => Promise<T>
  readonly close: () => Promise<void>
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}

function createCall(baseURL: string): BetterAuthServer['call'] {
  return async <T>(path: string, { method, body, session }: CallOptions = {}) => {
    const response = await fetch(`${baseURL}/api/auth${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        origin: baseURL,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(session !== undefined && { authorization: `Bearer ${session}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`Better Auth ${path}: ${response.status} ${text}`)
    return JSON.parse(text) as T
  }
}

/** Starts a real Better Auth with its tables made, on 127.0.0.1. */
export async function startBetterAuth(options: BetterAuthOptions): Promise<BetterAuthServer> {
  const { toNodeHandler } = await loadBetterAuth()
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 5 })
  pool.on('error', () => undefined) // the database went away; the next query says so
  const server = createServer()
  async function close() {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
    await pool.end()
  }
  try {
    const baseURL = `http://127.0.0.1:${await listen(server, options.port ?? 0)}`
    const auth = await createAuth(options, baseURL, pool)
    const handler = toNodeHandler(auth)
    server.on('request', (request, response) => void handler(request, response))
    const jwksUrl = `${baseURL}/api/auth/jwks`
    const call = createCall(baseURL)
    // Makes the key now: tokens asked for at the same time would each make one.
    if (options.tokens === 'EdDSA') await call('/jwks')
    return { baseURL, jwksUrl, auth, call, close }
  } catch (error) {
    await close()
    throw error
  }
}
