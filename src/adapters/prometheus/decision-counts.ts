import { Counter, type Registry } from 'prom-client'
import type { CheckMetrics } from '../../application/observe-check.ts'
import type { Reason } from '../../domain/decision.ts'

/** Counts of one reason on one route. */
interface Slot {
  allowed: number
  denied: number
}

/**
 * Counts decisions in plain numbers and makes them prom-client's when they are read: a check has no
 * time for the texts by which prom-client finds a set of labels (measured: 0.05 µs against 0.5 µs).
 */
export function createDecisionCounts(
  registry: Registry,
): (decided: Pick<Parameters<CheckMetrics['decided']>[0], CountedBy>) => void {
  const registers = [registry]
  const routes = new Map<string, Map<Reason, Slot>>()
  const sources = new Map<string, number>([...knownSources].map((source) => [source, 0]))

  new Counter({
    name: 'tenantgate_decisions_total',
    help: 'Decisions by outcome, reason and route; the route is empty where none matched.',
    labelNames: ['decision', 'reason', 'route'],
    registers,
    collect() {
      this.reset()
      for (const [route, reasons] of routes) {
        for (const [reason, { allowed, denied }] of reasons) {
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
      for (const [source, count] of sources) this.inc({ source }, count)
    },
  })

  function slotOf(route: string, reason: Reason): Slot {
    let reasons = routes.get(route)
    if (reasons === undefined) routes.set(route, (reasons = new Map<Reason, Slot>()))
    let slot = reasons.get(reason)
    if (slot === undefined) reasons.set(reason, (slot = { allowed: 0, denied: 0 }))
    return slot
  }

  return ({ allowed, reason, route, source }) => {
    const slot = slotOf(route, reason)
    if (allowed) slot.allowed += 1
    else slot.denied += 1
    if (source !== null) sources.set(source, (sources.get(source) ?? 0) + 1)
  }
}

type CountedBy = 'allowed' | 'reason' | 'route' | 'source'

/** They are exposed from the start, so that a rate sees the first of each. */
const knownSources = ['memory', 'claims', 'redis', 'postgres'] as const
