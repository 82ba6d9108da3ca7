import { array, assert, asyncProperty, constantFrom, option, record } from 'fast-check'
import { Counter, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createDecisionCounts } from '../../../src/adapters/prometheus/decision-counts.ts'
import { denyReasons, type Reason } from '../../../src/domain/decision.ts'
import { parseExposition, type Sample } from '../../support/prometheus-text.ts'

const observation = record({
  allowed: constantFrom(true, false),
  reason: constantFrom<Reason[]>('granted', ...denyReasons),
  route: constantFrom('', 'a', 'b', 'leave.list', 'a"b\\c\nd', '__proto__', 'constructor'),
  source: option(constantFrom('memory', 'claims', 'redis', 'postgres'), { nil: null }),
})

type Counted = Parameters<ReturnType<typeof createDecisionCounts>>[0]

/** The same, as prom-client counts by itself. */
function countedByTheLibrary(registry: Registry) {
  const registers = [registry]
  const decisions = new Counter({
    name: 'tenantgate_decisions_total',
    help: 'h',
    labelNames: ['decision', 'reason', 'route'],
    registers,
  })
  const facts = new Counter({
    name: 'tenantgate_facts_total',
    help: 'h',
    labelNames: ['source'],
    registers,
  })
  return ({ allowed, reason, route, source }: Counted): void => {
    decisions.inc({ decision: allowed ? 'allow' : 'deny', reason, route })
    if (source !== null) facts.inc({ source })
  }
}

async function samplesOf(registry: Registry): Promise<readonly Sample[]> {
  const { samples } = parseExposition(await registry.metrics())
  // Sources that did not occur are told as 0.
  return samples.filter(({ value }) => value > 0).sort(byLabels)
}
const byLabels = (a: Sample, b: Sample): number =>
  JSON.stringify([a.name, a.labels]) < JSON.stringify([b.name, b.labels]) ? -1 : 1

describe('counts of decisions', () => {
  it('are what the library would have counted, at every scrape', async () => {
    await assert(
      asyncProperty(array(array(observation, { maxLength: 60 }), { maxLength: 4 }), async (all) => {
        const [own, library] = [new Registry(), new Registry()]
        const count = createDecisionCounts(own)
        const countThere = countedByTheLibrary(library)
        for (const observations of all) {
          for (const one of observations) {
            count(one)
            countThere(one)
          }
          expect(await samplesOf(own)).toEqual(await samplesOf(library))
        }
      }),
    )
  })
})
