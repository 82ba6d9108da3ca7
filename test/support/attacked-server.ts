import { afterEach, beforeEach } from 'vitest'
import { requestFields, headersOf } from './http2-frames.ts'
import { startEchoServer, type EchoServer } from './http2-echo-server.ts'
import { connectPeer, type Peer, type PeerOptions } from './http2-peer.ts'

/** A server for attacks, new for each test, and somebody whom they must not harm. */
export interface AttackedServer {
  readonly server: EchoServer
  readonly bystander: Peer
  readonly newPeer: (options?: PeerOptions) => Promise<Peer>
  /** One of another server is closed after the test, too. */
  readonly keepPeer: (peer: Peer) => void
  /** So is another server. */
  readonly keepServer: (server: EchoServer) => void
}

/** Registers what starts and closes it; the fields are those of the test that runs. */
export function attackedServer(): AttackedServer {
  let server: EchoServer
  let bystander: Peer
  const peers: Peer[] = []
  const others: EchoServer[] = []
  const newPeer = async (options: PeerOptions = {}): Promise<Peer> => {
    const peer = await connectPeer(server.port, options)
    peers.push(peer)
    return peer
  }
  beforeEach(async () => {
    server = await startEchoServer()
    bystander = await newPeer()
  })
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.close()
    for (const other of others.splice(0)) await other.close()
    await server.close()
  })
  return {
    get server() {
      return server
    },
    get bystander() {
      return bystander
    },
    newPeer,
    keepPeer: (peer) => void peers.push(peer),
    keepServer: (other) => void others.push(other),
  }
}

/** Ids of so many streams of a client. */
export const odd = (count: number): number[] => Array.from({ length: count }, (_, at) => 2 * at + 1)

export const times = (count: number, octets: Uint8Array): Buffer =>
  Buffer.concat(Array<Uint8Array>(count).fill(octets))

/** A request without its message. */
export const headersTo = (id: number, method = 'Echo', endStream = false): Buffer =>
  headersOf(id, requestFields(`/test.Echo/${method}`), { endStream })
