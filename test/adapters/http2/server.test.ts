import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectSession, type ClientHttp2Session } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, onTestFinished } from 'vitest'
import type {
  LeanCertificates,
  LeanServer,
  LeanServerOptions,
} from '../../../src/adapters/http2/options.ts'
import { startLeanServer } from '../../../src/adapters/http2/server.ts'
import { createAuthority } from '../../support/certificates.ts'
import { eventually, timed } from '../../support/eventually.ts'
import { testFolder } from '../../support/folder.ts'
import { handshake } from '../../support/handshake.ts'
import { createEchoMethods } from '../../support/http2-echo-methods.ts'
import { connectPeer, type Peer, type PeerOptions } from '../../support/http2-peer.ts'
import { uint32 } from '../../support/http2-frames.ts'
import { until } from '../../support/poll.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function start(options: Partial<LeanServerOptions> = {}): Promise<LeanServer> {
  const server = await startLeanServer({
    listen: '127.0.0.1:0',
    methods: createEchoMethods().methods,
    services: ['test.Echo'],
    maxMessageBytes: 1024 * 1024,
    drainMs: 500,
    monotonicNow: () => performance.now(),
    onFault: (cause) => {
      throw cause
    },
    ...options,
  })
  closers.push(server.close)
  return server
}
const portOf = (server: LeanServer): number => Number(server.address.split(':').at(-1))

async function peerOf(server: LeanServer, options: PeerOptions = {}): Promise<Peer> {
  const { address } = server
  const target = address.startsWith('unix:') ? address.slice(5) : portOf(server)
  const peer = await connectPeer(target, options)
  closers.push(peer.close)
  return peer
}

describe.each([
  ['into one buffer', true],
  ['into buffers of Node, where it has no other way', false],
])('a server that reads %s', (_how, readsIntoSharedBuffer) => {
  it('answers many clients at once, each its own', async () => {
    const server = await start({ readsIntoSharedBuffer })
    const peers = await Promise.all(Array.from({ length: 20 }, () => peerOf(server)))
    const asked = peers.flatMap((peer, at) =>
      Array.from({ length: 20 }, (_, n) => [peer, `${at}/${n}/${'z'.repeat(700 * n)}`] as const),
    )
    const answers = await Promise.all(asked.map(([peer, text]) => peer.call('Echo', text)))
    expect(answers).toEqual(asked.map(([, text]) => text))
  })

  it('answers messages that take many reads', async () => {
    const server = await start({ readsIntoSharedBuffer })
    const peer = await peerOf(server, { settings: { 4: 2 ** 31 - 1 } })
    const text = Array.from({ length: 10_000 }, (_, at) => String(at)).join()
    expect(await peer.call('Echo', text.slice(0, 16_000))).toBe(text.slice(0, 16_000))
    const size = uint32(0x17f7f).toString('latin1') // all ASCII
    expect((await peer.call('Size', size)).length).toBe(0x17f7f)
  })

  it('closes its side when the client does', async () => {
    const server = await start({ readsIntoSharedBuffer })
    const peer = await peerOf(server)
    await peer.call('Echo', 'x')
    peer.socket.end()
    expect(await peer.ended()).toBe('fin')
    expect((await timed(server.close())).ms).toBeLessThan(400)
  })

  it('counts a connection no longer once it is closed', async () => {
    const server = await start({ readsIntoSharedBuffer, limits: { maxConnections: 2 } })
    await peerOf(server)
    for (let n = 0; n < 10; n += 1) {
      const answer = await eventually(async () => {
        const peer = await peerOf(server)
        const text = await peer.call('Echo', `${n}`)
        peer.socket.end()
        return text === `${n}`
      })
      expect(answer).toBe(true)
    }
  })

  it('survives clients that are cut off', async () => {
    const server = await start({ readsIntoSharedBuffer })
    for (let n = 0; n < 20; n += 1) {
      const peer = await peerOf(server)
      void peer.call('Never', 'x').catch(() => undefined)
      peer.socket.resetAndDestroy()
    }
    expect(await (await peerOf(server)).call('Echo', 'x')).toBe('x')
    await eventually(async () => (await (await peerOf(server)).call('Cancellations', '')) !== '')
  })
})

describe('an address', () => {
  it.each(['127.0.0.1:0', '[::1]:0', 'localhost:0'])(
    '%s says which port it got',
    async (listen) => {
      const server = await start({ listen })
      expect(server.address).toMatch(/:[1-9]\d*$/)
      expect(server.address.startsWith(listen.slice(0, -1))).toBe(true)
      const host = listen.slice(0, -2).replace(/[[\]]/g, '')
      const socket = connect(portOf(server), host)
      await new Promise((resolve, reject) => {
        socket.once('data', resolve) // the greeting
        socket.once('error', reject)
      })
      socket.destroy()
    },
  )

  it('is a Unix socket, prepared by who is told to, and gone at the end', async () => {
    const path = join(testFolder(), 'lean.sock')
    const prepared: string[] = []
    const server = await start({
      listen: `unix:${path}`,
      prepareSocket: async (socket) => void prepared.push(socket),
    })
    expect(prepared).toEqual([path])
    expect(server.address).toBe(`unix:${path}`)
    expect(await (await peerOf(server)).call('Echo', 'x')).toBe('x')
    await server.close()
    expect(existsSync(path)).toBe(false)
  })

  it.each<[string, () => Promise<string>]>([
    ['is taken', async () => (await start()).address],
    ['is not of this machine', async () => '192.0.2.1:0'],
    ['is no port', async () => '127.0.0.1:66000'],
    ['is in a folder that is missing', async () => `unix:${join(testFolder(), 'no', 'lean.sock')}`],
  ])('that %s is a fault of the configuration', async (_why, address) => {
    const listen = await address()
    await expect(start({ listen })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`cannot listen on ${listen}: `) as string,
    })
  })

  it('takes no more connections than it may', async () => {
    const server = await start({ limits: { maxConnections: 1 } })
    expect(await (await peerOf(server)).call('Echo', 'x')).toBe('x')
    const second = await peerOf(server)
    await second.ended()
    expect(second.frames).toEqual([])
  })
})

describe('a server that closes', () => {
  it('finishes what is under way, and takes no connections', async () => {
    const server = await start({ drainMs: 10_000 })
    const peer = await peerOf(server)
    await peer.call('Echo', 'connected')
    const answer = peer.call('Late', `${uint32(300).toString('latin1')}text`)
    await peer.call('Echo', 'after it')
    const closing = timed(server.close())
    await expect(peerOf(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await answer).toBe('text')
    expect((await closing).ms).toBeLessThan(5_000)
    expect(await peer.ended()).toBe('fin')
  })

  it('closes at once where nothing is under way', async () => {
    const server = await start({ drainMs: 20_000 })
    await Promise.all([1, 2, 3].map(async () => (await peerOf(server)).call('Echo', 'x')))
    const client = connectSession(`http://${server.address}`)
    await new Promise((resolve) => client.once('remoteSettings', resolve))
    expect((await timed(server.close())).ms).toBeLessThan(10_000)
    client.destroy()
  })

  it('does not wait for ever for a call that hangs', async () => {
    const server = await start({ drainMs: 100 })
    const peer = await peerOf(server)
    const answer = peer.call('Never', 'x')
    await peer.call('Echo', 'after it')
    expect((await timed(server.close())).ms).toBeLessThan(3_000)
    expect(await answer).toContain('ended')
  })

  it('ends watches of its health', async () => {
    const server = await start({ drainMs: 20_000 })
    const client: ClientHttp2Session = connectSession(`http://${server.address}`)
    const request = client.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Watch',
      'content-type': 'application/grpc',
    })
    const trailers = new Promise<Record<string, unknown>>((resolve) =>
      request.once('trailers', resolve),
    )
    request.end(Buffer.alloc(5))
    await new Promise((resolve) => request.once('data', resolve))
    expect((await timed(server.close())).ms).toBeLessThan(2_000)
    expect(await trailers).toMatchObject({ 'grpc-status': '14' })
    client.destroy()
  })
})

describe('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenantgate-lean-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const authority = createAuthority(folder, 'authority')
  const [one, two] = [authority.issue('one'), authority.issue('two')]
  const certificatesOf = (files: typeof one): LeanCertificates => ({
    cert: readFileSync(files.cert),
    key: readFileSync(files.key),
    ca: readFileSync(authority.cert),
  })
  const secure = (mutual: boolean): Partial<LeanServerOptions> => ({
    tls: { current: () => certificatesOf(one), onChanged: () => undefined, mutual },
  })

  async function call(server: LeanServer, text: string): Promise<string> {
    const client = connectSession(`https://localhost:${portOf(server)}`, {
      ca: readFileSync(authority.cert),
    })
    onTestFinished(() => client.destroy())
    const request = client.request({
      ':method': 'POST',
      ':path': '/test.Echo/Echo',
      'content-type': 'application/grpc',
    })
    request.end(Buffer.concat([Buffer.of(0), uint32(text.length), Buffer.from(text)]))
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    return Buffer.concat(parts).toString('latin1', 5)
  }

  it('carries calls, small and large', async () => {
    const server = await start(secure(false))
    expect(await call(server, 'hello')).toBe('hello')
    expect(await call(server, 'l'.repeat(200_000))).toHaveLength(200_000)
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is spoken as %s', async (maxVersion) => {
    const server = await start(secure(false))
    expect(await handshake(server.address, { ca: authority.cert, maxVersion })).toBe('one')
  })

  it('is refused below 1.2, and to who speaks HTTP/1.1 alone', async () => {
    const server = await start(secure(false))
    const ca = authority.cert
    await expect(handshake(server.address, { ca, maxVersion: 'TLSv1.1' })).rejects.toThrow()
    await expect(handshake(server.address, { ca, protocol: 'http/1.1' })).rejects.toThrow(
      /protocol/i,
    )
  })

  it('asks for a certificate of the client where it is mutual', async () => {
    const server = await start(secure(true))
    await expect(handshake(server.address, { ca: authority.cert })).rejects.toThrow()
    const stranger = createAuthority(testFolder(), 'stranger').issue('stranger')
    await expect(
      handshake(server.address, { ca: authority.cert, client: stranger }),
    ).rejects.toThrow()
    expect(await handshake(server.address, { ca: authority.cert, client: two })).toBe('one')
  })

  it('takes new certificates for new connections', async () => {
    let files = one
    let changed = (): void => undefined
    const server = await start({
      tls: {
        current: () => certificatesOf(files),
        onChanged: (listener) => (changed = listener),
        mutual: true,
      },
    })
    const ask = (): Promise<string> =>
      handshake(server.address, { ca: authority.cert, client: two })
    expect(await ask()).toBe('one')
    files = two
    expect(await ask()).toBe('one')
    changed()
    expect(await ask()).toBe('two')
    await expect(handshake(server.address, { ca: authority.cert })).rejects.toThrow()
  })

  it('does not keep the server from closing by a handshake that does not go on', async () => {
    const server = await start({ ...secure(false), drainMs: 20_000 })
    const socket: Socket = connect(portOf(server), '127.0.0.1')
    let isClosed = false
    socket.on('close', () => (isClosed = true)).on('error', () => undefined)
    await new Promise((resolve) => socket.once('connect', resolve))
    await call(server, 'accepted after it')
    expect((await timed(server.close())).ms).toBeLessThan(2_000)
    await until(() => isClosed, { what: 'the end of the handshake' })
  })
})
