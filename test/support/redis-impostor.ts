import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'

/** A server that answers each command by its name, in upper case, as it is told: RESP or anything. */
export interface RedisImpostor {
  readonly url: string
  readonly opened: () => number
  /** How many of them clients have reset. */
  readonly resets: () => number
  readonly close: () => Promise<void>
}

export interface ImpostorAnswers {
  /** Sent to whoever connects. */
  readonly greeting?: string
  /** By command; undefined: not a word. */
  readonly answer?: (command: string) => string | undefined
  /** How late each answer is, in ms. */
  readonly delayMs?: number
  /** Hangs up on whoever connects. */
  readonly hangsUp?: boolean
}

export async function startRedisImpostor({
  answer,
  delayMs = 0,
  greeting,
  hangsUp = false,
}: ImpostorAnswers): Promise<RedisImpostor> {
  const clients = new Set<Socket>()
  let opened = 0
  let resets = 0
  const server = createServer((client) => {
    opened += 1
    clients.add(client)
    client.on(
      'error',
      (error: NodeJS.ErrnoException) => void (resets += Number(error.code === 'ECONNRESET')),
    )
    client.on('close', () => clients.delete(client))
    if (greeting !== undefined) client.write(greeting)
    if (hangsUp) client.destroy()
    client.on('data', (bytes) => {
      for (const [, command] of bytes.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        const reply = answer?.((command ?? '').toUpperCase()) ?? ''
        if (delayMs === 0) client.write(reply)
        else setTimeout(() => client.write(reply), delayMs)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    opened: () => opened,
    resets: () => resets,
    async close() {
      for (const client of clients) client.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
