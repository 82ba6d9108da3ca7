import { collectDefaultMetrics, Histogram, type Registry } from 'prom-client'
import { addCounter } from './polled.ts'

/** How often the event loop is asked to be on time, in ms. */
const sampleEveryMs = 20
/** Seconds; at 0.1 s a check misses its default deadline. */
const delayBuckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** prom-client's own, whose least value is its sampling period, and which each scrape resets. */
const misleading = [
  'nodejs_eventloop_lag_seconds',
  ...['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(
    (which) => `nodejs_eventloop_lag_${which}_seconds`,
  ),
]
/** prom-client cannot leave its event-loop monitor out: it shall at least wake nobody. */
const seldomMs = 60_000

/** Adds what Node and the operating system tell of the process, and how late its event loop is. */
export function addRuntimeMetrics(registry: Registry): { readonly close: () => void } {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: seldomMs })
  for (const name of misleading) registry.removeSingleMetric(name)
  const delay = new Histogram({
    name: 'tenantgate_event_loop_delay_seconds',
    help: 'How late a timer of every 20 ms was: what a check waits before anything else.',
    buckets: delayBuckets,
    registers: [registry],
  })
  addCounter(registry, {
    name: 'tenantgate_event_loop_active_seconds_total',
    help: 'Time that the event loop was not idle; its rate is the utilization, 0 to 1.',
    read: () => performance.eventLoopUtilization().active / 1000,
  })
  let dueMs = performance.now() + sampleEveryMs
  const timer = setInterval(() => {
    const nowMs = performance.now()
    delay.observe(Math.max(0, nowMs - dueMs) / 1000)
    dueMs = nowMs + sampleEveryMs
  }, sampleEveryMs)
  timer.unref()
  return { close: () => clearInterval(timer) }
}
