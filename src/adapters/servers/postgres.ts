import { execFile } from 'node:child_process'
import { chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import type { ServerBinaries } from './binaries.ts'
import { type Child, ServerStartError, startChild } from './child.ts'
import { LOOPBACK } from './ports.ts'
import { runnableHome, unprivilegedUser, type User } from './postgres-home.ts'
import { type Restartable, startRestartable } from './restartable.ts'
import { createTempDir, type TempDir } from './temp-dir.ts'

const run = promisify(execFile)

export interface PostgresOptions {
  readonly binaries: Pick<ServerBinaries, 'postgresHome'>
  /** Default: a free one. */
  readonly port?: number
  /** Further settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
}

/** `pause` freezes the postmaster alone: sessions that are open go on. */
export interface PostgresServer extends Restartable {
  /** Superuser `postgres`, database `postgres`, no password, no TLS. */
  readonly url: string
  /** Creates an empty database and gives its URL. */
  readonly createDatabase: (name: string) => Promise<string>
}

/** For speed: nothing here survives a crash of the machine, or has to. */
const FAST = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/** Creates a database next to the one that `url` names; the role needs CREATEDB. */
export async function createDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
  const created = new URL(url)
  created.pathname = `/${encodeURIComponent(name)}`
  return created.href
}

/** Drops a database that was made for a run, and ends what is still connected to it. */
export async function dropDatabase(url: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`)
  } finally {
    await client.end()
  }
}

interface Cluster {
  readonly home: string
  readonly dataDir: string
  readonly user: User | undefined
  readonly settings: Readonly<Record<string, string>>
}

/** Locale and language fixed: the log is read. */
const ENV = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }

async function initialise({ home, dataDir, user }: Cluster): Promise<void> {
  await mkdir(dataDir, { mode: 0o700 })
  if (user) await chown(dataDir, user.uid, user.gid)
  const args = ['-D', dataDir, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C']
  await run(join(home, 'bin', 'initdb'), args, { cwd: dataDir, env: ENV, ...user }).catch(
    (cause: unknown) => {
      const { stdout, stderr } = cause as { stdout?: string; stderr?: string }
      throw new ServerStartError('initdb failed', `${stdout ?? ''}${stderr ?? ''}`, cause)
    },
  )
}

function launch({ home, dataDir, user, settings }: Cluster, port: number): Promise<Child> {
  const set = Object.entries({ ...FAST, ...settings }).flatMap(([k, v]) => ['-c', `${k}=${v}`])
  return startChild({
    name: `PostgreSQL on port ${port}`,
    command: join(home, 'bin', 'postgres'),
    args: ['-D', dataDir, '-h', LOOPBACK, '-p', String(port), '-k', '', ...set],
    cwd: dataDir,
    env: ENV,
    ...user,
    ready: (log) => log.includes('database system is ready to accept connections'),
    stopSignal: 'SIGINT', // "fast": ends sessions instead of waiting for them
  })
}

async function prepare(options: PostgresOptions, scratch: TempDir): Promise<Cluster> {
  const { binaries, settings = {} } = options
  const user = unprivilegedUser()
  const { postgresHome } = binaries
  const home = user ? await runnableHome(postgresHome, user, scratch.path) : postgresHome
  const cluster = { home, dataDir: join(scratch.path, 'data'), user, settings }
  await initialise(cluster)
  return cluster
}

/** Starts a new, empty PostgreSQL; as user 65534 if we are root. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const scratch = await createTempDir('postgres')
  const cluster = await prepare(options, scratch).catch(async (error: unknown) => {
    await scratch.remove()
    throw error
  })
  const server = await startRestartable({
    port: options.port,
    launch: (port) => launch(cluster, port),
    cleanUp: scratch.remove,
  })
  const url = `postgres://postgres@${LOOPBACK}:${server.port}/postgres`
  return Object.assign(server, { url, createDatabase: (name: string) => createDatabase(url, name) })
}
