import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testFolder } from '../../support/folder.ts'
import { readLog, type LogLine } from '../../support/log-lines.ts'

const moduleUrl = new URL('../../../src/adapters/pino/decision-log.ts', import.meta.url).href

/**
 * A small file system of the test's own, in a mount namespace, which needs no rights where the
 * kernel lets users have one. Elsewhere the disk is played by a limit on the size of files.
 */
const mounts = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
const disk = mounts
  ? {
      name: 'a file system of 600 kB',
      fill: `writeFileSync(folder + '/filler', 'x'.repeat(300_000))`,
      empty: `rmSync(folder + '/filler')`,
    }
  : {
      name: 'a limit on the size of files',
      fill: `execFileSync('prlimit', ['--pid', process.pid, '--fsize=300000:'])`,
      empty: `execFileSync('prlimit', ['--pid', process.pid, '--fsize=unlimited:'])`,
    }

interface Told {
  readonly taken: readonly number[]
  readonly refused: readonly number[]
  /** The number of the last line before there was room again. */
  readonly fullUntil: number
  readonly dropped: number
  readonly losses: readonly unknown[]
  readonly files: Readonly<Record<string, string>>
}

/**
 * Fills the disk, lets `whileFull` happen, makes room and, before anything is written there, lets
 * `thenAtOnce` happen; then writes until lines are taken again.
 */
function fillAndEmpty(whileFull = '', thenAtOnce = ''): Told {
  const folder = join(testFolder(), 'disk')
  mkdirSync(folder)
  const script = `
    import { execFileSync } from 'node:child_process'
    import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
    import { createDecisionLog } from ${JSON.stringify(moduleUrl)}
    const folder = ${JSON.stringify(folder)}
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    const told = { taken: [], refused: [], fullUntil: 0, dropped: 0, losses: [], files: {} }
    const log = createDecisionLog({ sink: folder + '/decisions.log', now: () => '',
      onDropped: () => (told.dropped += 1), onLoss: (loss) => told.losses.push(loss),
      onFault: () => undefined })
    log.policy('sha256:1', { version: 1 })
    let n = 0
    const write = () => {
      n += 1
      ;(log.decision({ n, padding: 'x'.repeat(3000) }) ? told.taken : told.refused).push(n)
    }
    ${disk.fill}
    while (told.refused.length < 20 && n < 5000) { write(); await pause(1) }
    ${whileFull}
    told.fullUntil = n
    ${disk.empty}
    ${thenAtOnce}
    while ((told.taken.at(-1) ?? 0) <= told.fullUntil && n < 9000) { write(); await pause(5) }
    for (let more = 0; more < 5; more += 1) write()
    await log.close()
    for (const name of readdirSync(folder)) told.files[name] = readFileSync(folder + '/' + name, 'utf8')
    process.stdout.write(JSON.stringify(told))`
  const node = [process.execPath, '--input-type=module', '--eval', script]
  const mount = 'mount -t tmpfs -o size=600k tmpfs "$0" && exec "$@"'
  const [command = '', ...args] = mounts
    ? ['unshare', '-rm', 'sh', '-c', mount, folder, ...node]
    : node
  const { stderr, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 30_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Told
}

const numbers = (lines: readonly LogLine[]): number[] =>
  lines.filter(({ n }) => n !== undefined).map(({ n }) => Number(n))

describe(`a decision log on a disk that runs full: ${disk.name}`, () => {
  it('keeps all that it took, whole and once, counts what it did not, and goes on by itself', () => {
    const told = fillAndEmpty()
    expect(told.refused.length).toBeGreaterThanOrEqual(20)
    expect(told.dropped).toBe(told.refused.length)
    expect(told.taken.at(-1)).toBeGreaterThan(told.fullUntil)
    expect(told.losses).toEqual(['begun'])
    const { broken, lines } = readLog(told.files['decisions.log'] ?? '')
    expect(broken).toEqual([])
    expect(lines[0]).toMatchObject({ type: 'policy' })
    expect(numbers(lines)).toEqual(told.taken)
  })

  it('that is rotated meanwhile begins the new file with the policy, and then what is owed', () => {
    const told = fillAndEmpty(`
      renameSync(folder + '/decisions.log', folder + '/decisions.log.1')
      log.reopen()
      await pause(400)`)
    const old = readLog(told.files['decisions.log.1'] ?? '')
    const { broken, lines } = readLog(told.files['decisions.log'] ?? '')
    // The old file may end within a line: there was no room for the rest, and it stands in the new.
    expect(old.broken.length).toBeLessThanOrEqual(1)
    expect(broken).toEqual([])
    expect(lines[0]).toMatchObject({ type: 'policy' })
    expect([...numbers(old.lines), ...numbers(lines)]).toEqual(told.taken)
  })

  it('that somebody else writes to loses what it had written of a line, but not the line', () => {
    const told = fillAndEmpty('', `appendFileSync(folder + '/decisions.log', 'somebody else')`)
    const { broken, lines } = readLog(told.files['decisions.log'] ?? '')
    expect(broken).toHaveLength(1)
    expect(broken[0]).toMatch(/somebody else$/)
    expect(numbers(lines)).toEqual(told.taken)
  })

  it('that is truncated meanwhile ends no line with the rest of another', () => {
    const told = fillAndEmpty(`
      execFileSync('sh', ['-c', 'cp decisions.log /dev/null && : > decisions.log'], { cwd: folder })
      await pause(400)`)
    const { broken, lines } = readLog(told.files['decisions.log'] ?? '')
    expect(broken).toEqual([])
    expect(numbers(lines)).toEqual(told.taken.slice(-numbers(lines).length))
  })
})
