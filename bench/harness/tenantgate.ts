import { resolve } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { parseExposition } from '../../test/support/prometheus-text.ts'
import { until } from '../../test/support/poll.ts'
import { startServer, type ServerProcess } from './server-process.ts'
import type { Transport } from './transports.ts'
import type { World } from './world.ts'

const root = resolve(import.meta.dirname, '../..')

/** How an instance is set up, beside the world it runs against. */
export interface TenantgateOptions {
  readonly name: string
  readonly transport: Transport
  /** `stdout` goes to a file. */
  readonly log: 'off' | 'stdout'
  readonly workers?: number
  /** Default 100. */
  readonly routes?: number
  /** The first worker's; the others follow. */
  readonly grpcPort: number
  readonly httpPort: number
  readonly cores: string | undefined
  /** More variables. */
  readonly env?: Readonly<Record<string, string>>
}

/** An instance that is measured. */
export interface Tenantgate extends ServerProcess {
  readonly addresses: readonly string[]
  /** The value of a metric, 0 where it has none. */
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
  readonly untilReady: () => Promise<void>
  /** Waits until the watch on changes holds. */
  readonly untilWatched: () => Promise<void>
}

function variables(world: World, options: TenantgateOptions): Record<string, string> {
  const { env, grpcPort, httpPort, log, routes = 100, transport, workers = 1 } = options
  return {
    ...world.env,
    TENANTGATE_POLICY: world.policyFile(routes),
    TENANTGATE_GRPC_LISTEN: `127.0.0.1:${grpcPort}`,
    TENANTGATE_HTTP_LISTEN: `127.0.0.1:${httpPort}`,
    TENANTGATE_GRPC_TRANSPORT: transport,
    TENANTGATE_WORKERS: String(workers),
    TENANTGATE_DECISION_LOG: log,
    TENANTGATE_DRAIN: '0s',
    ...env,
  }
}

/** Why this version of tenantgate cannot run so; undefined: it can. */
export function refusalOf(world: World, options: TenantgateOptions): string | undefined {
  const reading = readConfig(variables(world, options))
  if (!('faults' in reading)) return undefined
  return reading.faults.map(({ message, variable }) => `${variable}: ${message}`).join('; ')
}

/** Starts `serve` as `npm run tenantgate` does. */
export function startTenantgate(world: World, options: TenantgateOptions): Tenantgate {
  const server = startServer({
    name: options.name,
    command: process.execPath,
    args: ['--import', resolve(root, 'bin/require-node.js'), resolve(root, 'src/main.ts'), 'serve'],
    env: variables(world, options),
    cores: options.cores,
  })
  const get = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${options.httpPort}${path}`)).text()
  const metric: Tenantgate['metric'] = async (name, labels) =>
    parseExposition(await get('/metrics')).value(name, labels) ?? 0
  const waitFor = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    const holdsNow = (): Promise<boolean> => holds().catch(() => false) // it does not listen yet
    await until(holdsNow, { what, withinMs: 20_000 })
  }
  return {
    ...server,
    metric,
    addresses: Array.from(
      { length: options.workers ?? 1 },
      (_, worker) => `127.0.0.1:${options.grpcPort + worker}`,
    ),
    untilReady: () =>
      waitFor('an instance that is ready', async () =>
        (await get('/readyz')).includes('"status":"ready"'),
      ),
    untilWatched: () =>
      waitFor(
        'a watch that holds',
        async () => (await metric('tenantgate_watch_unbroken')) >= (options.workers ?? 1),
      ),
  }
}
