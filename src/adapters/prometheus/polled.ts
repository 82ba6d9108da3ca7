import type { Registry } from 'prom-client'
import { Counter, Gauge } from './client.ts'

/** Adds a gauge that is looked at when it is exposed. */
export function addGauge(
  registry: Registry,
  {
    help,
    name,
    read,
  }: { readonly name: string; readonly help: string; readonly read: () => number },
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}

/** The same for what only grows, and is counted elsewhere. */
export function addCounter(
  registry: Registry,
  {
    help,
    name,
    read,
  }: { readonly name: string; readonly help: string; readonly read: () => number },
): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset()
      this.inc(read())
    },
  })
}

/** One value of a gauge with labels. */
export interface LabelledValue<L extends string> {
  readonly labels: Readonly<Record<L, string>>
  readonly value: number
}

/** The same with labels; what is not read any more is exposed no more. */
export function addLabelledGauge<L extends string>(
  registry: Registry,
  gauge: {
    readonly name: string
    readonly help: string
    readonly labelNames: readonly L[]
    readonly read: () => readonly LabelledValue<L>[]
  },
): void {
  const { help, labelNames, name, read } = gauge
  new Gauge<L>({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const { labels, value } of read()) this.set(labels, value)
    },
  })
}
