import { once } from 'node:events'
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { afterEach, expect, it } from 'vitest'
import { startRawClient, type RawClient } from '../../bench/harness/raw-client.ts'
import { until } from '../support/poll.ts'

const allow = Buffer.from([0x0a, 0x00])
const deny = Buffer.from([0x0a, 0x02, 0x08, 0x07])
const identity = (bytes: Buffer): Buffer => bytes
const servers: Server[] = []
const clients: RawClient[] = []
const peers: NetServer[] = []

afterEach(() => {
  for (const client of clients.splice(0)) client.close()
  for (const server of servers.splice(0)) server.forceShutdown()
  for (const peer of peers.splice(0)) peer.close()
})

/** A server that says what it was asked, and answers as `answerOf` says. */
async function serve(answerOf: (message: Buffer) => Buffer): Promise<number> {
  const server = new Server()
  servers.push(server)
  const path = '/envoy.service.auth.v3.Authorization/Check'
  const types = { requestStream: false, responseStream: false } as const
  const codec = {
    ...{ requestSerialize: identity, requestDeserialize: identity },
    ...{ responseSerialize: identity, responseDeserialize: identity },
  }
  server.addService(
    { check: { path, ...types, ...codec } },
    {
      check(call: { request: Buffer }, callback: (error: null, answer: Buffer) => void) {
        callback(null, answerOf(call.request))
      },
    },
  )
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  )
  return promise
}

/** A peer that takes frames and answers nothing. */
async function rawPeer() {
  let [dataBytes, acks] = [0, 0]
  let socket: Socket | undefined
  const server = createServer((accepted) => {
    socket = accepted.on('error', () => undefined)
    accepted.write(Buffer.from('000000040000000000', 'hex')) // empty SETTINGS
    let rest = Buffer.alloc(0)
    let greeted = false
    accepted.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      if (!greeted) rest = rest.subarray('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.length)
      greeted = true
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        const length = rest.readUIntBE(0, 3)
        if (rest[3] === 0) dataBytes += length
        if (rest[3] === 6 && rest[4] === 1) acks += 1
        rest = rest.subarray(9 + length)
      }
    })
  })
  peers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    dataBytes: () => dataBytes,
    /** Two PINGs: what was to be sent when the first was answered is there before the second. */
    async settle() {
      for (let ping = 0; ping < 2; ping += 1) {
        const wanted = acks + 1
        await until(() => socket?.write(Buffer.from('0000080600000000000000000000000000', 'hex')), {
          what: 'a connection',
        })
        await until(() => acks >= wanted, { what: 'the answer to a PING' })
      }
    },
    allowMore(bytes: number) {
      const update = Buffer.from('00000408000000000000000000', 'hex')
      update.writeUInt32BE(bytes, 9)
      socket?.write(update)
    },
  }
}

/** 15 kB: four of them fill what a server takes at first. */
const messages = Array.from({ length: 3 }, (_, index) => Buffer.alloc(15_000, index + 1))

it('asks on and on, each message in turn, as far as the server takes it', async () => {
  const seen = new Map<number, number>()
  const port = await serve((message) => {
    expect(message).toHaveLength(15_000)
    seen.set(message[0] ?? 0, (seen.get(message[0] ?? 0) ?? 0) + 1)
    return allow
  })
  const client = startRawClient(port, messages, 8)
  clients.push(client)
  await until(() => client.answered() > 600, { what: 'more than 600 answers' })
  expect(client.wrong()).toBe(0)
  expect([...seen.keys()].sort()).toEqual([1, 2, 3])
  expect(Math.min(...seen.values())).toBeGreaterThan(150)
})

it('sends no more than the server takes, until it takes more', async () => {
  const peer = await rawPeer()
  clients.push(startRawClient(peer.port, messages, 8))
  await peer.settle()
  expect(peer.dataBytes()).toBe(4 * 15_005) // the fifth would pass 65,535
  peer.allowMore(4 * 15_005)
  await peer.settle()
  expect(peer.dataBytes()).toBe(8 * 15_005)
})

it('counts what is no allow', async () => {
  const port = await serve((message) => (message[0] === 1 ? deny : allow))
  const client = startRawClient(port, messages, 4)
  clients.push(client)
  await until(() => client.answered() > 60, { what: 'more than 60 answers' })
  expect(client.wrong()).toBeGreaterThan(15)
  expect(client.wrong()).toBeLessThan(client.answered() / 2)
})
