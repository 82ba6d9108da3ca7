import { isLocal } from '../../application/doctor-address.ts'
import { error, ok, warn, type Finding } from '../../domain/finding.ts'
import type { DoctorSession } from './doctor-session.ts'
import type { Database } from './pool.ts'

/** What the service opens, with a little to spare for whoever looks on. */
const neededConnections = 12
const oldestTested = 12

/** What the server says of itself and of this session. */
export interface ServerInfo extends Record<string, unknown> {
  readonly version: string
  readonly versionNumber: number
  readonly recovering: boolean
  readonly connections: number
  readonly role: string
  readonly database: string
  readonly pid: number
  /** Null where the role may not see it. */
  readonly encrypted: boolean | null
}

const serverText = `
  SELECT current_setting('server_version') AS version,
    current_setting('server_version_num')::int AS "versionNumber",
    pg_is_in_recovery() AS recovering, pg_backend_pid() AS pid,
    (SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()) AS encrypted,
    quote_ident(current_user) AS role, quote_ident(current_database()) AS database,
    least(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
      (SELECT CASE WHEN rolconnlimit < 0 THEN NULL ELSE rolconnlimit END FROM pg_catalog.pg_roles WHERE rolname = current_user),
      (SELECT CASE WHEN datconnlimit < 0 THEN NULL ELSE datconnlimit END FROM pg_catalog.pg_database WHERE datname = current_database())
    ) AS connections`

/** Asks the server what it is. */
export async function readServer(database: Database): Promise<ServerInfo> {
  const [row] = await database.query<ServerInfo>({
    name: 'tenantgate_doctor_server',
    text: serverText,
  })
  if (row === undefined) throw new Error('PostgreSQL gave no row')
  return row
}

/** What of the server and of the way to it weakens the service. */
export function examineServer(
  server: ServerInfo,
  session: DoctorSession,
  url: string,
): readonly Finding[] {
  return [
    version(server),
    replica(server),
    connections(server),
    encryption(server, url),
    pooler(server, session),
  ]
}

function version({ version, versionNumber }: ServerInfo): Finding {
  const name = 'postgres.version'
  if (versionNumber >= oldestTested * 10_000) return ok(name, `PostgreSQL ${version}`)
  return warn(name, `PostgreSQL ${version}`, {
    why: 'releases before 12 get no corrections any more, and nothing here is tested with them',
    mend: 'pg_upgrade   # to a release that is maintained',
  })
}

function replica({ recovering }: ServerInfo): Finding {
  const name = 'postgres.replica'
  if (!recovering) return ok(name, 'it is the primary')
  return warn(name, 'it is a replica', {
    why: 'its lag is added to every bound: a role that was revoked grants until the replica has heard of it, on routes with freshness: database too',
    mend: 'DATABASE_URL=postgres://…   # name the primary; the lag: SELECT now() - pg_last_xact_replay_timestamp();',
  })
}

function connections({ connections, role, database }: ServerInfo): Finding {
  const name = 'postgres.connections'
  if (connections >= neededConnections) return ok(name, `${connections} connections for all`)
  return warn(name, `${connections} connections at most`, {
    why: `tenantgate keeps up to 10, and others need some: where none is left, checks are answered 503`,
    mend: `ALTER ROLE ${role} CONNECTION LIMIT -1;\nALTER DATABASE ${database} CONNECTION LIMIT -1;\nALTER SYSTEM SET max_connections = 100;   -- then restart PostgreSQL`,
  })
}

function encryption({ encrypted }: ServerInfo, url: string): Finding {
  const name = 'postgres.encryption'
  if (encrypted === true) return ok(name, 'the connection is encrypted')
  if (isLocal(url)) return ok(name, 'plain text, on this machine')
  if (encrypted === null) return ok(name, 'a pooler answers: whether it is encrypted is not told')
  return warn(name, 'the connection crosses a network in plain text', {
    why: 'who is on the way reads who may do what, and can change it',
    mend: 'DATABASE_URL=postgres://…?sslmode=verify-full   # with ssl = on in postgresql.conf',
  })
}

function pooler({ pid }: ServerInfo, { announcedPid }: DoctorSession): Finding {
  const name = 'postgres.pooler'
  if (announcedPid === null || announcedPid === pid) return ok(name, 'no pooler in between')
  return warn(name, 'a pooler (as PgBouncer) stands in between', {
    why: 'in transaction mode it keeps neither session settings (read-only, UTC, statement timeout) nor, unless told to, prepared statements: bans may end at the wrong time, and checks fail',
    mend: 'pool_mode = session   # in pgbouncer.ini for this database; or name PostgreSQL itself in DATABASE_URL',
  })
}

/** Where the settings of the session do not hold, no statement after them can be trusted. */
export async function examineSession(database: Database): Promise<Finding> {
  const name = 'postgres.session'
  const [row] = await database.query<{ read_only: string; zone: string }>({
    name: 'tenantgate_doctor_session',
    text: `SELECT current_setting('transaction_read_only') AS read_only, current_setting('TimeZone') AS zone`,
  })
  if (row?.read_only === 'on' && row.zone === 'UTC') return ok(name, 'read-only, in UTC')
  return error(name, `read-only is ${row?.read_only ?? '?'}, the time zone ${row?.zone ?? '?'}`, {
    why: 'settings of a session do not hold on this connection: statements can write, and bans end at the wrong time',
    mend: 'pool_mode = session   # of the pooler in between; or name PostgreSQL itself in DATABASE_URL',
  })
}
