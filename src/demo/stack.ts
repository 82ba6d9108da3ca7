import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startEnvoy, type EnvoyOptions, type EnvoyServer } from '../adapters/servers/envoy.ts'
import { createDatabase, dropDatabase } from '../adapters/servers/postgres.ts'
import { startBetterAuth, type BetterAuthServer } from './better-auth-server.ts'
import type { TokenKind } from './better-auth-tokens.ts'
import { connectEventPublisher, type EventPublisher } from './event-publisher.ts'
import { createPersonas, type Personas } from './personas.ts'
import { startTenantgate, type TenantgateProcess } from './tenantgate-process.ts'
import { startUpstream, type Upstream } from './upstream.ts'

/** The example policy, which the demo and the end-to-end tests enforce. */
export const examplePolicy = resolve(import.meta.dirname, '../../examples/policy.yaml')

/** Everything between a client and an upstream, running on this machine. */
export interface Stack {
  readonly betterAuth: BetterAuthServer
  readonly personas: Personas
  readonly upstream: Upstream
  readonly tenantgate: TenantgateProcess
  readonly envoy: EnvoyServer
  /** The database that Better Auth writes and tenantgate reads. */
  readonly databaseUrl: string
  /** What Better Auth's hooks publish. */
  readonly events: EventPublisher
  /** The file that tenantgate's decisions are written to. */
  readonly decisionLog: string
  /** The variables that tenantgate was started with. */
  readonly env: Readonly<Record<string, string>>
  readonly close: () => Promise<void>
}

export interface StackOptions {
  readonly postgresUrl: string
  readonly redisUrl: string
  readonly natsUrl: string
  /** Path of the executable. */
  readonly envoy: string
  /** How the tokens are signed; EdDSA is Better Auth's default. */
  readonly tokens: TokenKind
  readonly policy?: string
  /** As '12h'; Better Auth's default is '15m'. */
  readonly tokenLifetime?: string
  /** More variables for tenantgate. */
  readonly env?: Readonly<Record<string, string>>
  readonly envoyOptions?: Partial<EnvoyOptions>
  readonly onProgress?: (line: string) => void
}

/** Starts Better Auth with its personas, an upstream, tenantgate and Envoy, in this order. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const stop of closers.splice(0).reverse()) await stop()
  }
  const tell = options.onProgress ?? (() => undefined)
  try {
    const name = `tenantgate_${randomBytes(6).toString('hex')}`
    const databaseUrl = await createDatabase(options.postgresUrl, name)
    closers.push(() => dropDatabase(options.postgresUrl, name))
    const secret = randomBytes(32).toString('base64url')
    const events = await connectEventPublisher(options.natsUrl, name)
    closers.push(events.close)
    tell('starting Better Auth, which makes its tables')
    const betterAuth = await startBetterAuth({
      databaseUrl,
      secret,
      tokens: options.tokens,
      publish: events.publish,
      ...(options.tokenLifetime !== undefined && { tokenLifetime: options.tokenLifetime }),
    })
    closers.push(betterAuth.close)
    const folder = await mkdtemp(join(tmpdir(), 'tenantgate-demo-'))
    closers.push(() => rm(folder, { recursive: true }))
    const env = {
      TENANTGATE_DECISION_LOG: join(folder, 'decisions.jsonl'),
      TENANTGATE_POLICY: options.policy ?? examplePolicy,
      DATABASE_URL: databaseUrl,
      REDIS_URL: options.redisUrl,
      NATS_URL: options.natsUrl,
      TENANTGATE_NATS_PREFIX: name, // the server may serve others too
      BETTER_AUTH_URL: betterAuth.baseURL,
      ...(options.tokens === 'HS256'
        ? { BETTER_AUTH_SECRET: secret }
        : {
            TENANTGATE_JWKS: betterAuth.jwksUrl,
            TENANTGATE_CACHE_KEY: randomBytes(32).toString('base64url'),
          }),
      ...options.env,
    }
    tell('signing up the personas')
    const upstream = await startUpstream()
    closers.push(upstream.close)
    const [personas, tenantgate] = await Promise.all([
      createPersonas(betterAuth),
      startTenantgate(env),
    ])
    closers.push(tenantgate.close)
    tell('starting Envoy')
    const envoy = await startEnvoy({
      envoy: options.envoy,
      authz: tenantgate.workerAddresses,
      upstream: upstream.address,
      ...options.envoyOptions,
    })
    closers.push(envoy.close)
    return {
      ...{ betterAuth, personas, upstream, tenantgate, envoy, databaseUrl, events, env, close },
      decisionLog: env.TENANTGATE_DECISION_LOG,
    }
  } catch (error) {
    await close()
    throw error
  }
}
