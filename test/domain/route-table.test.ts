import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileRoutes, type RoutePattern } from '../../src/domain/route-table.ts'
import { matchTemplate, parseTemplate, type Template } from '../../src/domain/template.ts'

interface NamedPattern extends RoutePattern {
  readonly name: string
}

interface Sought {
  readonly method: string
  readonly host: string
  readonly path: string
}

function templateOf(source: string): Template {
  const parsed = parseTemplate(source)
  if ('faults' in parsed) throw new Error(parsed.faults.join('; '))
  return parsed
}

/** A route from its match, as `GET|HEAD /path`; it is named by it. */
function routeOf(match: string, hosts: readonly string[] = []): NamedPattern {
  const [methods = '', source = ''] = match.split(' ')
  return {
    name: `${match} ${hosts.join()}`.trim(),
    methods: methods.split('|'),
    hosts,
    template: templateOf(source),
  }
}

const segmentsOf = (path: string): readonly string[] => path.slice(1).split('/')

function found(routes: readonly NamedPattern[], sought: Sought): string | undefined {
  const { table } = compileRoutes(routes)
  return table.match(sought.method, sought.host, sought.path, sought.path.length)?.name
}

describe('the most specific route wins', () => {
  it.each([
    ['a literal before {name}', ['GET /{a}', 'GET /x'], '/x', 'GET /x'],
    ['{name} before {name:text}', ['GET /{a:text}', 'GET /{a}'], '/x', 'GET /{a}'],
    ['{name:text} before {name...}', ['GET /{a...}', 'GET /{a:text}'], '/x', 'GET /{a:text}'],
    ['{name:text} where it alone takes it', ['GET /{a}', 'GET /{a:text}'], '/%20', 'GET /{a:text}'],
    ['by the first segment that differs', ['GET /x/{b}', 'GET /{a}/y'], '/x/y', 'GET /x/{b}'],
    ['another where the better one ends', ['GET /x/{b}/z', 'GET /{a}/y'], '/x/y', 'GET /{a}/y'],
    [
      'after two ways in vain',
      ['GET /x/{b}/z', 'GET /{a}/y/w', 'GET /{r...}'],
      '/x/y',
      'GET /{r...}',
    ],
    ['a rest below a literal', ['GET /{r...}', 'GET /x/{r...}'], '/x/y', 'GET /x/{r...}'],
    ['none for a rest of nothing', ['GET /x/{r...}'], '/x', undefined],
    ['none for a rest with an empty end', ['GET /x/{r...}'], '/x/y/', undefined],
    ['none for another method', ['POST /x'], '/x', undefined],
    ['none with a trailing slash', ['GET /x', 'GET /{a}'], '/x/', undefined],
    ['the one of several methods', ['GET|HEAD /x'], '/x', 'GET|HEAD /x'],
    ['none for a name that objects have', ['GET /x'], '/constructor', undefined],
  ])('%s', (_title, matches, path, expected) => {
    const routes = matches.map((match) => routeOf(match))
    expect(found(routes, { method: 'GET', host: 'h', path })).toBe(expected)
    expect(found(routes.toReversed(), { method: 'GET', host: 'h', path })).toBe(expected)
  })

  const perHost = [
    routeOf('GET /{any}'),
    routeOf('GET /{com}', ['*.com']),
    routeOf('GET /{wild}', ['*.example.com']),
    routeOf('GET /{exact}', ['api.example.com']),
  ]
  it.each([
    ['an exact host', 'api.example.com', 'exact'],
    ['an exact host in another case, with port and dot', 'API.example.com.:443', 'exact'],
    ['the longer wildcard', 'www.example.com', 'wild'],
    ['a wildcard over several labels', 'a.b.example.com', 'wild'],
    ['the shorter wildcard for the bare name', 'example.com', 'com'],
    ['no host for another one', 'example.org', 'any'],
    ['no host for none', '', 'any'],
    ['no host for a name that only ends alike', 'evil-example.org', 'any'],
    ['a wildcard for a label before the exact name', 'x.api.example.com', 'wild'],
  ])('by %s', (_title, host, name) => {
    expect(found(perHost, { method: 'GET', host, path: '/x' })).toContain(`{${name}}`)
  })

  it('of the next host pattern where the better host has no route for the path', () => {
    const routes = [routeOf('GET /x'), routeOf('GET /y', ['a.com']), routeOf('POST /x', ['a.com'])]
    expect(found(routes, { method: 'GET', host: 'a.com', path: '/x' })).toBe('GET /x')
  })

  it('and a wildcard, which stands for one label at least, does not match an empty one', () => {
    const host = '.example.com'
    expect(found(perHost, { method: 'GET', host, path: '/x' })).not.toContain('{wild}')
  })

  it('and a wildcard matches a host of any length that ends in it', () => {
    const host = `${'a.'.repeat(200)}example.com`
    expect(found(perHost, { method: 'GET', host, path: '/x' })).toContain('{wild}')
  })
})

describe('two routes conflict', () => {
  it.each([
    ['with the same template', ['GET /x', 'GET /x'], 1],
    ['with other names of parameters', ['GET /{a}/y', 'GET /{b}/y'], 1],
    ['with other names of rests', ['GET /{a...}', 'GET /{b...}'], 1],
    ['once for each method they share', ['GET|HEAD|PUT /x', 'HEAD|PUT|POST /x'], 2],
  ])('%s', (_title, matches, count) => {
    expect(compileRoutes(matches.map((match) => routeOf(match))).conflicts).toHaveLength(count)
  })

  it.each([
    ['with other methods', ['GET /x', 'POST /x']],
    ['with other kinds', ['GET /{a}', 'GET /{a:text}', 'GET /{a...}', 'GET /a']],
    ['with other lengths', ['GET /{a}', 'GET /{a}/', 'GET /{a}/{b}']],
  ])('not %s', (_title, matches) => {
    expect(compileRoutes(matches.map((match) => routeOf(match))).conflicts).toEqual([])
  })

  it.each([
    ['on a host that both name', ['a.com', 'b.com'], ['b.com'], 1],
    ['not on other hosts', ['a.com'], ['b.com'], 0],
    ['not on a host and its wildcard', ['a.b.com'], ['*.b.com'], 0],
    ['not on a host and none', ['a.com'], [], 0],
  ])('%s', (_title, first, second, count) => {
    const routes = [routeOf('GET /x', first), routeOf('GET /x', second)]
    expect(compileRoutes(routes).conflicts).toHaveLength(count)
  })
})

/** What the contract says a host pattern matches, and how specific it is: greater is more. */
function hostRank(hosts: readonly string[], host: string): number {
  if (hosts.length === 0) return 0
  const name = host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
  const ranks = hosts.map((pattern) => {
    if (pattern === name) return Infinity
    const suffix = pattern.slice(1)
    return pattern.startsWith('*.') && name.endsWith(suffix) && name.length > suffix.length
      ? suffix.length
      : -1
  })
  return Math.max(...ranks)
}

const segmentForms = {
  plain: /^(?!\.{1,2}$)[A-Za-z0-9._~\-:@!$&'()*+,=]+$/,
  // Of the encodings in these paths, %2F alone hides something.
  text: /^(?!\.{1,2}$)([A-Za-z0-9._~\-:@!$&'()*+,=]|%(?!2F)[0-9A-F]{2})+$/,
}

/** The template as a regular expression over the whole path. */
function takes(template: Template, path: string): boolean {
  const parts = path.slice(1).split('/')
  const { segments } = template
  if (
    segments.at(-1)?.kind === 'rest'
      ? parts.length < segments.length
      : parts.length !== segments.length
  )
    return false
  return parts.every((part, index) => {
    const segment = segments[Math.min(index, segments.length - 1)]
    if (segment?.kind === 'literal') return segment.value === part
    return segmentForms[segment?.kind === 'text' ? 'text' : 'plain'].test(part)
  })
}

const kindOrder = ['literal', 'plain', 'text', 'rest']
const kindsOf = ({ template }: NamedPattern): string =>
  template.segments.map(({ kind }) => kindOrder.indexOf(kind)).join('')

/** Every route that matches, the most specific first: a filter and a sort, no table. */
function naiveMatches(routes: readonly NamedPattern[], sought: Sought): readonly NamedPattern[] {
  return routes
    .filter((route) => route.methods.includes(sought.method))
    .filter((route) => hostRank(route.hosts, sought.host) >= 0)
    .filter((route) => takes(route.template, sought.path))
    .sort(
      (a, b) =>
        hostRank(b.hosts, sought.host) - hostRank(a.hosts, sought.host) ||
        (kindsOf(a) < kindsOf(b) ? -1 : 1),
    )
}

/** The route that a search finds which never turns back; where it fails, backtracking is needed. */
function greedy(routes: readonly NamedPattern[], path: string): NamedPattern | undefined {
  let left = routes
  for (const [index, part] of segmentsOf(path).entries()) {
    const fitting = left.filter(({ template: { segments } }) => {
      const segment = segments[index]
      if (segment === undefined) return false
      if (segment.kind === 'literal') return segment.value === part
      return segmentForms[segment.kind === 'text' ? 'text' : 'plain'].test(part)
    })
    const best = fitting.map((route) => kindsOf(route)[index] ?? '').sort()[0]
    left = fitting.filter((route) => kindsOf(route)[index] === best)
    if (left[0]?.template.segments[index]?.kind === 'rest') break
  }
  return left.find(({ template }) => takes(template, path))
}

const literalPart = fc.constantFrom('a', 'b')
const parameterPart = fc.constantFrom('plain', 'plain', 'text')
const source = fc
  .record({
    parts: fc.array(fc.oneof(literalPart, parameterPart), { minLength: 1, maxLength: 3 }),
    end: fc.constantFrom('', '', '', '', '/', 'rest'),
  })
  .map(({ parts, end }) => {
    const texts = parts.map((part, index) =>
      part === 'plain' ? `{p${index}}` : part === 'text' ? `{t${index}:text}` : part,
    )
    return `/${texts.join('/')}${end === 'rest' ? '/{rest...}' : end}`
  })
const host = fc.constantFrom('t', 'a.t', 'b.a.t', 'c.b.a.t', '*.t', '*.a.t', '*.b.a.t')
const route = fc
  .record({
    methods: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'GET|POST'),
    hosts: fc.oneof(
      fc.constant([]),
      fc.constant([]),
      fc.uniqueArray(host, { minLength: 1, maxLength: 2 }),
    ),
    source,
  })
  .map(({ methods, hosts, source }) => routeOf(`${methods} ${source}`, hosts))
const routes = fc.array(route, { minLength: 4, maxLength: 24, size: 'max' })
const sought = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'POST', 'PUT'),
  host: fc.constantFrom('t', 'a.t', 'b.a.t', 'c.b.a.t', 'x.c.b.a.t', 'B.A.T:80', 'a.t.', 'u', ''),
  path: fc
    .record({
      parts: fc.array(
        fc.constantFrom('a', 'a', 'a', 'a', 'a', 'b', 'b', 'b', 'c', '%20', '%2F', '..'),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
      end: fc.constantFrom('', '', '', '', '', '/'),
    })
    .map(({ parts, end }) => `/${parts.join('/')}${end}`),
})

describe('the route table', () => {
  it('finds what a naive search finds', () => {
    const seen = { requests: 0, matched: 0, tied: 0, byWildcard: 0, turnedBack: 0 }
    fc.assert(
      fc.property(routes, fc.array(sought, { minLength: 12, maxLength: 12 }), (all, requests) => {
        const conflicting = new Set(compileRoutes(all).conflicts.map(({ second }) => second))
        const kept = all.filter((one) => !conflicting.has(one))
        const { table, conflicts } = compileRoutes(kept)
        expect(conflicts).toEqual([])
        for (const request of requests) {
          const matches = naiveMatches(kept, request)
          const [best, next] = matches
          const segments = segmentsOf(request.path)
          const { host, method, path } = request
          for (const target of [path, `${path}?/x`]) {
            expect(table.match(method, host, target, path.length)?.name).toBe(best?.name)
          }
          for (const one of kept) {
            expect(matchTemplate(one.template, segments) !== undefined).toBe(
              takes(one.template, request.path),
            )
          }
          seen.requests++
          if (best === undefined) continue
          seen.matched++
          const rank = hostRank(best.hosts, request.host)
          if (rank > 0 && rank < Infinity) seen.byWildcard++
          if (next === undefined) continue
          seen.tied++
          // A table that knew less than it should about conflicts would have two equals here.
          const equal =
            hostRank(next.hosts, request.host) === rank && kindsOf(next) === kindsOf(best)
          expect(equal).toBe(false)
          const rivals = kept.filter(
            (one) =>
              one.methods.includes(request.method) && hostRank(one.hosts, request.host) === rank,
          )
          if (greedy(rivals, request.path) !== best) seen.turnedBack++
        }
      }),
      { numRuns: 1500 },
    )
    // Not trivially equal: matches, choices, wildcards and backtracking are all frequent.
    expect(seen.matched / seen.requests).toBeGreaterThan(0.2)
    expect(seen.tied / seen.requests).toBeGreaterThan(0.08)
    expect(seen.byWildcard / seen.matched).toBeGreaterThan(0.08)
    expect(seen.turnedBack).toBeGreaterThan(100)
  })

  it('reports as conflicts only routes that some request matches equally well', () => {
    let conflicts = 0
    fc.assert(
      fc.property(routes, (all) => {
        for (const { first, second, method } of compileRoutes(all).conflicts) {
          conflicts++
          expect(kindsOf(first)).toBe(kindsOf(second))
          expect(first.methods).toContain(method)
          expect(second.methods).toContain(method)
          const shared =
            first.hosts.length + second.hosts.length === 0 ||
            first.hosts.some((one) => second.hosts.includes(one))
          expect(shared).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
    expect(conflicts).toBeGreaterThan(20)
  })

  it('answers alike whatever the order of the routes', () => {
    fc.assert(
      fc.property(routes, sought, (all, request) => {
        const conflicting = new Set(compileRoutes(all).conflicts.map(({ second }) => second))
        const kept = all.filter((one) => !conflicting.has(one))
        expect(found(kept, request)).toBe(found(kept.toReversed(), request))
      }),
      { numRuns: 500 },
    )
  })
})
