import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { startEchoServer, type EchoServer } from '../support/http2-echo-server.ts'
import { createAuthority } from '../support/certificates.ts'
import { createTempDir, type TempDir } from '../../src/adapters/servers/temp-dir.ts'

let server: EchoServer | undefined
let folder: TempDir
beforeEach(async () => {
  folder = await createTempDir('h2spec')
})
afterEach(async () => {
  await server?.close()
  await folder.remove()
})

interface Verdict {
  readonly output: string
  readonly summary: string
}

/** Runs all cases, the strict ones too; the output has those that failed or were skipped. */
function run(port: number, more: readonly string[] = []): Promise<Verdict> {
  const args = ['-p', String(port), '-S', '-P', '/test.Echo/Echo', '-o', '3', ...more]
  return new Promise((resolve) => {
    execFile(inject('interopTools').h2spec, args, (_error, stdout, stderr) => {
      const summary = /^\d+ tests, .*$/m.exec(stdout)?.[0] ?? ''
      resolve({ summary, output: stdout.slice(stdout.indexOf('Failures:')) + stderr })
    })
  })
}

const all = '146 tests, 146 passed, 0 skipped, 0 failed'

describe('h2spec passes every case and skips none', () => {
  it('over TCP', async () => {
    server = await startEchoServer()
    const { output, summary } = await run(server.port)
    expect(summary, output).toBe(all)
    expect(server.faults).toEqual([])
  })

  it('over TLS', async () => {
    const authority = createAuthority(folder.path, 'authority')
    const files = authority.issue('server')
    const certificates = { cert: await readFile(files.cert), key: await readFile(files.key) }
    server = await startEchoServer({
      tls: { current: () => certificates, onChanged: () => undefined, mutual: false },
    })
    const { output, summary } = await run(server.port, ['-t', '-k'])
    expect(summary, output).toBe(all)
    expect(server.faults).toEqual([])
  })
})
