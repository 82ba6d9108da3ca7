import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createClassesOf,
  exampleOf,
  routesOf,
  shadowedRoutes,
} from '../../src/domain/coverage-requests.ts'
import {
  literalSegment,
  matchingSegment,
  openSegment,
  textSegment,
  type RequestShape,
  type SegmentSet,
} from '../../src/domain/coverage-shape.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { compileRoutes } from '../../src/domain/route-table.ts'
import { parseTemplate } from '../../src/domain/template.ts'
import { policyFrom } from '../support/builders.ts'

interface RouteText {
  readonly match: string
  readonly hosts: readonly string[]
}

/** A policy of public routes named by their place, without those that conflict with earlier ones. */
function policyOf(all: readonly RouteText[]): Policy {
  const patterns = all.map(({ hosts, match }, index) => {
    const [methods = '', source = ''] = match.split(' ')
    const template = parseTemplate(source)
    if ('faults' in template) throw new Error(template.faults.join())
    return { index, hosts, methods: methods.split('|'), template }
  })
  const rejected = new Set(compileRoutes(patterns).conflicts.map(({ second }) => second.index))
  const routes = all.flatMap(({ hosts, match }, index) =>
    rejected.has(index)
      ? []
      : [{ name: `r${index}`, match, access: 'public', ...(hosts.length > 0 && { hosts }) }],
  )
  return policyFrom(JSON.stringify({ version: 1, routes }))
}

/** A route for whatever is plain makes it likelier that nothing is left over. */
const anyPath = fc.constantFrom('/{rest...}', '/{t:text}')
const part = fc.constantFrom('a', 'b', 'a', 'plain', 'plain', 'text')
const template = fc
  .record({
    parts: fc.array(part, { minLength: 1, maxLength: 3 }),
    end: fc.constantFrom('', '', '', '/', 'rest', 'rest'),
  })
  .map(({ end, parts }) => {
    const texts = parts.map((one, place) =>
      one === 'plain' ? `{p${place}}` : one === 'text' ? `{t${place}:text}` : one,
    )
    return `/${texts.join('/')}${end === 'rest' ? '/{rest...}' : end}`
  })
const hostPatterns = fc.oneof(
  { weight: 2, arbitrary: fc.constant<string[]>([]) },
  {
    weight: 1,
    arbitrary: fc.uniqueArray(fc.constantFrom('t', 'a.t', 'b.a.t', '*.t', '*.a.t'), {
      minLength: 1,
      maxLength: 2,
    }),
  },
)
const route = fc.record({
  match: fc
    .tuple(
      fc.constantFrom('GET', 'GET', 'GET|POST', 'POST'),
      fc.oneof({ weight: 5, arbitrary: template }, { weight: 1, arbitrary: anyPath }),
    )
    .map(([methods, source]) => `${methods} ${source}`),
  hosts: hostPatterns,
})
const policies = fc.array(route, { maxLength: 9 }).map(policyOf)

/** Segment sets of every kind, each with the rule that it stands for. */
const sets: readonly { readonly set: SegmentSet; readonly has: RegExp }[] = [
  { set: literalSegment('a'), has: /^a$/ },
  { set: { kind: 'only', values: ['a', 'b', 'c', 'c%20'] }, has: /^(a|b|c|c%20)$/ },
  { set: openSegment(), has: /^[a-z0-9]+$/ },
  { set: textSegment(), has: /^([a-z0-9]|%20)+$/ },
  { set: openSegment('x', '9'), has: /^x[a-z0-9]+9$/ },
  { set: textSegment('x', '9'), has: /^x([a-z0-9]|%20)+9$/ },
  { set: matchingSegment((one) => /^\d+$/.test(one), String), has: /^\d+$/ },
]
const shapes = fc
  .record({
    methods: fc.constantFrom<RequestShape['methods']>(
      ...['any' as const, ['GET'], ['GET'], ['GET'], ['GET', 'POST'], ['PUT']],
    ),
    hosts: hostPatterns,
    places: fc.array(fc.constantFrom(...sets), { maxLength: 3 }),
    tail: fc.constantFrom<RequestShape['tail']>('none', 'none', 'rest', 'any', 'below'),
  })
  .filter(({ places, tail }) => places.length > 0 || tail !== 'none')

/** Every path of up to four of these segments, and the same with a trailing slash. */
const alphabet = ['a', 'b', 'c', 'x79', '7', 'c%20', 'x%209']
const paths = (function grow(length: number): readonly (readonly string[])[] {
  if (length === 0) return [[]]
  return grow(length - 1).flatMap((path) =>
    path.length < length - 1 ? [path] : [path, ...alphabet.map((segment) => [...path, segment])],
  )
})(4)
const everyPath = paths.flatMap((path) => (path.length === 0 ? [['']] : [path, [...path, '']]))
/** The name of the route that a table finds for a path of these segments. */
function matched(
  policy: Policy,
  method: string,
  host: string,
  segments: readonly string[],
): string | undefined {
  const path = `/${segments.join('/')}`
  return policy.routes.match(method, host, path, path.length)?.name
}
const everyHost = ['t', 'a.t', 'b.a.t', 'z.t', 'z.a.t', 'z.b.a.t', 'z']

const onHost = (host: string, patterns: readonly string[]): boolean =>
  patterns.length === 0 ||
  patterns.some((one) => (one.startsWith('*') ? host.endsWith(one.slice(1)) : one === host))

function isOf(
  { places, tail }: { readonly places: typeof sets; readonly tail: RequestShape['tail'] },
  path: readonly string[],
): boolean {
  if (path.length === 1 && path[0] === '') return places.length === 0 && tail !== 'rest'
  if (!places.every(({ has }, place) => has.test(path[place] ?? ''))) return false
  const beyond = path.slice(places.length)
  if (tail === 'none') return beyond.length === 0
  if (tail === 'any') return true
  if (tail === 'below') return beyond.length > 0
  return beyond.length > 0 && beyond.every((one) => /^[a-z0-9]+$/.test(one))
}

describe('the classes of a shape', () => {
  it('meet exactly the routes that its requests meet, found by trying all', () => {
    const seen = { shapes: 0, several: 0, gaps: 0, covered: 0 }
    fc.assert(
      fc.property(policies, shapes, (policy, { hosts, methods, places, tail }) => {
        const shape = { hosts, methods, tail, segments: places.map(({ set }) => set) }
        const told = new Set<string>()
        for (const one of createClassesOf(policy)(shape)) {
          const { host = hosts[0]?.replace('*', 'z') ?? 'z', method, route, segments } = one
          // A witness is one of the shape's own requests, and came out as it would.
          expect(methods === 'any' || methods.includes(method)).toBe(true)
          expect(onHost(host, hosts), host).toBe(true)
          expect(isOf({ places, tail }, segments), exampleOf(one)).toBe(true)
          expect(matched(policy, method, host, segments)).toBe(route?.name)
          told.add(route?.name ?? 'none')
        }
        const tried = new Set<string>()
        const requests = everyPath.filter((path) => isOf({ places, tail }, path))
        for (const method of methods === 'any' ? ['GET', 'POST', 'PUT'] : methods) {
          for (const host of everyHost.filter((one) => onHost(one, hosts))) {
            for (const path of requests) {
              tried.add(matched(policy, method, host, path) ?? 'none')
            }
          }
        }
        expect([...told].sort()).toEqual([...tried].sort())
        seen.shapes++
        if (told.size > 2) seen.several++
        if (told.size > 1 && told.has('none')) seen.gaps++
        if (!told.has('none')) seen.covered++
      }),
      { numRuns: 300 },
    )
    // Neither always empty nor always full.
    expect(seen.several / seen.shapes).toBeGreaterThan(0.1)
    expect(seen.gaps / seen.shapes).toBeGreaterThan(0.1)
    expect(seen.covered).toBeGreaterThan(0) // about one in 20
  })

  it('grow with the routes, not with the requests', () => {
    const routes = Array.from({ length: 2_000 }, (_, index) => ({
      match: `GET /api/v1/organizations/{organizationId}/kind-${index % 200}/{id}/act-${index}`,
      hosts: [],
    }))
    const shape: RequestShape = { methods: ['GET'], hosts: [], segments: [], tail: 'below' }
    const classes = [...createClassesOf(policyOf(routes))(shape)]
    expect(new Set(classes.map((one) => one.route?.name)).size).toBe(2_001)
    expect(classes.length).toBeLessThan(30_000)
  })

  it('are given up at some point, rather than gone through for ever', () => {
    // Each place tells two literals apart where another route has a parameter: 2^20 cases.
    const routes = Array.from({ length: 20 }, (_, place) => {
      const parts = Array.from({ length: 20 }, (__, index) =>
        index === place ? 'a' : `{p${index}}`,
      )
      return { match: `GET /${parts.join('/')}`, hosts: [] }
    })
    const segments = Array.from({ length: 20 }, () => openSegment())
    const shape: RequestShape = { methods: ['GET'], hosts: [], segments, tail: 'none' }
    const all = createClassesOf(policyOf(routes))(shape)
    expect(() => {
      while (all.next().done !== true);
    }).toThrow('cannot be gone through')
  })
})

describe('a route is shadowed', () => {
  const shadowed = (...routes: readonly (readonly [string, ...string[]])[]) => {
    const policy = policyOf(routes.map(([match, ...hosts]) => ({ match, hosts })))
    return shadowedRoutes(routesOf(policy), createClassesOf(policy))
  }
  it.each<[string, readonly (readonly [string, ...string[]])[], string, readonly string[]]>([
    [
      'where others take every length of its rest',
      [['GET /a/{r...}'], ['GET /a/{x}'], ['GET /a/{x}/{r...}']],
      'r0',
      ['r1', 'r2'],
    ],
    [
      'also where they take it by several methods and hosts',
      [
        ['GET|POST /a/{r...}', '*.t'],
        ['GET /a/{x}', '*.t'],
        ['GET /a/{x}/{r...}', '*.t'],
        ['POST /a/{x:text}', '*.t'],
        ['POST /a/{x}/{r...}', '*.t'],
      ],
      'r0',
      ['r1', 'r2', 'r3', 'r4'],
    ],
  ])('%s', (_title, routes, route, by) => {
    expect(shadowed(...routes)).toEqual([{ route, by }])
  })

  it.each<[string, readonly (readonly [string, ...string[]])[]]>([
    ['where one length is left', [['GET /a/{r...}'], ['GET /a/{x}'], ['GET /a/{x}/{y}']]],
    ['where another literal is left', [['GET /{x}'], ['GET /a'], ['GET /b']]],
    ['where encoded text is left', [['GET /{x:text}'], ['GET /{x}']]],
    ['where another host is left', [['GET /a'], ['GET /a', '*.t'], ['GET /a', 't']]],
    [
      'where another name below a wildcard is left',
      [
        ['GET /a', '*.t'],
        ['GET /a', 'a.t'],
      ],
    ],
    ['where a method is left', [['GET|PUT /a/{r...}'], ['GET /a/{x}'], ['GET /a/{x}/{r...}']]],
  ])('not %s', (_title, routes) => {
    expect(shadowed(...routes)).toEqual([])
  })
})
