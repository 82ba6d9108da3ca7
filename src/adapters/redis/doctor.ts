import { Redis } from 'ioredis'
import { hasCredentials, isLocal, placeOf } from '../../application/doctor-address.ts'
import { compareClocks } from '../../application/doctor-clock.ts'
import type { Check, OpenPart, Part } from '../../application/doctor.ts'
import { ok, warn, type Finding } from '../../domain/finding.ts'
import { readRedisUrl } from './address.ts'
import { redisFault } from './client.ts'
import { examineInfo, readInfo } from './doctor-info.ts'

/** What Redis is examined for. */
export interface RedisDoctorDeps {
  readonly url: string
  /** Wall clock, in ms. */
  readonly now: () => number
}

const connectMs = 3_000
const commandMs = 4_000

/** The part of the doctor that looks at Redis. It reads, and writes no key. */
export function redisPart(deps: RedisDoctorDeps): Part {
  return {
    name: 'redis',
    place: placeOf(deps.url),
    open: () => open(deps),
    unreachable: {
      why: 'the shared tier is absent: every process reads each fact from PostgreSQL by itself, and other services find no perm: keys. No bound on revocation changes',
      mend: 'redis-cli -u "$REDIS_URL" PING   # the same from this machine; or unset REDIS_URL',
    },
  }
}

async function open({ url, now }: RedisDoctorDeps): Promise<OpenPart> {
  const client = connectTo(url)
  let lost: unknown
  client.on('error', (cause: unknown) => (lost ??= cause))
  try {
    await client.connect()
    await client.ping()
  } catch (cause) {
    client.disconnect()
    // The library rejects with a word about the connection, and tells its event the reason.
    throw redisFault(lost ?? cause)
  }
  return {
    findings: [ok('redis.reachable', `${placeOf(url)} answers`), ...examineAccess(url)],
    checks: checksOf(client, now),
    answers: () => asked(client.ping()),
    close: () => client.disconnect(),
  }
}

function checksOf(client: Redis, now: () => number): readonly Check[] {
  return [
    {
      name: 'redis.info',
      doubt: 'warn',
      run: async () => examineInfo(await readInfo(client)),
    },
    {
      name: 'redis.clock',
      doubt: 'warn',
      run: async () => [
        await compareClocks({
          name: 'redis.clock',
          whose: "Redis's clock",
          status: 'warn',
          why: 'Redis drops an entry at its own time: too early, and more facts are read from PostgreSQL; too late, and other services see a perm: key for longer than CACHE_TTL',
          read: () => readClock(client),
          now,
        }),
      ],
    },
    { name: 'redis.rights', doubt: 'warn', run: async () => [await examineRights(client)] },
  ]
}

function connectTo(url: string): Redis {
  const { db, host, password, port, tls, username } = readRedisUrl(url)
  return new Redis({
    ...{ host, port, db },
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    connectionName: 'tenantgate-doctor',
    disableClientInfo: true,
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: connectMs,
    commandTimeout: commandMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
}

/** Errors of the library carry the command, whose arguments may be a password. */
async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    throw redisFault(cause)
  }
}

/** What the URL itself tells of who can read and write there. */
export function examineAccess(url: string): readonly Finding[] {
  if (isLocal(url)) {
    return [
      ok('redis.encryption', 'on this machine'),
      ok('redis.password', 'not needed on this machine'),
    ]
  }
  const encrypted = url.startsWith('rediss:')
  return [
    encrypted
      ? ok('redis.encryption', 'the connection is encrypted')
      : warn('redis.encryption', 'the connection crosses a network in plain text', {
          why: 'entries are sealed, so nobody on the way can grant here; but he reads who may do what, and the password, and can change what other services read',
          mend: 'REDIS_URL=rediss://…   # with tls-port in redis.conf',
        }),
    hasCredentials(url)
      ? ok('redis.password', 'a password is used')
      : warn('redis.password', 'Redis asks for no password', {
          why: 'whoever reaches it can write the perm: keys that other services trust, and replay old sealed entries for up to 1 s each',
          mend: 'ACL SETUSER tenantgate on >A-LONG-PASSWORD ~perm:* resetchannels -@all +get +mget +set +del +ping +select +time +info\n# and REDIS_URL=rediss://tenantgate:A-LONG-PASSWORD@…',
        }),
  ]
}

async function readClock(client: Redis): Promise<number> {
  const [seconds, microseconds] = await asked(client.time())
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000
}

/** Nobody is this: the key exists nowhere, and is only asked for. */
const nobody = 'perm:tenantgate-doctor:tenantgate-doctor'

/** Whether the user may do what the cache does; all but GET is asked about, never sent. */
async function examineRights(client: Redis): Promise<Finding> {
  const name = 'redis.rights'
  const refused: string[] = []
  await client.get(nobody).catch((cause: unknown) => refused.push(refusalOf(cause, 'GET')))
  const user = await client.call('ACL', 'WHOAMI').catch(() => undefined)
  let told = typeof user === 'string'
  for (const command of [
    ['SET', nobody, '[]', 'PX', '1000'],
    ['DEL', nobody],
    ['MGET', nobody],
  ]) {
    if (typeof user !== 'string') break
    const verdict = await client.call('ACL', 'DRYRUN', user, ...command).catch(() => undefined)
    if (verdict === undefined) told = false
    else if (verdict !== 'OK') refused.push(command[0] ?? '')
  }
  if (refused.length > 0) {
    const who = typeof user === 'string' ? user : 'the user of REDIS_URL'
    return warn(name, `${who} may not ${refused.join(', ')} perm: keys`, {
      why: 'without GET and SET the shared tier is absent; without DEL other services see a revoked role until the key expires; without MGET each entry takes a command of its own',
      mend: `ACL SETUSER ${who} ~perm:* +get +mget +set +del +ping +select`,
    })
  }
  return ok(
    name,
    told ? 'GET, MGET, SET and DEL of perm: keys' : 'GET of perm: keys; more is not told to us',
  )
}

function refusalOf(cause: unknown, command: string): string {
  const message = cause instanceof Error ? cause.message : ''
  if (message.startsWith('NOPERM')) return command
  throw redisFault(cause)
}
