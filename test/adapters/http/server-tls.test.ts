import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  mkdirSync,
  renameSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { startHttpServer } from '../../../src/adapters/http/server.ts'
import { createAuthority, replaceFile, type CertificateFiles } from '../../support/certificates.ts'
import { during, eventually } from '../../support/eventually.ts'
import { handshake } from '../../support/handshake.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-https-'))
const closers: (() => Promise<void>)[] = []
afterAll(async () => {
  await Promise.all(closers.map((close) => close()))
  rmSync(folder, { recursive: true })
})
const ours = createAuthority(folder, 'ours')
const first = ours.issue('first')
const second = ours.issue('second')

const served = (address: string): Promise<string> =>
  handshake(address, { ca: ours.cert, protocol: 'http/1.1' })

async function start(tls: CertificateFiles) {
  const faults: unknown[] = []
  const server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    tls,
    readiness: () => ({ status: 'ready', components: {} }),
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    onFault: (cause) => faults.push(cause),
  })
  closers.push(server.close)
  return { address: server.address, faults }
}

/** Copies of the first certificate in a folder of their own. */
function copies(): CertificateFiles {
  const own = mkdtempSync(join(folder, 'server-'))
  const files = { cert: join(own, 'tls.crt'), key: join(own, 'tls.key') }
  copyFileSync(first.cert, files.cert)
  copyFileSync(first.key, files.key)
  return files
}

describe.concurrent('HTTPS', () => {
  it('serves a certificate that replaces the first on disk, without a restart', async () => {
    const files = copies()
    const { address } = await start(files)
    expect(await served(address)).toBe('first')
    replaceFile(files.key, second.key)
    replaceFile(files.cert, second.cert)
    await eventually(async () => (await served(address)) === 'second')
  })

  it('serves one that is swapped in as Kubernetes does, by a symbolic link of a folder', async () => {
    const own = mkdtempSync(join(folder, 'kubernetes-'))
    for (const [name, files] of [
      ['..1', first],
      ['..2', second],
    ] as const) {
      mkdirSync(join(own, name))
      copyFileSync(files.cert, join(own, name, 'tls.crt'))
      copyFileSync(files.key, join(own, name, 'tls.key'))
    }
    symlinkSync('..1', join(own, '..data'))
    for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(own, file))
    const { address } = await start({ cert: join(own, 'tls.crt'), key: join(own, 'tls.key') })
    expect(await served(address)).toBe('first')
    symlinkSync('..2', join(own, '..data_tmp'))
    renameSync(join(own, '..data_tmp'), join(own, '..data'))
    await eventually(async () => (await served(address)) === 'second')
  })

  it.each<[string, (files: CertificateFiles) => void]>([
    ['half-written', ({ cert }) => writeFileSync(cert, readFileSync(second.cert).subarray(0, 200))],
    ['new while the key is still the old one', ({ cert }) => replaceFile(cert, second.cert)],
    ['gone for a moment', ({ cert }) => unlinkSync(cert)],
  ])('keeps the certificate in use while the one on disk is %s', async (_title, spoil) => {
    const files = copies()
    const { address, faults } = await start(files)
    expect(await served(address)).toBe('first')
    spoil(files)
    await eventually(() => faults.length > 0)
    await during(300, async () => expect(await served(address)).toBe('first'))
    replaceFile(files.key, second.key)
    replaceFile(files.cert, second.cert)
    await eventually(async () => (await served(address)) === 'second')
  })

  it('says nothing in plain text', async () => {
    const { address } = await start(copies())
    await expect(fetch(`http://${address}/livez`)).rejects.toBeDefined()
  })
})
