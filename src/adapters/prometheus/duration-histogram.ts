import type { MetricObjectWithValues, MetricValueWithName } from 'prom-client'
import { Histogram } from './client.ts'

type Exposed = MetricObjectWithValues<MetricValueWithName<string>>

/**
 * A histogram without labels that counts in plain numbers and makes them prom-client's when they are
 * read: a check has no time for the objects that prom-client makes of each value (measured: 0.02 µs
 * against 0.4 µs).
 */
export class DurationHistogram extends Histogram {
  readonly #name: string
  readonly #help: string
  readonly #bounds: readonly number[]
  /** By bucket, not cumulative; the last is of what is beyond all bounds. */
  readonly #counts: number[]
  #sum = 0

  /** `buckets` are upper bounds, ascending. */
  constructor(configuration: ConstructorParameters<typeof Histogram>[0] & { buckets: number[] }) {
    super(configuration)
    this.#name = configuration.name
    this.#help = configuration.help
    this.#bounds = [...configuration.buckets]
    this.#counts = new Array<number>(this.#bounds.length + 1).fill(0)
  }

  /** Counts a value; it has to be finite. */
  count(value: number): void {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += value
  }

  override get(): Promise<Exposed> {
    const name = this.#name
    const values: MetricValueWithName<string>[] = []
    let count = 0
    for (const [bucket, own] of this.#counts.entries()) {
      count += own
      const le = this.#bounds[bucket] ?? '+Inf'
      values.push({ metricName: `${name}_bucket`, labels: { le }, value: count })
    }
    values.push({ metricName: `${name}_sum`, labels: {}, value: this.#sum })
    values.push({ metricName: `${name}_count`, labels: {}, value: count })
    const exposed = { name, help: this.#help, type: 'histogram', values, aggregator: 'sum' }
    // Its types name the kind by an enumeration that it does not export, and ask for a collector.
    return Promise.resolve(exposed as unknown as Exposed)
  }

  /** What prom-client asks for instead of `get` when it writes text. */
  getForPromString(): Promise<Exposed> {
    return this.get()
  }
}
