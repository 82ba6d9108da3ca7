import { connect, createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { postgresPart } from '../../../src/adapters/postgres/doctor.ts'
import { createDoctor, type Part } from '../../../src/application/doctor.ts'
import { betterAuthTables, runSql } from '../../support/better-auth-tables.ts'
import { complaints, examinePart, findingOf } from '../../support/doctor.ts'
import { timed } from '../../support/eventually.ts'
import { freshDatabase } from '../../support/servers.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const impatient = createDoctor({
  timeLimit: (ms) => AbortSignal.timeout(ms),
  redact: (text) => text,
  openMs: 300,
  checkMs: 300,
})

const partAt = (url: string): Part =>
  postgresPart({ url, policy: undefined, keysInTable: false, now: Date.now })

async function database(): Promise<string> {
  const url = await freshDatabase('doctor')
  await runSql(url, betterAuthTables({ adapter: 'built-in', ids: 'text' }))
  return url
}

async function proxyTo(url: string) {
  const proxy = await startTcpProxy(url)
  onTestFinished(proxy.close)
  return proxy
}

describe('a PostgreSQL that', () => {
  it('refuses connections is one error', async () => {
    const findings = await examinePart(partAt('postgres://u:hunter2@127.0.0.1:1/none'))
    expect(complaints(findings)).toEqual(['error postgres.reachable'])
    expect(findings[0]?.message).toMatch(/^postgres:\/\/127\.0\.0\.1:1\/none: .*ECONNREFUSED/)
  })

  it('has no such database is one error', async () => {
    const url = new URL(await freshDatabase('doctor'))
    url.pathname = '/nowhere'
    const findings = await examinePart(partAt(url.href))
    expect(complaints(findings)).toEqual(['error postgres.reachable'])
    expect(findings[0]?.message).toMatch(/"nowhere" does not exist/)
  })

  it('never answers is one error, in time', async () => {
    const proxy = await proxyTo(await database())
    proxy.swallow()
    const { ms, value = [] } = await timed(impatient([partAt(proxy.url)]))
    expect(complaints(value)).toEqual(['error postgres.reachable'])
    expect(ms).toBeLessThan(2_000)
  })

  it('vanishes in the middle is one error with the checks that were not made', async () => {
    const proxy = await proxyTo(await database())
    const part = partAt(proxy.url)
    const vanishing: Part = {
      ...part,
      async open() {
        const opened = await part.open()
        proxy.swallow()
        return opened
      },
    }
    const { ms, value = [] } = await timed(impatient([vanishing]))
    expect(findingOf(value, 'postgres.reachable').status).toBe('ok')
    expect(complaints(value).filter((one) => one.startsWith('error'))).toEqual([
      'error postgres.answers',
    ])
    expect(value.at(-1)?.message).toMatch(/postgres\.session, postgres\.clock, postgres\.index/)
    expect(ms).toBeLessThan(3_000)
  })

  it('is slow at one table is told of that table alone', async () => {
    const url = await database()
    await runSql(
      url,
      'ALTER TABLE members RENAME TO slow; CREATE VIEW members AS SELECT * FROM slow WHERE pg_sleep(0) IS NULL OR true',
    )
    await runSql(
      url,
      "INSERT INTO users (id, name, email, email_verified) VALUES ('u', 'u', 'u', true); INSERT INTO organizations (id, name, slug, created_at) VALUES ('o', 'o', 'o', now()); INSERT INTO slow (id, user_id, organization_id, role, created_at) VALUES ('m', 'u', 'o', 'staff', now())",
    )
    await runSql(
      url,
      'CREATE OR REPLACE VIEW members AS SELECT * FROM slow WHERE pg_sleep(30) IS NOT NULL',
    )
    const findings = await examinePart(partAt(url))
    expect(findingOf(findings, 'postgres.duplicates')).toMatchObject({
      status: 'warn',
      message: expect.stringMatching(/could not be checked: .*statement timeout/) as string,
    })
    expect(findingOf(findings, 'postgres.row_security').status).toBe('ok')
  })
})

it('a pooler is known by the process that it announces', async () => {
  const target = new URL(await database())
  const port = Number(target.port)
  // BackendKeyData is 'K', its length (12 or, of later protocols, more), and the process.
  const rename = (bytes: Buffer): Buffer => {
    const at = bytes.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]))
    if (at >= 0) bytes.writeUInt32BE(4_000_000, at + 5)
    return bytes
  }
  const pooler = createServer((client) => {
    const upstream = connect(port, target.hostname)
    client.on('data', (bytes) => upstream.write(bytes))
    upstream.on('data', (bytes: Buffer) => client.write(rename(bytes)))
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => undefined)
      one.on('close', () => other.destroy())
    }
  })
  pooler.listen(0, '127.0.0.1')
  await once(pooler, 'listening')
  onTestFinished(() => void pooler.close())
  target.port = String((pooler.address() as AddressInfo).port)
  const findings = await examinePart(partAt(target.href))
  expect(findingOf(findings, 'postgres.pooler')).toMatchObject({ status: 'warn' })
})
