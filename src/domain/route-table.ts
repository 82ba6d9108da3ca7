import { anyHost, canonicalHost, dotsIn, patternsFor } from './host.ts'
import { plainSegmentEnd, segmentEnd, slash } from './path.ts'
import { SegmentMap } from './segment-map.ts'
import { parameterValue, type Template } from './template.ts'

/** What the table needs to know of a route to find it. */
export interface RoutePattern {
  readonly methods: readonly string[]
  /** Host patterns; none: any host. */
  readonly hosts: readonly string[]
  readonly template: Template
}

/** Finds the most specific route of a request. */
export interface RouteTable<R extends RoutePattern> {
  /**
   * The route for a method, a host as sent, and a request target whose path ends at `end`: the most
   * specific host first, then segment by segment literal before `{name}` before `{name:text}`
   * before `{name...}`. The cost depends on the length of the path, not on the number of routes.
   * What matches has one reading (`ambiguity`): each segment is a literal, which is checked when the
   * policy is loaded, or of a form that a parameter takes.
   */
  readonly match: (method: string, host: string, target: string, end: number) => R | undefined
}

/**
 * A place in the tree. With many routes each object on the way is a miss of the processor's cache, so there
 * is none for what leads from one to the next.
 */
interface Node<R> {
  /** The literal that leads here, or several, as `v1/organizations`; else empty. */
  segment: string
  /** The first of the literals that lead on, where they are so few that comparing is cheaper than looking up. */
  few: Node<R> | undefined
  /** The next of those that lead on from the same place. */
  next: Node<R> | undefined
  route: R | undefined
  plain: Node<R> | undefined
  /** All literals that lead on, where they are more. */
  many: SegmentMap<Node<R>> | undefined
  text: Node<R> | undefined
  rest: R | undefined
}

/** From so many literals at one place on, a map is cheaper than comparing with each. Measured. */
const fewLiterals = 4

/** Two routes that the same requests match with equal precedence. */
export interface RouteConflict<R> {
  readonly first: R
  readonly second: R
  readonly method: string
}

const newNode = <R>(segment = ''): Node<R> => ({
  segment,
  few: undefined,
  next: undefined,
  route: undefined,
  plain: undefined,
  many: undefined,
  text: undefined,
  rest: undefined,
})

/** Compiles routes into one search tree a host pattern and method; reports what is ambiguous. */
export function compileRoutes<R extends RoutePattern>(
  routes: readonly R[],
): { readonly table: RouteTable<R>; readonly conflicts: readonly RouteConflict<R>[] } {
  const hosts = new Map<string, Map<string, Node<R>>>()
  const texts = new Map<string, string>()
  const conflicts: RouteConflict<R>[] = []
  for (const route of routes) {
    for (const host of route.hosts.length === 0 ? [anyHost] : route.hosts) {
      const methods = getOrAdd(hosts, host, () => new Map<string, Node<R>>())
      for (const method of route.methods) {
        const first = insert(
          getOrAdd(methods, method, () => newNode<R>()),
          route,
          texts,
        )
        if (first !== undefined) conflicts.push({ first, second: route, method })
      }
    }
  }
  for (const methods of hosts.values()) for (const root of methods.values()) joinLiterals(root)
  const named = hosts.size > (hosts.has(anyHost) ? 1 : 0)
  const unnamed = hosts.get(anyHost)
  const maxDots = Math.max(0, ...[...hosts.keys()].map(dotsIn))

  function match(method: string, host: string, path: string, end: number): R | undefined {
    if (path.charCodeAt(0) !== slash) return undefined
    if (!named) return find(unnamed?.get(method), path, 1, end)
    for (const pattern of patternsFor(canonicalHost(host), maxDots)) {
      const route = find(hosts.get(pattern)?.get(method), path, 1, end)
      if (route !== undefined) return route
    }
    return undefined
  }
  return { table: { match }, conflicts }
}

/** Adds a route; returns the one that already stands in its place. `texts`: one for all that are the same. */
function insert<R extends RoutePattern>(
  root: Node<R>,
  route: R,
  texts: Map<string, string>,
): R | undefined {
  let node = root
  for (const segment of route.template.segments) {
    if (segment.kind === 'rest') {
      if (node.rest !== undefined) return node.rest
      node.rest = route
      return undefined
    }
    if (segment.kind === 'literal') {
      node = literalNode(
        node,
        getOrAdd(texts, segment.value, () => segment.value),
      )
    } else node = node[segment.kind] ??= newNode<R>()
  }
  if (node.route !== undefined) return node.route
  node.route = route
  return undefined
}

function literalNode<R>(parent: Node<R>, segment: string): Node<R> {
  const few = [...fewOf(parent)]
  const known =
    parent.many?.find(segment, 0, segment.length) ?? few.find((one) => one.segment === segment)
  if (known !== undefined) return known
  const node = newNode<R>(segment)
  if (parent.many !== undefined) parent.many.add(node)
  else if (few.length < fewLiterals) linkFew(parent, [...few, node])
  else {
    parent.many = new SegmentMap()
    for (const one of [...few, node]) parent.many.add(one)
    linkFew(parent, [])
  }
  return node
}

function* fewOf<R>(parent: Node<R>): Iterable<Node<R>> {
  for (let one = parent.few; one !== undefined; one = one.next) yield one
}

function linkFew<R>(parent: Node<R>, few: readonly Node<R>[]): void {
  parent.few = few[0]
  for (const [index, one] of few.entries()) one.next = few[index + 1]
}

/**
 * Joins literals that only lead on to one another, as `api/v1/organizations`: one comparison takes
 * them all.
 */
function joinLiterals<R>(node: Node<R>): void {
  for (const next of node.many?.values() ?? []) joinLiterals(next)
  for (const next of fewOf(node)) joinLiterals(next)
  if (node.plain !== undefined) joinLiterals(node.plain)
  if (node.text !== undefined) joinLiterals(node.text)
  const joined = [...fewOf(node)].map((one) => {
    const { few: only, plain, rest, route, text } = one
    const leadsOn = !plain && !text && rest === undefined && route === undefined
    if (only === undefined || only.next !== undefined || !leadsOn) return one
    only.segment = `${one.segment}/${only.segment}`
    return only
  })
  linkFew(node, joined)
}

/** The route of the segments from `start` on; a start beyond the end means that none are left. */
function find<R>(
  node: Node<R> | undefined,
  path: string,
  start: number,
  end: number,
): R | undefined {
  if (node === undefined) return undefined
  if (start > end) return node.route
  const literal = findLiteral(node, path, start, end)
  if (literal !== undefined) return literal
  const plainEnd =
    node.plain === undefined && node.rest === undefined ? -1 : plainSegmentEnd(path, start, end)
  if (plainEnd !== -1) {
    const plain = find(node.plain, path, plainEnd + 1, end)
    if (plain !== undefined) return plain
  }
  if (node.text !== undefined) {
    const textEnd = segmentEnd(path, start, end)
    if (parameterValue('text', path.slice(start, textEnd)) !== undefined) {
      const text = find(node.text, path, textEnd + 1, end)
      if (text !== undefined) return text
    }
  }
  if (node.rest === undefined) return undefined
  for (let at = plainEnd; at !== end; at = plainSegmentEnd(path, at + 1, end)) {
    if (at === -1) return undefined
  }
  return node.rest
}

function findLiteral<R>(node: Node<R>, path: string, start: number, end: number): R | undefined {
  if (node.many !== undefined) {
    const stop = segmentEnd(path, start, end)
    return find(node.many.find(path, start, stop), path, stop + 1, end)
  }
  for (let one = node.few; one !== undefined; one = one.next) {
    const { segment } = one
    if (!path.startsWith(segment, start)) continue
    const stop = start + segment.length
    // What goes on here is a longer segment, and so another one.
    if (stop === end) return one.route
    if (path.charCodeAt(stop) === slash) return find(one, path, stop + 1, end)
  }
  return undefined
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
