import { Command, type Redis } from 'ioredis'

/**
 * Looks one key up by GET, several by MGET; the answer is bytes, or an array of them. It is sent at once
 * unless a write still waits to be sent, which it must not overtake: the library sends what it gathers only
 * after the turn, and not before all that it sent before is answered.
 */
export function lookUp(client: Redis, keys: readonly string[]): Promise<unknown> {
  const [first = ''] = keys
  if (client.autoPipelineQueueSize > 0) {
    return keys.length === 1 ? client.getBuffer(first) : client.mgetBuffer([...keys])
  }
  const name = keys.length === 1 ? 'get' : 'mget'
  return client.sendCommand(
    new Command(name, [...keys], { replyEncoding: null }),
  ) as Promise<unknown>
}
