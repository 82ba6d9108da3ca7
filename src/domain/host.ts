const label = '[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?'
const hostPattern = new RegExp(`^(\\*\\.)?${label}(\\.${label})*$`)

/**
 * The host a request is routed by: lower case (CVE-2021-39155), without its port and a trailing
 * dot.
 */
export function canonicalHost(host: string): string {
  const name = host.toLowerCase().replace(/:\d*$/, '')
  return name.endsWith('.') ? name.slice(0, -1) : name
}

/** What is wrong with a host pattern of a policy, or undefined. Patterns are lower case. */
export function hostPatternFault(pattern: string): string | undefined {
  if (/:\d+$/.test(pattern)) return 'the port plays no part in matching: leave it out'
  if (!hostPattern.test(pattern)) {
    return 'write a host name, or *. and a host name for one or more labels before it'
  }
  return undefined
}

/** How many dots a pattern holds: what bounds the look-ups for a host. */
export function dotsIn(pattern: string): number {
  return pattern.split('.').length - 1
}

/**
 * The patterns that match a canonical host, most specific first: exact, longer wildcard, none.
 * Only wildcards of at most `maxDots` dots are tried, so that a long host costs no more.
 */
export function* patternsFor(host: string, maxDots: number): Generator<string> {
  if (host !== '') {
    yield host
    const dots: number[] = []
    let dot = host.lastIndexOf('.')
    // A wildcard stands for one label at least: a dot at the very start has none before it.
    while (dot > 0 && dots.length < maxDots) {
      dots.push(dot)
      dot = host.lastIndexOf('.', dot - 1)
    }
    for (const at of dots.reverse()) yield `*${host.slice(at)}`
  }
  yield anyHost
}

/** Stands for a route that names no host. */
export const anyHost = ''
