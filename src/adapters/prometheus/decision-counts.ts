import type { Registry } from 'prom-client'
import type { CheckMetrics } from '../../application/observe-check.ts'
import type { Reason } from '../../domain/decision.ts'
import { Counter } from './client.ts'

/** Counts of one reason on one route. */
interface Slot {
  allowed: number
  denied: number
}

/** Counts of one route. Nearly every decision is a grant: they are counted without a look-up. */
interface RouteCounts {
  granted: number
  readonly others: Map<Reason, Slot>
}

/**
 * Counts decisions in plain numbers and makes them prom-client's when they are read: a check has no
 * time for the texts by which prom-client finds a set of labels (measured: 0.05 µs against 0.5 µs).
 */
export function createDecisionCounts(
  registry: Registry,
): (decided: Pick<Parameters<CheckMetrics['decided']>[0], CountedBy>) => void {
  const registers = [registry]
  const routes = new Map<string, RouteCounts>()
  const sources = new Map<string, { count: number }>(
    knownSources.map((source) => [source, { count: 0 }]),
  )

  new Counter({
    name: 'tenantgate_decisions_total',
    help: 'Decisions by outcome, reason and route; the route is empty where none matched.',
    labelNames: ['decision', 'reason', 'route'],
    registers,
    collect() {
      this.reset()
      for (const [route, { granted, others }] of routes) {
        if (granted > 0) this.inc({ decision: 'allow', reason: 'granted', route }, granted)
        for (const [reason, { allowed, denied }] of others) {
          if (allowed > 0) this.inc({ decision: 'allow', reason, route }, allowed)
          if (denied > 0) this.inc({ decision: 'deny', reason, route }, denied)
        }
      }
    },
  })
  new Counter({
    name: 'tenantgate_facts_total',
    help: 'Facts that decisions rested on, by where they were read.',
    labelNames: ['source'],
    registers,
    collect() {
      this.reset()
      for (const [source, { count }] of sources) this.inc({ source }, count)
    },
  })

  function countsOf(route: string): RouteCounts {
    let counts = routes.get(route)
    if (counts === undefined) routes.set(route, (counts = { granted: 0, others: new Map() }))
    return counts
  }

  function slotOf({ others }: RouteCounts, reason: Reason): Slot {
    let slot = others.get(reason)
    if (slot === undefined) others.set(reason, (slot = { allowed: 0, denied: 0 }))
    return slot
  }

  function countSource(source: string): void {
    const known = sources.get(source)
    if (known === undefined) sources.set(source, { count: 1 })
    else known.count += 1
  }

  return ({ allowed, reason, route, source }) => {
    const counts = countsOf(route)
    if (allowed && reason === 'granted') counts.granted += 1
    else if (allowed) slotOf(counts, reason).allowed += 1
    else slotOf(counts, reason).denied += 1
    if (source !== null) countSource(source)
  }
}

type CountedBy = 'allowed' | 'reason' | 'route' | 'source'

/** They are exposed from the start, so that a rate sees the first of each. */
const knownSources = ['memory', 'claims', 'redis', 'postgres'] as const
