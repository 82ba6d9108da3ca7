import { describe, expect, it } from 'vitest'
import { edgeTable, type EdgeHost } from '../../src/domain/edge-table.ts'
import { mayOverlap } from '../../src/domain/edge-overlap.ts'
import { canonicalHost } from '../../src/domain/host.ts'
import { readPath } from '../../src/domain/path.ts'
import { matchTemplate } from '../../src/domain/template.ts'
import { randomWorld } from '../support/random-policies.ts'
import { edgeOf } from '../support/render-edge.ts'

/** The list that a gateway looks into: exact, then the longest suffix, then any. */
function listOf(hosts: readonly EdgeHost[], host: string): EdgeHost | undefined {
  const rank = (pattern: string): number => {
    if (pattern === host) return Infinity
    if (pattern === '') return 0
    const suffix = pattern.slice(1)
    return pattern.startsWith('*') && host.endsWith(suffix) && host.length > suffix.length
      ? suffix.length
      : -1
  }
  const best = (one: EdgeHost): number => Math.max(...one.patterns.map(rank))
  return [...hosts].sort((a, b) => best(b) - best(a))[0]
}

describe('lists whose first match is what a route table finds', () => {
  it.each([11, 12, 13, 14, 15, 16])('for random policies and requests, seed %i', (seed) => {
    const world = randomWorld(seed)
    const policy = world.policy(100, 'http://u:1')
    const { hosts } = edgeOf(policy)
    let found = 0
    for (let asked = 0; asked < 1_500; asked++) {
      const { host, method, path } = world.request(policy)
      const reading = readPath(path)
      if (!('segments' in reading)) continue
      const expected = policy.routes.match(method, host, reading.path, reading.path.length)?.name
      const list = listOf(hosts, canonicalHost(host))
      const matching = (list?.routes ?? []).filter(
        ({ methods, template }) =>
          methods.includes(method) && matchTemplate(template, reading.segments) !== undefined,
      )
      expect(matching[0]?.name, `${method} ${host} ${path}`).toBe(expected)
      // Whatever two routes take, they are known to overlap.
      for (const other of matching.slice(1)) {
        if (matching[0] !== undefined) expect(mayOverlap(matching[0], other)).toBe(true)
      }
      if (expected !== undefined) found += 1
    }
    expect(found).toBeGreaterThan(150)
  })

  it('always has one for hosts that no pattern names', () => {
    expect(edgeTable([])).toEqual([{ patterns: [''], routes: [] }])
  })
})
