import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import pg from 'pg'
import { parse } from 'yaml'
import { denyReasons } from '../../../src/domain/decision.ts'
import type { Instance } from '../../support/instance.ts'
import { startPlatform, type Platform } from '../../support/platform.ts'
import { until } from '../../support/poll.ts'
import { parseExposition, type Exposition } from '../../support/prometheus-text.ts'
import { namedIn } from '../../support/promql.ts'

const read = (path: string): string =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

let platform: Platform
let instance: Instance
const folder = mkdtempSync(join(tmpdir(), 'tenantgate-test-'))
let exposition: Exposition
beforeAll(async () => {
  platform = await startPlatform()
  const { name } = platform
  const subjects = ['member.>', 'user.>', 'organization.>'].map((subject) => `${name}.${subject}`)
  await platform.publisher.createStream({ name, subjects })
  instance = await platform.start({
    TENANTGATE_NATS_STREAM: name,
    TENANTGATE_DECISION_LOG: join(folder, 'log'),
    TENANTGATE_VERIFY_AFTER: '60s',
    TENANTGATE_DEADLINE: '20s', // what is asked here is told, however slow the machine
  })
  // Redis may be connected last, and is not asked before.
  await until(async () => (await instance.metric('tenantgate_ready')) === 1, { what: 'readiness' })
  const [staff, viewer] = await platform.people.add(2)
  if (staff === undefined || viewer === undefined) throw new Error('nobody was added')
  await platform.people.setRole(viewer, 'viewer')
  for (const route of ['verified', 'verified', 'cache', 'database'] as const) {
    expect((await instance.ask(staff, route)).allowed).toBe(true)
  }
  expect((await instance.ask(viewer, 'cache')).reason).toBe('permission_denied')
  await platform.publish('member.removed', { userId: staff.user })
  const labels = { subject: 'member.removed', outcome: 'applied' }
  await until(async () => (await instance.metric('tenantgate_events_total', labels)) === 1, {
    what: 'the event',
  })
  exposition = await scrape()
})
afterAll(async () => {
  await platform.close()
  rmSync(folder, { recursive: true })
})

async function scrape(): Promise<Exposition> {
  const response = await fetch(`http://${instance.process.httpAddress}/metrics`)
  return parseExposition(await response.text())
}

const family = (name: string): string =>
  exposition.types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')

/** The labels that a metric is exposed with, `le` aside. */
function labelsOf(metric: string): readonly string[] {
  const labels = exposition.samples
    .filter(({ name }) => family(name) === metric)
    .flatMap((sample) => Object.keys(sample.labels))
  return [...new Set(labels)].filter((label) => label !== 'le').sort()
}

describe('a running service', () => {
  it.each([
    ['tenantgate_decisions_total', { reason: 'granted', route: 'verified' }, 2],
    ['tenantgate_decisions_total', { reason: 'permission_denied', route: 'cache' }, 1],
    ['tenantgate_check_duration_seconds_count', {}, 5],
    ['tenantgate_cache_lookups_total', { cache: 'tokens', outcome: 'hit' }, 3],
    ['tenantgate_cache_lookups_total', { cache: 'tokens', outcome: 'miss' }, 2],
    ['tenantgate_cache_lookups_total', { cache: 'redis', outcome: 'miss' }, 1],
    ['tenantgate_fact_read_duration_seconds_count', { source: 'redis' }, 1],
    ['tenantgate_fact_read_duration_seconds_count', { source: 'postgres' }, 3],
    ['tenantgate_event_lag_seconds_count', {}, 1],
    ['tenantgate_ready', {}, 1],
    ['tenantgate_component_ok', { component: 'nats' }, 1],
    ['tenantgate_checks_waiting', {}, 0],
  ])('counts what happens in it: %s %j is %d', (name, labels, value) => {
    expect(exposition.value(name, labels)).toBe(value)
  })

  it('counts the lines of its decision log', async () => {
    // A policy and five decisions.
    const written = async () => (await scrape()).value('tenantgate_decision_log_lines_total')
    await until(async () => (await written()) === 6, { what: 'six lines' })
  })

  it('tells what waits for PostgreSQL', async () => {
    const [person] = await platform.people.add(1)
    if (person === undefined) throw new Error('nobody was added')
    // Held for as long as it takes to be seen, which a slow machine decides.
    const holder = new pg.Client({ connectionString: platform.postgres.url })
    await holder.connect()
    await holder.query('BEGIN; LOCK TABLE members IN ACCESS EXCLUSIVE MODE')
    const asked = instance.ask(person, 'database')
    const statements = { pool: 'checks', state: 'running' }
    try {
      await until(
        async () => {
          const { value } = await scrape()
          return (
            value('tenantgate_checks_waiting') === 1 &&
            value('tenantgate_postgres_statements', statements) === 1
          )
        },
        { what: 'the check and its statement' },
      )
    } finally {
      await holder.end()
    }
    expect((await asked).allowed).toBe(true)
  })
})

describe('docs/metrics.md', () => {
  const page = read('docs/metrics.md')

  it('names every metric that a running service exposes, and no other', () => {
    const named = page.matchAll(/`((?:tenantgate|process|nodejs)_[a-z0-9_]+)`/g)
    const documented = [...new Set([...named].map(([, name]) => name))].sort()
    expect(documented).toEqual([...exposition.types.keys()].sort())
  })

  it('gives each its type and its labels', () => {
    const rows = [...page.matchAll(/^\| `(tenantgate_\w+)` +\| (\w+) +\| ([^|]+?) +\|/gm)].map(
      ([, name = '', type, labels = '']) => ({
        name,
        type,
        labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).sort(),
      }),
    )
    const exposed = [...exposition.types]
      .filter(([name]) => name.startsWith('tenantgate_'))
      .map(([name, type]) => ({ name, type, labels: labelsOf(name) }))
    const byName = (a: { name: string }, b: { name: string }): number =>
      a.name < b.name ? -1 : a.name > b.name ? 1 : 0
    expect(rows.sort(byName)).toEqual(exposed.sort(byName))
  })
})

/** Labels that Prometheus adds to what it scrapes. */
const scraped = ['job', 'instance']
/** What may appear in a label that a healthy service has no sample of. */
const possible: Readonly<Record<string, readonly string[]>> = { reason: denyReasons }

/** What an expression names that no service exposes, in words. */
function unknownIn(expression: string): readonly string[] {
  const { groupedBy, selectors } = namedIn(expression)
  const faults: string[] = []
  for (const { matchers, metric } of selectors) {
    const samples = exposition.samples.filter(({ name }) => name === metric)
    if (samples.length === 0) faults.push(`no metric ${metric}`)
    for (const { label, op, value } of matchers) {
      if (scraped.includes(label)) continue
      const values = samples.flatMap(({ labels }) => labels[label] ?? [])
      if (values.length === 0) faults.push(`no label ${label} of ${metric}`)
      const known = [...values, ...(possible[label] ?? [])]
      for (const one of op.includes('~') ? value.split('|') : [value]) {
        if (!known.includes(one)) faults.push(`no ${label}="${one}" of ${metric}`)
      }
    }
  }
  const labels = selectors.flatMap(({ metric }) => [...labelsOf(family(metric)), 'le', ...scraped])
  for (const label of groupedBy) {
    if (!labels.includes(label)) faults.push(`no label ${label} to group by`)
  }
  return faults
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string
      readonly expr: string
      readonly labels: Readonly<Record<string, string>>
      readonly annotations: Readonly<Record<string, string>>
    }[]
  }[]
}

describe('deploy/prometheus/alerts.yaml', () => {
  const { groups } = parse(read('deploy/prometheus/alerts.yaml')) as Rules
  const rules = groups.flatMap((group) => group.rules)

  it('names only what a running service exposes', () => {
    for (const { alert, expr } of rules) expect([alert, ...unknownIn(expr)]).toEqual([alert])
  })

  it('says of each alert how bad it is, what it is and what to do', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const { annotations, labels } of rules) {
      expect(labels['severity']).toMatch(/^(critical|warning|info)$/)
      expect(annotations['summary']).toMatch(/^.{10,}$/)
      expect(annotations['runbook']).toMatch(/^.{40,}\.$/)
    }
  })

  it('watches over every wrong state that a metric tells', () => {
    const named = new Set(rules.flatMap(({ expr }) => namedIn(expr).selectors.map((s) => s.metric)))
    for (const metric of [
      'tenantgate_ready',
      'tenantgate_component_ok',
      'tenantgate_decisions_total',
      'tenantgate_check_duration_seconds_bucket',
      'tenantgate_verification_lag_seconds_bucket',
      'tenantgate_unannounced_changes_total',
      'tenantgate_decision_log_dropped_total',
      'tenantgate_event_loop_delay_seconds_bucket',
    ]) {
      expect(named).toContain(metric)
    }
    const parts = rules.flatMap(({ expr }) =>
      namedIn(expr).selectors.flatMap(({ matchers }) =>
        matchers.filter(({ label }) => label === 'component').map(({ value }) => value),
      ),
    )
    const configured = exposition.samples
      .filter(({ name }) => name === 'tenantgate_component_ok')
      .map(({ labels }) => labels['component'])
    expect(parts.sort()).toEqual(configured.sort())
  })
})

interface Dashboard {
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
  readonly templating: { readonly list: readonly { readonly definition?: string }[] }
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly description?: string
    readonly type: string
    readonly datasource?: unknown
    readonly gridPos: Readonly<Record<'h' | 'w' | 'x' | 'y', number>>
    readonly targets?: readonly { readonly expr: string; readonly datasource: unknown }[]
  }[]
}

describe('deploy/grafana/tenantgate.json', () => {
  const dashboard = JSON.parse(read('deploy/grafana/tenantgate.json')) as Dashboard
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')

  it('names only what a running service exposes', () => {
    for (const { targets = [], title } of panels) {
      for (const { expr } of targets) expect([title, ...unknownIn(expr)]).toEqual([title])
    }
    for (const { expr } of dashboard.annotations.list) expect(unknownIn(expr)).toEqual([])
    const queries = dashboard.templating.list.flatMap(({ definition }) => definition ?? [])
    expect(queries).toHaveLength(2)
    for (const query of queries) {
      const [, selector = ''] = /^label_values\((.+), \w+\)$/.exec(query) ?? []
      expect(unknownIn(selector)).toEqual([])
    }
  })

  it('asks the chosen data source for the chosen instances', () => {
    for (const { datasource, description, targets = [] } of panels) {
      expect(description).toMatch(/\.$/)
      expect(targets.length).toBeGreaterThan(0)
      for (const one of [datasource, ...targets.map((target) => target.datasource)]) {
        expect(one).toEqual({ type: 'prometheus', uid: '${datasource}' })
      }
      for (const { matchers } of targets.flatMap(({ expr }) => namedIn(expr).selectors)) {
        expect(matchers.map(({ label }) => label)).toEqual(expect.arrayContaining(scraped))
      }
    }
  })

  it('lays its panels side by side, none over another', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
    const taken = new Set<string>()
    for (const { gridPos } of dashboard.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.has(`${x} ${y}`)).toBe(false)
          taken.add(`${x} ${y}`)
        }
      }
    }
  })
})
