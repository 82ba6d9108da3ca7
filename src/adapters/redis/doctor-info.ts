import type { Redis } from 'ioredis'
import { error, ok, warn, type Finding } from '../../domain/finding.ts'

/** Fields of `INFO`; undefined where the user may not ask for it. */
export type RedisInfo = ReadonlyMap<string, string> | undefined

/** Reads `INFO`. */
export async function readInfo(client: Redis): Promise<RedisInfo> {
  try {
    return parseInfo(await client.info())
  } catch (cause) {
    if (cause instanceof Error && cause.message.startsWith('NOPERM')) return undefined
    throw new Error('INFO was not answered', { cause })
  }
}

/** The fields of `INFO`, one a line, as `redis_version:7.2.4`. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':')
      return colon < 1 || line.startsWith('#')
        ? []
        : [[line.slice(0, colon), line.slice(colon + 1)] as const]
    }),
  )
}

/** What a Redis that is shared with other services must be, for entries to be kept in it. */
export function examineInfo(info: RedisInfo): readonly Finding[] {
  if (info === undefined) {
    return [ok('redis.info', 'INFO is not for this user: version, role and eviction are not told')]
  }
  return [version(info), role(info), cluster(info), eviction(info)]
}

type Info = NonNullable<RedisInfo>

function version(info: Info): Finding {
  const name = 'redis.version'
  const redis = info.get('redis_version') ?? ''
  const valkey = info.get('valkey_version')
  const shown = valkey === undefined ? `Redis ${redis}` : `Valkey ${valkey}`
  const [major = 0, minor = 0] = redis.split('.').map(Number)
  if (major > 6 || (major === 6 && minor >= 2)) return ok(name, shown)
  return error(name, shown, {
    why: 'entries are written with PXAT, which Redis knows from 6.2 on: nothing would ever be kept',
    mend: 'docker run --rm valkey/valkey:9   # or any Redis of 6.2 or later',
  })
}

function role(info: Info): Finding {
  const name = 'redis.role'
  const is = info.get('role') ?? ''
  if (is === 'master') return ok(name, 'it is a master')
  const master = info.get('master_host')
  return error(name, `it is a replica${master === undefined ? '' : ` of ${master}`}`, {
    why: 'it cannot be written, so nothing is kept or deleted, and what it holds is older than the master',
    mend: `REDIS_URL=redis://${master ?? '…'}:${info.get('master_port') ?? '6379'}   # with user, password and rediss: as they are`,
  })
}

function cluster(info: Info): Finding {
  const name = 'redis.cluster'
  if (info.get('cluster_enabled') !== '1') return ok(name, 'it is no Redis Cluster')
  return warn(name, 'it is a node of a Redis Cluster', {
    why: 'each node answers for its own slots only: entries of all others are neither read nor written',
    mend: 'REDIS_URL=redis://…   # name a Redis that is no cluster, or a proxy before this one',
  })
}

function eviction(info: Info): Finding {
  const name = 'redis.eviction'
  const policy = info.get('maxmemory_policy')
  const limit = Number(info.get('maxmemory') ?? '0')
  if (policy === undefined) return ok(name, 'what is evicted is not told')
  if (limit === 0) return ok(name, `${policy}, without a limit of memory`)
  if (policy.startsWith('allkeys-')) {
    return warn(name, `${policy} at ${info.get('maxmemory_human') ?? `${limit} bytes`}`, {
      why: 'when memory is full, any key goes: entries of tenantgate, which costs reads of PostgreSQL, and keys of other services that were to stay, pushed out by such entries',
      mend: 'CONFIG SET maxmemory-policy volatile-ttl   # entries of tenantgate all expire; and in redis.conf',
    })
  }
  if (policy === 'noeviction') {
    return warn(name, `${policy} at ${info.get('maxmemory_human') ?? `${limit} bytes`}`, {
      why: 'when memory is full, entries are not written: harmless, but more is read from PostgreSQL, and other services may miss their perm: keys',
      mend: 'CONFIG SET maxmemory-policy volatile-ttl   # and in redis.conf',
    })
  }
  return ok(name, policy)
}
