import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startNats, type NatsServer } from '../../src/adapters/servers/nats.ts'
import { startPostgres, type PostgresServer } from '../../src/adapters/servers/postgres.ts'
import { startValkey, type ValkeyServer } from '../../src/adapters/servers/valkey.ts'
import { ensureWheels } from '../../src/adapters/servers/wheels.ts'
import { betterAuthTables } from '../../test/support/better-auth-tables.ts'
import { changePublisher, type ChangePublisher } from '../../test/support/change-publisher.ts'
import { readPolicy, readSubjects, type Subject } from './data-sets.ts'

const rowsAtOnce = 10_000

/** What tenantgate runs against: real servers with Better Auth's tables and the workload's subjects. */
export interface World {
  readonly postgres: PostgresServer
  readonly valkey: ValkeyServer
  readonly nats: NatsServer
  readonly publisher: ChangePublisher
  /** The JetStream stream of changes. */
  readonly stream: string
  /** `performance.now()` when the stream was made. */
  readonly streamMadeMs: number
  /** The variables that name these servers, the keys and the claims. */
  readonly env: Readonly<Record<string, string>>
  /** Path of the policy with that many routes, as tenantgate reads it. */
  readonly policyFile: (routes: number) => string
  /** Puts the subjects of a set into PostgreSQL, once. */
  readonly addSubjects: (set: string) => Promise<void>
  readonly sql: (text: string, values?: readonly unknown[]) => Promise<void>
  readonly close: () => Promise<void>
}

/** Starts PostgreSQL, Valkey and NATS; the data of `base` has to be there. */
export async function startWorld(): Promise<World> {
  const binaries = await ensureWheels({})
  const [postgres, nats, valkey] = await Promise.all([
    startPostgres({ binaries }),
    startNats({ binaries }),
    startValkey({ binaries }),
  ])
  const folder = mkdtempSync(join(tmpdir(), 'tenantgate-bench-'))
  const pool = new pg.Pool({ connectionString: postgres.url, max: 2 })
  const { audience, ed25519PublicKey, issuer, keyId, secret } = readPolicy(100)
  await pool.query(betterAuthTables({ adapter: 'built-in', ids: 'text' }))
  await pool.query('CREATE INDEX idx_members_user_org ON members (user_id, organization_id)')
  const jwk = JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: ed25519PublicKey })
  await pool.query(
    `INSERT INTO jwks (id, public_key, private_key, created_at, alg, crv)
      VALUES ($1, $2, '-', now(), 'EdDSA', 'Ed25519')`,
    [keyId, jwk],
  )
  const publisher = await changePublisher(nats.url)
  const stream = 'changes'
  await publisher.createStream({ name: stream })
  const added = new Set<string>()
  return {
    ...{ postgres, valkey, nats, publisher, stream, streamMadeMs: performance.now() },
    env: {
      DATABASE_URL: postgres.url,
      REDIS_URL: valkey.url,
      NATS_URL: nats.url,
      BETTER_AUTH_SECRET: secret,
      TENANTGATE_JWT_ISSUER: issuer,
      TENANTGATE_JWT_AUDIENCE: audience,
    },
    policyFile: (routes) => writePolicy(join(folder, `policy-${routes}.json`), routes),
    async addSubjects(set) {
      if (added.has(set)) return
      added.add(set)
      const subjects = readSubjects(set)
      for (let at = 0; at < subjects.length; at += rowsAtOnce) {
        await insert(pool, subjects.slice(at, at + rowsAtOnce))
      }
      await pool.query('ANALYZE')
    },
    async sql(text, values) {
      await pool.query(text, values && [...values])
    },
    async close() {
      await Promise.all([pool.end(), publisher.close()])
      await Promise.all([postgres.close(), nats.close(), valkey.close()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** JSON is YAML; each route is named by what it needs and its number. */
function writePolicy(file: string, count: number): string {
  const { roles, routes } = readPolicy(count)
  const policy = {
    version: 1,
    tenant: { path: 'organizationId' },
    roles,
    routes: routes.map(({ method, path, permission }, index) => ({
      name: `${permission.replace(':', '.')}.${index}`,
      match: `${method} ${path}`,
      permission,
    })),
  }
  writeFileSync(file, JSON.stringify(policy))
  return file
}

async function insert(pool: pg.Pool, subjects: readonly Subject[]): Promise<void> {
  const users = subjects.map(({ user }) => user)
  const organizations = subjects.map(({ organization }) => organization)
  await pool.query(
    `INSERT INTO users (id, name, email, email_verified, role)
      SELECT u, u, u || '@example.com', true, 'user' FROM unnest($1::text[]) AS u
      ON CONFLICT DO NOTHING`,
    [users],
  )
  await pool.query(
    `INSERT INTO organizations (id, name, slug, created_at)
      SELECT o, o, o, now() FROM unnest($1::text[]) AS o ON CONFLICT DO NOTHING`,
    [organizations],
  )
  await pool.query(
    `INSERT INTO members (id, organization_id, user_id, role, created_at)
      SELECT u || '-' || o, o, u, r, now()
      FROM unnest($1::text[], $2::text[], $3::text[]) AS a (u, o, r) ON CONFLICT DO NOTHING`,
    [users, organizations, subjects.map(({ role }) => role)],
  )
}
