import type { NodeConnectionOptions } from '@nats-io/transport-node'

/**
 * Reads `nats://` and `tls://` URLs, several separated by commas. The client ignores credentials in a
 * URL: `user:password@`, or a token alone before the `@`, are those of the first that has them.
 * @throws Error that does not repeat the URL, which may hold a password.
 */
export function readNatsAddress(text: string): NodeConnectionOptions {
  const urls = text.split(',').map((part) => readUrl(part.trim()))
  const named = urls.find(({ username }) => username !== '')
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port === '' ? '4222' : port}`),
    ...(urls.some(({ protocol }) => protocol === 'tls:') && { tls: {} }),
    ...(named !== undefined && credentials(named)),
  }
}

function readUrl(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`)
  if (url === null || url.hostname === '' || !['nats:', 'tls:'].includes(url.protocol)) {
    throw new Error('natsUrl has to be of the form nats://host:4222 or tls://host:4222')
  }
  return url
}

function credentials({ username, password }: URL): NodeConnectionOptions {
  const name = decodeURIComponent(username)
  return password === '' ? { token: name } : { user: name, pass: decodeURIComponent(password) }
}
