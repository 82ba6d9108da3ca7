import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Attempt } from './attempt.ts'
import type { ServerAddress } from './server-address.ts'

const dialMs = 3_000
const connectMs = 8_000
const socketCreated = 'net.client.socket'
const dialling = new AsyncLocalStorage<(socket: Socket) => void>()

/**
 * Opens one connection that is never repaired; it is gone when the attempt ends.
 *
 * The library forgets the socket of a server that accepts and then says nothing, and it would stay
 * open for ever. So sockets are noted where Node.js makes them, in the asynchronous context of this
 * call alone, and destroyed at the end.
 */
export async function dial(attempt: Attempt, address: ServerAddress): Promise<NatsConnection> {
  const note = (message: unknown) => {
    const { socket } = message as { readonly socket: unknown }
    if (socket instanceof Socket) dialling.getStore()?.(socket)
  }
  subscribe(socketCreated, note)
  attempt.onEnd(() => unsubscribe(socketCreated, note))
  const opening = dialling.run(
    (socket) => attempt.onEnd(() => destroy(socket)),
    () => connect({ ...address, ...settings }),
  )
  // Also where it comes after the attempt has ended.
  const opened = opening.then((nats) => {
    attempt.onEnd(() => void nats.close().catch(() => undefined))
    return nats
  })
  const nats = await attempt.within(opened, connectMs, 'connecting')
  unsubscribe(socketCreated, note)
  void nats.closed().then((cause) => {
    attempt.end(cause instanceof Error ? cause.message : 'the server closed the connection')
  })
  return nats
}

const settings = {
  name: 'tenantgate',
  timeout: dialMs,
  reconnect: false,
  // The servers are those that were named: others that they gossip about may be out of reach.
  ignoreClusterUpdates: true,
  noAsyncTraces: true,
}

function destroy(socket: Socket): void {
  socket.on('error', () => undefined) // the library has taken its own listeners off
  socket.destroy()
}
