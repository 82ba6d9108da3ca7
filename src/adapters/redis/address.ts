import { AppError } from '../../domain/errors.ts'

/** Where a Redis is, and as whom to speak to it. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
  readonly tls: boolean
}

/**
 * Reads `redis[s]://[user][:password]@host[:port][/database]`. Throws `CONFIG_INVALID` with a message
 * that repeats nothing of the URL, which may hold a password.
 */
export function readRedisUrl(text: string): RedisAddress {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'redis:' && url.protocol !== 'rediss:')) {
    throw new AppError('CONFIG_INVALID', 'the address of Redis is no redis:// or rediss:// URL')
  }
  const db = url.pathname.replace(/^\//, '')
  if (!/^\d{0,9}$/.test(db)) {
    throw new AppError('CONFIG_INVALID', 'the path of a Redis URL is the number of a database')
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || 'localhost',
    port: url.port === '' ? 6379 : Number(url.port),
    username: decoded(url.username),
    password: decoded(url.password),
    db: Number(db),
    tls: url.protocol === 'rediss:',
  }
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    throw new AppError('CONFIG_INVALID', 'user or password of the Redis URL are badly encoded')
  }
}
