import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { createTempDir, type TempDir } from '../../src/adapters/servers/temp-dir.ts'
import { createAuthority, type Authority } from '../support/certificates.ts'
import {
  startEchoServer,
  type EchoServer,
  type EchoServerOptions,
} from '../support/http2-echo-server.ts'

let folder: TempDir
let authority: Authority
beforeAll(async () => {
  folder = await createTempDir('grpc-go')
  authority = createAuthority(folder.path, 'authority')
})
afterAll(() => folder.remove())

let server: EchoServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

/** Runs a case; what the client says is wrong, empty if nothing is. */
function run(name: string, target: string, more: readonly string[] = []): Promise<string> {
  return new Promise((resolve) => {
    const args = ['-case', name, '-target', target, ...more]
    execFile(inject('interopTools').client, args, (error, stdout, stderr) => {
      resolve(stdout + stderr + (error === null || stderr !== '' ? '' : error.message))
    })
  })
}

async function start(options: EchoServerOptions = {}): Promise<EchoServer> {
  server = await startEchoServer(options)
  return server
}

const cases = [
  ...['sizes', 'concurrent', 'large-flood', 'windows', 'deadline', 'cancel', 'metadata'],
  ...['metadata-over', 'compressed', 'unknown', 'no-message', 'two-messages', 'health'],
  ...['health-watch', 'soak', 'drain'],
]

describe('a client on grpc-go', () => {
  it.each(cases)('%s', async (name) => {
    const { faults, port } = await start()
    expect(await run(name, `127.0.0.1:${port}`)).toBe('')
    expect(faults).toEqual([])
  })

  it.each(['concurrent', 'large-flood', 'deadline'])(
    '%s, with few streams at once',
    async (name) => {
      const { faults, port } = await start({ limits: { maxConcurrentStreams: 8 } })
      expect(await run(name, `127.0.0.1:${port}`)).toBe('')
      expect(faults).toEqual([])
    },
  )

  it.each(['sizes', 'concurrent', 'large-flood'])('%s, over TLS', async (name) => {
    const files = authority.issue(name)
    const certificates = { cert: await readFile(files.cert), key: await readFile(files.key) }
    const tls = { current: () => certificates, onChanged: () => undefined, mutual: false }
    const { faults, port } = await start({ tls })
    expect(await run(name, `127.0.0.1:${port}`, ['-ca', authority.cert])).toBe('')
    expect(faults).toEqual([])
  })

  it.each(['sizes', 'concurrent', 'drain'])('%s, over a Unix socket', async (name) => {
    const path = join(folder.path, `${name}.sock`)
    const { faults } = await start({ listen: `unix:${path}` })
    expect(await run(name, `unix:${path}`)).toBe('')
    expect(faults).toEqual([])
  })
})
