import type { Metrics } from './adapters/prometheus/metrics.ts'

/** Begins to measure the process itself, by a library that no check needs. */
export async function composeRuntime(metrics: Pick<Metrics, 'watchRuntime'>): Promise<void> {
  const { addRuntimeMetrics } = await import('./adapters/prometheus/runtime-metrics.ts')
  metrics.watchRuntime(addRuntimeMetrics)
}
