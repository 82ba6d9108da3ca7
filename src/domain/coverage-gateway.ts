import { exampleOf, type ClassesOf } from './coverage-requests.ts'
import type { RequestShape } from './coverage-shape.ts'
import { readExtension } from './extension.ts'

/** A route of a gateway that passes requests on to an upstream. */
export interface GatewayRoute {
  /** Listener, virtual host and route, by their names. */
  readonly listener: string
  readonly virtual_host: string
  readonly route: string
  /** What it matches, in words and whole, as `prefix /api`: alike words match alike. */
  readonly match: string
  readonly hosts: readonly string[]
  /** At least the requests that it matches. */
  readonly shape: RequestShape
  /** `one` path or template; an `area` below a prefix; `unclear`: the shape may be too wide. */
  readonly extent: 'one' | 'area' | 'unclear'
  /** The rule that it carries. */
  readonly extensions: ReadonlyMap<string, string>
  /** Whether the gateway keeps the values of that rule to itself. */
  readonly hidden: boolean
  /** Why its requests reach the upstream undecided; null where they do not. */
  readonly open: string | null
}

/** A gateway's configuration, as far as it bears on coverage. */
export interface Gateway {
  readonly source: string
  readonly routes: readonly GatewayRoute[]
  /** What lets requests pass undecided, or cannot be seen, on a whole listener. */
  readonly gaps: readonly { readonly listener: string; readonly why: string }[]
}

/** How one route of a gateway is decided. */
export interface GatewayCoverage {
  readonly source: string
  readonly listener: string
  readonly virtual_host: string
  readonly route: string
  readonly match: string
  /**
   * `policy`, `extensions`, `both`: by these rules. `default-deny`: what the policy has no route for
   * is refused. `none`: every request is refused. `open`: requests pass undecided.
   */
  readonly decided_by: 'policy' | 'extensions' | 'both' | 'default-deny' | 'none' | 'open'
  /** Routes of the policy that its requests meet; null where that cannot be told. */
  readonly routes: readonly string[] | null
  readonly extensions: Readonly<Record<string, string>>
  readonly why: string | null
}

/** Something that lets requests pass undecided, or a route that no rule opens. */
export interface GatewayGap {
  readonly source: string
  readonly listener: string
  readonly virtual_host: string | null
  readonly route: string | null
  readonly match: string | null
  readonly why: string
}

/** What the routes of gateways come to. */
export interface GatewaysCoverage {
  readonly routes: readonly GatewayCoverage[]
  readonly gaps: readonly GatewayGap[]
  /** The policy's routes that some route of a gateway leads to. */
  readonly reached: ReadonlySet<string>
}

/** Tells of each route of gateways what decides its requests. */
export function coverGateways(
  gateways: readonly Gateway[],
  classesOf: ClassesOf,
): GatewaysCoverage {
  const winners = createWinners(classesOf)
  const reached = new Set<string>()
  const routes: GatewayCoverage[] = []
  const gaps: GatewayGap[] = []
  for (const { gaps: ofListeners, routes: ofGateway, source } of gateways) {
    for (const { listener, why } of ofListeners) {
      gaps.push({ source, listener, virtual_host: null, route: null, match: null, why })
    }
    for (const route of ofGateway) {
      const met = winners(route)
      for (const name of met.names) reached.add(name)
      const covered = cover(source, route, met)
      routes.push(covered)
      if (covered.decided_by !== 'open' && covered.decided_by !== 'none') continue
      const { listener, match, route: name, virtual_host } = covered
      const told = ofListeners.some((gap) => gap.listener === listener && gap.why === covered.why)
      if (told) continue // once for all of its routes
      gaps.push({ source, listener, virtual_host, route: name, match, why: covered.why ?? '' })
    }
  }
  return { routes, gaps, reached }
}

const hiddenRule = 'its context_extensions are not told here: compare with the file as well'

function cover(source: string, route: GatewayRoute, met: Winners): GatewayCoverage {
  const { extensions, extent, listener, match, open, route: name, virtual_host } = route
  const rule = route.hidden ? null : readExtension(extensions)
  const base = {
    ...{ source, listener, virtual_host, route: name, match },
    routes: extent === 'unclear' ? null : met.names,
    extensions: Object.fromEntries(extensions),
  }
  const as = (decided_by: GatewayCoverage['decided_by'], why: string | null = null) => ({
    ...base,
    decided_by,
    why,
  })
  if (open !== null) return as('open', open)
  if (rule !== null && 'why' in rule) {
    return as('none', `its context_extensions cannot be relied on, so all is denied: ${rule.why}`)
  }
  const byPolicy = met.names.length > 0 && extent !== 'unclear'
  if (route.hidden) return as(byPolicy ? 'both' : 'extensions', hiddenRule)
  if (rule !== null) return as(byPolicy ? 'both' : 'extensions')
  if (extent !== 'one') return as('default-deny')
  if (byPolicy) return as('policy')
  return as('none', `no route of the policy and no context_extensions: ${met.denied} is denied`)
}

interface Winners {
  readonly names: readonly string[]
  readonly denied: string
}

/** Which routes requests of a gateway's route meet; routes that match alike are asked once. */
function createWinners(classesOf: ClassesOf): (route: GatewayRoute) => Winners {
  const known = new Map<string, Winners>()
  return ({ hosts, match, shape }) => {
    const key = JSON.stringify([match, hosts])
    const before = known.get(key)
    if (before !== undefined) return before
    const names = new Set<string>()
    let denied = ''
    for (const one of classesOf(shape)) {
      if (one.route === undefined) denied ||= exampleOf(one)
      else names.add(one.route.name)
    }
    const winners = { names: [...names].sort(), denied }
    known.set(key, winners)
    return winners
  }
}
