import { copyFileSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials } from '@grpc/grpc-js'
import { afterAll, describe, expect, it } from 'vitest'
import { tlsFault } from '../../src/adapters/envoy/certificates.ts'
import { authorizationClient, httpRequestBytes } from '../support/authorization-client.ts'
import { startServer } from '../support/authorization-server.ts'
import { createAuthority, replaceFile, type CertificateFiles } from '../support/certificates.ts'
import { during, eventually } from '../support/eventually.ts'
import { handshake } from '../support/handshake.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-tls-'))
const closers: (() => Promise<void>)[] = []
afterAll(async () => {
  await Promise.all(closers.map((close) => close()))
  rmSync(folder, { recursive: true })
})
const ours = createAuthority(folder, 'ours')
const theirs = createAuthority(folder, 'theirs')
const first = ours.issue('first')
const second = ours.issue('second')
const envoy = ours.issue('envoy')
const stranger = theirs.issue('envoy')

const open = httpRequestBytes({ method: 'GET', path: '/open' })

/** A server on copies of the first certificate, and of our authority for mutual TLS. */
async function start({ mutual = false } = {}) {
  const own = mkdtempSync(join(folder, 'server-'))
  const tls = { cert: join(own, 'tls.crt'), key: join(own, 'tls.key') }
  const clientCa = join(own, 'ca.crt')
  copyFileSync(first.cert, tls.cert)
  copyFileSync(first.key, tls.key)
  copyFileSync(ours.cert, clientCa)
  const server = await startServer({ tls: mutual ? { ...tls, clientCa } : tls })
  closers.push(server.close) // at the end: tests run at the same time
  return { address: server.address, ...tls, clientCa }
}

/** A check over TLS, by a client that trusts `ca` and may present a certificate. */
async function check(address: string, client?: CertificateFiles, ca = ours.cert) {
  const security = credentials.createSsl(
    readFileSync(ca),
    client ? readFileSync(client.key) : null,
    client ? readFileSync(client.cert) : null,
  )
  const grpc = authorizationClient(address, security)
  try {
    return await grpc.check(open, { timeoutMs: 2_000 })
  } finally {
    grpc.close()
  }
}

describe.concurrent('with TLS', () => {
  it('checks are answered to who trusts the authority, from the very first connection', async () => {
    const { address } = await start()
    expect(await handshake(address, { ca: ours.cert })).toBe('first')
    expect(await check(address)).toMatchObject({ code: 0 })
  })

  it('who trusts another authority does not talk to it', async () => {
    const { address } = await start()
    await expect(check(address, undefined, theirs.cert)).rejects.toMatchObject({ code: 14 })
  })

  it('nothing is answered in plain text', async () => {
    const { address } = await start()
    const plain = authorizationClient(address)
    await expect(plain.check(open, { timeoutMs: 1_000 })).rejects.toBeDefined()
    plain.close()
  })

  it('a certificate replaced on disk is served without a restart, and who is connected stays', async () => {
    const { address, cert, key } = await start()
    const connected = authorizationClient(address, credentials.createSsl(readFileSync(ours.cert)))
    expect(await connected.check(open)).toMatchObject({ code: 0 })
    replaceFile(key, second.key)
    replaceFile(cert, second.cert)
    await eventually(async () => (await handshake(address, { ca: ours.cert })) === 'second')
    expect(await check(address)).toMatchObject({ code: 0 })
    expect(await connected.check(open)).toMatchObject({ code: 0 })
    connected.close()
  })

  it.each<[string, (files: CertificateFiles) => void]>([
    ['half-written', ({ cert }) => writeFileSync(cert, readFileSync(second.cert).subarray(0, 200))],
    ['new while the key is still the old one', ({ cert }) => replaceFile(cert, second.cert)],
    ['gone for a moment', ({ cert }) => unlinkSync(cert)],
  ])('the certificate in use stays while the one on disk is %s', async (_title, spoil) => {
    const { address, cert, key } = await start()
    expect(await handshake(address, { ca: ours.cert })).toBe('first')
    spoil({ cert, key })
    await during(2_500, async () => {
      expect(await handshake(address, { ca: ours.cert })).toBe('first')
    })
    replaceFile(key, second.key)
    replaceFile(cert, second.cert)
    await eventually(async () => (await handshake(address, { ca: ours.cert })) === 'second')
  })
})

describe.concurrent('with mutual TLS', () => {
  it('a client with a certificate of the authority is answered, from the very first connection', async () => {
    const { address } = await start({ mutual: true })
    expect(await handshake(address, { ca: ours.cert, client: envoy })).toBe('first')
    expect(await check(address, envoy)).toMatchObject({ code: 0 })
  })

  it.each<[string, CertificateFiles | undefined]>([
    ['without a certificate', undefined],
    ['with a certificate of another authority', stranger],
    ['with a certificate that it signed itself', { cert: theirs.cert, key: theirs.key }],
  ])('a client %s is refused', async (_title, client) => {
    const { address } = await start({ mutual: true })
    await eventually(() => handshake(address, { ca: ours.cert, client: envoy }))
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { ca: ours.cert, maxVersion, ...(client && { client }) }
      expect(await handshake(address, { ...options, client: envoy })).toBe('first')
      await expect(handshake(address, options)).rejects.toBeDefined()
    }
    await expect(check(address, client)).rejects.toMatchObject({ code: 14 })
    expect(await check(address, envoy)).toMatchObject({ code: 0 })
  })

  it('an authority replaced on disk is trusted without a restart, and the old one no longer', async () => {
    const { address, clientCa } = await start({ mutual: true })
    expect(await check(address, envoy)).toMatchObject({ code: 0 })
    replaceFile(clientCa, theirs.cert)
    await eventually(() => handshake(address, { ca: ours.cert, client: stranger }))
    await expect(handshake(address, { ca: ours.cert, client: envoy })).rejects.toBeDefined()
    expect(await check(address, stranger)).toMatchObject({ code: 0 })
    await expect(check(address, envoy)).rejects.toMatchObject({ code: 14 })
  })
})

describe('files that cannot serve TLS are told', () => {
  it.each<[string, CertificateFiles & { clientCa?: string }]>([
    ['a missing certificate', { ...first, cert: join(folder, 'none') }],
    ['a missing key', { ...first, key: join(folder, 'none') }],
    ['a key of another certificate', { cert: first.cert, key: second.key }],
    ['a certificate that is none', { cert: first.key, key: first.key }],
    ['an authority that is missing', { ...first, clientCa: join(folder, 'none') }],
  ])('%s', (_title, files) => {
    expect(tlsFault(files)).toEqual(expect.any(String))
  })

  it('and those that can are not', () => {
    expect(tlsFault(first)).toBeUndefined()
    expect(tlsFault({ ...first, clientCa: ours.cert })).toBeUndefined()
  })
})
