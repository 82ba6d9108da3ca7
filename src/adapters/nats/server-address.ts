import type { NodeConnectionOptions } from '@nats-io/transport-node'
import { AppError } from '../../domain/errors.ts'

/** Where NATS is and who we are there, as its client library wants it. */
export type ServerAddress = Pick<NodeConnectionOptions, 'user' | 'pass' | 'token' | 'tls'> & {
  /** `host:port` each, without credentials. */
  readonly servers: string[]
}

const defaultPort = '4222'

/**
 * Reads `nats://` and `tls://` URLs, several separated by commas. The library ignores credentials in
 * a URL: `user:password@`, or a token alone before the `@`, are those of the first that has them.
 * @throws AppError `CONFIG_INVALID`; its message never repeats the URL, which may hold a password.
 */
export function readServerAddress(text: string): ServerAddress {
  const urls = text.split(',').map((part) => readUrl(part.trim()))
  const tls = urls.some(({ protocol }) => protocol === 'tls:')
  const named = urls.find(({ username }) => username !== '')
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port === '' ? defaultPort : port}`),
    ...(tls && { tls: {} }),
    ...(named !== undefined && credentials(named)),
  }
}

function readUrl(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`)
  if (url === null || url.hostname === '') {
    throw new AppError('CONFIG_INVALID', 'the URL of NATS cannot be read')
  }
  if (url.protocol !== 'nats:' && url.protocol !== 'tls:') {
    throw new AppError('CONFIG_INVALID', 'the URL of NATS begins with neither nats:// nor tls://')
  }
  return url
}

function credentials({ username, password }: URL): Partial<ServerAddress> {
  try {
    const name = decodeURIComponent(username)
    return password === '' ? { token: name } : { user: name, pass: decodeURIComponent(password) }
  } catch {
    throw new AppError('CONFIG_INVALID', 'the credentials in the URL of NATS are wrongly encoded')
  }
}
