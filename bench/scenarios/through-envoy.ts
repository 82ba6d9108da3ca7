import { connectionManager, type EnvoyConfig } from '../../src/adapters/servers/envoy-config.ts'
import { startEnvoy } from '../../src/adapters/servers/envoy.ts'
import { type Bench, type ScenarioResult, selected } from '../harness/bench.ts'
import { type Contestant, peers, type Running, tenantgates } from '../harness/contestants.ts'
import { drive, timeToFirstAllow, warmUp, type DriveReport } from '../harness/drive.ts'
import { createRecorder } from '../harness/recorder.ts'
import { interleave, median } from '../harness/samples.ts'

const rates = [500, 2_000]
/** Envoy alone: what a request takes without ext_authz. */
export const withoutAuthz = 'Envoy without ext_authz'

/**
 * What a check adds to a request through a real Envoy, with the repository's configuration: the
 * latency with it less the latency without it, in the same round. Envoy answers by itself what was
 * allowed, so that no upstream is measured; nothing logs.
 */
export async function throughEnvoy(bench: Bench): Promise<ScenarioResult> {
  const recorder = createRecorder(bench.tell)
  await bench.world.addSubjects('base')
  const all = selected(bench, [...peers(bench), ...tenantgates(bench)], recorder.leaveOut)
  let base: Record<string, number> = {}
  await interleave(bench.rounds, [undefined, ...all], (contestant) =>
    recorder.take(contestant?.name ?? withoutAuthz, async () => {
      const values = await measureOne(bench, contestant)
      if (contestant === undefined) base = values
      return contestant === undefined ? values : { ...values, ...added(values, base) }
    }),
  )
  return recorder.result()
}

function added(
  values: Readonly<Record<string, number>>,
  base: Readonly<Record<string, number>>,
): Record<string, number> {
  const latencies = Object.keys(values).filter((name) => name.startsWith('p'))
  return Object.fromEntries(
    latencies.map((name) => [`added-${name}`, (values[name] ?? NaN) - (base[name] ?? NaN)]),
  )
}

async function measureOne(
  bench: Bench,
  contestant: Contestant | undefined,
): Promise<Record<string, number>> {
  let running: Running | undefined
  const prepared = await contestant?.prepare()
  try {
    const authz = prepared?.addresses ?? ['127.0.0.1:1']
    if (prepared !== undefined) {
      const order = { addresses: authz, requests: 'W1' }
      await timeToFirstAllow(bench.programs.drive, order, () => (running = prepared.start()))
      await warmUp(bench.programs.drive, { addresses: authz, requests: 'W1000' })
    }
    return await askThrough(bench, authz, running)
  } finally {
    await running?.stop()
  }
}

async function askThrough(
  { envoy: command, programs, seconds }: Bench,
  authz: readonly string[],
  running: Running | undefined,
): Promise<Record<string, number>> {
  const envoy = await startEnvoy({
    ...{ envoy: command, authz, upstream: '127.0.0.1:1' },
    patch: (config) => simplify(config, running !== undefined),
  })
  try {
    const all: Record<string, number> = {}
    for (const rate of rates) {
      const reports: DriveReport[] = []
      // Several short runs: one stall of a shared machine spoils one of them, not the figure.
      for (let part = 0; part < 3; part += 1) {
        const order = {
          ...{ addresses: [envoy.url.slice('http://'.length)], requests: 'W1000' },
          ...{ pids: running?.pids() ?? [], expect: 'allow' as const },
          flags: { client: 'true', warm: '1s', open: `${rate}x${seconds}s`, timeout: '2s' },
        }
        reports.push(await drive(programs.drive, order))
      }
      all[`p50At${rate}`] = median(reports.map(({ answered }) => answered.p50))
      all[`p99At${rate}`] = median(reports.map(({ answered }) => answered.p99))
      all[`cpuAt${rate}`] = median(reports.map(({ cpuUs }) => cpuUs))
    }
    return all
  } finally {
    await envoy.close()
  }
}

/** Envoy answers itself, logs nothing and asks no health; without `checked` it does not ask at all. */
function simplify(config: EnvoyConfig, checked: boolean): void {
  const manager = connectionManager(config)
  delete manager['access_log']
  manager['route_config'] = {
    virtual_hosts: [
      {
        ...{ name: 'all', domains: ['*'] },
        routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
      },
    ],
  }
  if (!checked) {
    manager.http_filters = manager.http_filters.filter(({ name }) => !name.endsWith('ext_authz'))
  }
  for (const cluster of config.static_resources.clusters) delete cluster.health_checks
}
