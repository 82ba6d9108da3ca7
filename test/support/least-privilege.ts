import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile, chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { startChild, type Child } from '../../src/adapters/servers/child.ts'
import { startNats, type NatsServer } from '../../src/adapters/servers/nats.ts'
import { startPostgres, type PostgresServer } from '../../src/adapters/servers/postgres.ts'
import { startValkey, type ValkeyServer } from '../../src/adapters/servers/valkey.ts'
import { ensureWheels } from '../../src/adapters/servers/wheels.ts'
import { runSql } from './better-auth-tables.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const secret = () => `k${randomBytes(24).toString('hex')}`

/** Passwords as deploy/compose/generate-secrets.sh makes them. */
export const passwords = {
  BETTER_AUTH_POSTGRES_PASSWORD: secret(),
  TENANTGATE_POSTGRES_PASSWORD: secret(),
  TENANTGATE_REDIS_PASSWORD: secret(),
  READER_REDIS_PASSWORD: secret(),
  TENANTGATE_NATS_PASSWORD: secret(),
  BETTER_AUTH_NATS_PASSWORD: secret(),
  ADMINISTRATOR_NATS_PASSWORD: secret(),
}

/** Servers whose users are those of deploy/, from these very files. */
export interface Guarded {
  readonly postgres: PostgresServer
  readonly redis: ValkeyServer
  readonly nats: NatsServer
  /** A URL for a user. */
  readonly as: (server: 'postgres' | 'redis' | 'nats', user: string, password: string) => string
  /** The superuser's, in the database `app`. */
  readonly ownerUrl: string
  /** Runs a file with psql, as the superuser. */
  readonly psql: (file: string) => Promise<void>
  readonly close: () => Promise<void>
}

/** psql of the wheels; with the environment of a container, not of this process. */
async function psqlFile(home: string, url: string, file: string): Promise<void> {
  await run(join(home, 'bin', 'psql'), [url, '-X', '-v', 'ON_ERROR_STOP=1', '-q', '-f', file], {
    env: { PATH: process.env['PATH'], ...passwords },
  })
}

/** What postgres-init.sh does in a container, whose psql finds its server by a socket. */
async function initPostgres(url: string, folder: string, home: string): Promise<void> {
  const psql = join(folder, 'psql')
  await writeFile(psql, `#!/bin/sh\nexec '${join(home, 'bin', 'psql')}' -X -q "$@"\n`)
  await chmod(psql, 0o755)
  const { port } = new URL(url)
  await run('sh', ['deploy/compose/postgres-init.sh'], {
    cwd: root,
    env: {
      ...passwords,
      PATH: `${folder}:${process.env['PATH'] ?? ''}`,
      ...{ PGHOST: '127.0.0.1', PGPORT: port },
    },
  })
}

/** Starts them; PostgreSQL asks everybody but its superuser for a password. */
export async function startGuarded(natsConfig: string): Promise<Guarded> {
  const binaries = await ensureWheels()
  const folder = await mkdtemp(join(tmpdir(), 'tenantgate-deploy-'))
  await chmod(folder, 0o755) // PostgreSQL reads its rules there, as another user
  const closers = [() => rm(folder, { recursive: true })]
  const close = async () => {
    for (const stop of closers.splice(0).reverse()) await stop()
  }
  try {
    const rules = join(folder, 'pg_hba.conf')
    await writeFile(rules, 'host all postgres all trust\nhost all all all scram-sha-256\n')
    const postgres = await startPostgres({ binaries, settings: { hba_file: rules } })
    closers.push(postgres.close)
    const acl = join(folder, 'users.acl')
    const { stdout } = await run('sh', ['deploy/redis/users-acl.sh'], {
      cwd: root,
      env: { PATH: process.env['PATH'], ...passwords },
    })
    await writeFile(acl, stdout)
    const redis = await startValkey({ binaries, args: ['--aclfile', acl] })
    closers.push(redis.close)
    Object.assign(process.env, passwords) // the configuration reads them there
    const nats = await startNats({
      binaries,
      args: ['--config', join(root, 'deploy/nats', natsConfig), '--http_port', '0'],
    })
    closers.push(nats.close)
    const ownerUrl = await postgres.createDatabase('app')
    const { postgresHome } = binaries
    await initPostgres(ownerUrl, folder, postgresHome)
    return {
      ...{ postgres, redis, nats, ownerUrl, close },
      as(server, user, password) {
        const url = new URL({ postgres: ownerUrl, redis: redis.url, nats: nats.url }[server])
        url.username = user
        url.password = password
        return url.href
      },
      psql: (file) => psqlFile(postgresHome, ownerUrl, join(root, file)),
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The service in examples/better-auth-service, or one of its commands. */
export async function runBetterAuth(
  script: 'prepare.ts' | 'server.ts',
  guarded: Guarded,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly child: Child; readonly url: string }> {
  let url: string | undefined
  const child = await startChild({
    name: script,
    command: process.execPath,
    args: [join(root, 'examples/better-auth-service', script)],
    env: {
      PATH: process.env['PATH'],
      ...{ HOST: '127.0.0.1', PORT: '0', BETTER_AUTH_URL: 'http://localhost:10000' },
      BETTER_AUTH_SECRET: 'a secret of the tests with more than 32 characters',
      DATABASE_URL: guarded.as('postgres', 'better_auth', passwords.BETTER_AUTH_POSTGRES_PASSWORD),
      NATS_URL: guarded.as('nats', 'better_auth', passwords.BETTER_AUTH_NATS_PASSWORD),
      ...env,
    },
    ready(log) {
      url ??= /listening at (\S+)/.exec(log)?.[1]
      return url !== undefined || log.includes('prepared')
    },
  })
  return { child, url: url ?? '' }
}

/** Runs SQL as tenantgate's role, with its settings taken back, as a thief of the password could. */
export function asThief(guarded: Guarded, sql: string): Promise<Record<string, unknown>[]> {
  const url = guarded.as('postgres', 'tenantgate', passwords.TENANTGATE_POSTGRES_PASSWORD)
  return runSql(`${url}?options=-c%20default_transaction_read_only%3Doff`, sql)
}
