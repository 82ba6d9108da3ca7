import { anyHost, canonicalHost, dotsIn, patternsFor } from './host.ts'

/**
 * Splits the hosts that `wanted` names (none: any host) into classes that `patterns` do not tell
 * apart, and gives one host of each. Patterns are exact names and wildcards over a suffix: the exact
 * names, one more host under each wildcard and one more under none stand for all that there are.
 */
export function hostWitnesses(
  wanted: readonly string[],
  patterns: readonly string[],
): readonly string[] {
  const all = [...new Set([...wanted, ...patterns])].filter((pattern) => pattern !== anyHost)
  const label = freshLabel(all)
  const hosts = all.map((pattern) =>
    pattern.startsWith('*.') ? `${label}${pattern.slice(1)}` : pattern,
  )
  const classes = [...new Set([...hosts, `${label}.invalid`])]
  return wanted.length === 0
    ? classes
    : classes.filter((host) => wanted.some((pattern) => isHostOf(host, pattern)))
}

/** Whether a host pattern matches a host. */
export function isHostOf(host: string, pattern: string): boolean {
  return [...patternsFor(canonicalHost(host), dotsIn(pattern))].includes(pattern)
}

function freshLabel(patterns: readonly string[]): string {
  const labels = new Set(patterns.flatMap((pattern) => pattern.split('.')))
  let label = 'host'
  for (let index = 1; labels.has(label); index++) label = `host${index}`
  return label
}
