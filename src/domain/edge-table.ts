import { anyHost, dotsIn, patternsFor } from './host.ts'
import type { Template, TemplateSegment } from './template.ts'

/** A policy's route as a gateway has to know it: what it takes, and where it leads. */
export interface EdgeRoute {
  readonly name: string
  readonly methods: readonly string[]
  readonly template: Template
  /** Host patterns; none: any host. */
  readonly hosts: readonly string[]
  /** The name of an upstream. */
  readonly upstream: string
}

/** Host patterns that share one list of routes, the first match of which counts. */
export interface EdgeHost {
  /** `anyHost` stands for every host that no pattern of the table matches. */
  readonly patterns: readonly string[]
  readonly routes: readonly EdgeRoute[]
}

/**
 * Flattens what a route table decides by search into lists whose first match is the same route.
 * A gateway looks into the most specific virtual host alone, while a policy falls back to wider
 * patterns: so each list holds the routes of all patterns that cover its own, in their order.
 */
export function edgeTable(routes: readonly EdgeRoute[]): readonly EdgeHost[] {
  const byPattern = new Map<string, EdgeRoute[]>([[anyHost, []]])
  for (const route of routes) {
    for (const pattern of route.hosts.length === 0 ? [anyHost] : route.hosts) {
      const own = byPattern.get(pattern) ?? []
      byPattern.set(pattern, own)
      own.push(route)
    }
  }
  for (const own of byPattern.values()) own.sort(bySpecificity)
  const hosts = new Map<string, { patterns: string[]; routes: readonly EdgeRoute[] }>()
  for (const pattern of [...byPattern.keys()].sort()) {
    const covering = coveringPatterns(pattern)
    const list = reachable(covering.flatMap((one) => byPattern.get(one) ?? []))
    const key = JSON.stringify(list.map(({ methods, name }) => [name, methods]))
    const known = hosts.get(key)
    if (known === undefined) hosts.set(key, { patterns: [pattern], routes: list })
    else known.patterns.push(pattern)
  }
  return [...hosts.values()]
}

/** Leaves out what an earlier route of the same methods and template always takes before. */
function reachable(routes: readonly EdgeRoute[]): readonly EdgeRoute[] {
  const taken = new Set<string>()
  return routes.flatMap((route) => {
    const keys = new Map(route.methods.map((one) => [one, `${one} ${shapeOf(route.template)}`]))
    const methods = route.methods.filter((one) => !taken.has(keys.get(one) ?? ''))
    for (const key of keys.values()) taken.add(key)
    return methods.length === 0 ? [] : [{ ...route, methods }]
  })
}

/** What a template takes, whatever its parameters are called. */
function shapeOf({ segments }: Template): string {
  return segments.map((one) => (one.kind === 'literal' ? one.value : `{${one.kind}}`)).join('/')
}

/** The patterns that match whatever a pattern matches, most specific first, itself included. */
function coveringPatterns(pattern: string): readonly string[] {
  if (pattern === anyHost) return [anyHost]
  const name = pattern.startsWith('*.') ? pattern.slice(2) : pattern
  const [, ...wider] = patternsFor(name, dotsIn(name) + 1)
  return [pattern, ...wider]
}

const ranks: Readonly<Record<TemplateSegment['kind'], number>> = {
  literal: 0,
  plain: 1,
  text: 2,
  rest: 3,
}

/**
 * Orders routes of one host pattern: of two that match a request, the one that the search of a
 * route table finds first comes first. Routes that no request can both match are ordered by text.
 */
function bySpecificity(a: EdgeRoute, b: EdgeRoute): number {
  const [left, right] = [a.template.segments, b.template.segments]
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const [one, other] = [left[at], right[at]]
    if (one === undefined || other === undefined) break
    const rank = ranks[one.kind] - ranks[other.kind]
    if (rank !== 0) return rank
    if (one.kind === 'literal' && other.kind === 'literal' && one.value !== other.value) {
      return one.value < other.value ? -1 : 1
    }
  }
  return left.length - right.length || (a.name < b.name ? -1 : 1)
}
