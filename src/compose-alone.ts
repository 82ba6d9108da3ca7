import { setImmediate as nextTurn } from 'node:timers/promises'
import type * as app from './app.ts'
import type { Config } from './config.ts'
import type { Service, ServiceDeps } from './service.ts'

/**
 * Starts the service as the one process. The first check rests on a connection to PostgreSQL and on its
 * schema, which take several answers: each is read in the turn between two parts that load.
 */
export async function startAlone(config: Config, deps: ServiceDeps): Promise<Service> {
  const { composeDatabase } = await import('./compose-database.ts')
  const checkDatabase = composeDatabase(config)
  const { startService } = await loadInParts(config).catch(async (cause: unknown) => {
    await checkDatabase.database.close()
    throw cause
  })
  return startService(config, { ...deps, checkDatabase })
}

/** Loads what a check needs; what comes first brings along little of what comes later. */
async function loadInParts({ grpcTransport }: Config): Promise<typeof app> {
  const parts: readonly (() => Promise<unknown>)[] = [
    () => import('./adapters/prometheus/metrics.ts'),
    () => import('./adapters/envoy/check-handler.ts'),
    () => import('./compose-tokens.ts'),
    async () => (await import('./compose-grpc.ts')).loadTransport(grpcTransport),
  ]
  for (const load of parts) {
    await nextTurn()
    await load()
  }
  await nextTurn()
  return import('./app.ts')
}
