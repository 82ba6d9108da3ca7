import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startChild } from '../src/adapters/servers/child.ts'
import { freshnessPolicy } from '../test/support/freshness-policy.ts'
import { secret } from '../test/support/instance.ts'
import { startLoad, type Load } from './load.ts'
import { firstOfMany, startBenchPlatform } from './platform.ts'
import { cpuMicroseconds } from './process-usage.ts'

/**
 * What a check of a known subject costs with its line and without it, over real gRPC. All instances are
 * under the same load at the same time, so that whatever else the machine does meets them alike.
 */
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const subjects = Number(process.env['BENCH_PAIRS'] ?? 1_000)
const rate = 700
const warmUpMs = 10_000
const roundMs = 10_000

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-bench-'))
const policy = join(folder, 'policy.yaml')
writeFileSync(policy, freshnessPolicy)
const file = join(folder, 'decisions.log')
const bench = await startBenchPlatform()
const { direct, platform } = bench
await bench.addMany(subjects)

const modes = { off: 'off', file, 'stdout to /dev/null': 'stdout' } as const
type Mode = keyof typeof modes
const main = resolve(import.meta.dirname, '..', 'src', 'main.ts')

/** `serve` by a shell, since its standard output has to go nowhere. */
async function start(mode: Mode): Promise<{ readonly pid: number; readonly address: string }> {
  let address: string | undefined
  const child = await startChild({
    name: `tenantgate, log ${mode}`,
    command: '/bin/sh',
    args: ['-c', 'exec "$0" "$1" serve > /dev/null', process.execPath, main],
    env: {
      ...{ PATH: process.env['PATH'], BETTER_AUTH_SECRET: secret, TENANTGATE_POLICY: policy },
      ...{ TENANTGATE_GRPC_LISTEN: '127.0.0.1:0', TENANTGATE_HTTP_LISTEN: '127.0.0.1:0' },
      ...{ TENANTGATE_DRAIN: '0s', TENANTGATE_DEADLINE: '1s', ...direct },
      ...{ TENANTGATE_NATS_PREFIX: platform.name, TENANTGATE_DECISION_LOG: modes[mode] },
    },
    ready(log) {
      address ??= /"grpc":"([^"]+)".*"msg":"listening"/.exec(log)?.[1]
      return address !== undefined
    },
  })
  stops.push(child.stop)
  return { pid: child.pid, address: address ?? '' }
}
const stops: (() => Promise<void>)[] = []

const load = ({ address }: { readonly address: string }): Load =>
  startLoad({
    ...{ address, route: 'cache', prefix: platform.name, first: firstOfMany, count: subjects },
    ...{ rate, once: false, claims: 'none' },
  })

interface Reading {
  readonly us: number
  readonly asked: number
}

const names = Object.keys(modes) as Mode[]
const measured = await Promise.all(
  names.map(async (mode) => {
    const instance = await start(mode)
    return { mode, pid: instance.pid, running: load(instance) }
  }),
)
type Readings = Readonly<Record<Mode, Reading>>
const read = (): Readings =>
  Object.fromEntries(
    measured.map(({ mode, pid, running }) => [
      mode,
      { us: cpuMicroseconds(pid), asked: running.latest().asked },
    ]),
  ) as Readings

function report(round: number | 'all', before: Readings, after: Readings): void {
  const usOf = (mode: Mode): number =>
    (after[mode].us - before[mode].us) / (after[mode].asked - before[mode].asked)
  const more = (mode: Mode): string => `${((usOf(mode) / usOf('off') - 1) * 100).toFixed(1)} %`
  const checks = names.map((mode) => [mode, after[mode].asked - before[mode].asked] as const)
  const cpuUs = names.map((mode) => [mode, Number(usOf(mode).toFixed(1))] as const)
  console.log(
    JSON.stringify({
      ...{ round, cpuUsPerCheck: Object.fromEntries(cpuUs), checks: Object.fromEntries(checks) },
      more: { file: more('file'), stdout: more('stdout to /dev/null') },
      fileBytes: statSync(file).size,
    }),
  )
}

await pause(warmUpMs) // connections, facts, and code that is compiled
const first = read()
for (let round = 1; round <= rounds; round += 1) {
  const before = read()
  await pause(roundMs)
  report(round, before, read())
}
report('all', first, read())
await Promise.all(measured.map(({ running }) => running.stop()))
await Promise.all(stops.map((stop) => stop()))
await bench.close()
rmSync(folder, { recursive: true, force: true })
