import { isPlainSegment } from './path.ts'
import { anyHost, canonicalHost, dotsIn, patternsFor } from './host.ts'
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
   * The route for a method, a host as sent, and the segments of a path: the most specific host
   * first, then segment by segment literal before `{name}` before `{name:text}` before
   * `{name...}`. The cost depends on the length of the path, not on the number of routes.
   */
  readonly match: (method: string, host: string, segments: readonly string[]) => R | undefined
}

interface Node<R> {
  readonly literals: Map<string, Node<R>>
  plain: Node<R> | undefined
  text: Node<R> | undefined
  rest: R | undefined
  route: R | undefined
}

/** Two routes that the same requests match with equal precedence. */
export interface RouteConflict<R> {
  readonly first: R
  readonly second: R
  readonly method: string
}

const newNode = <R>(): Node<R> => ({
  literals: new Map(),
  plain: undefined,
  text: undefined,
  rest: undefined,
  route: undefined,
})

/** Compiles routes into one search tree a host pattern and method; reports what is ambiguous. */
export function compileRoutes<R extends RoutePattern>(
  routes: readonly R[],
): { readonly table: RouteTable<R>; readonly conflicts: readonly RouteConflict<R>[] } {
  const hosts = new Map<string, Map<string, Node<R>>>()
  const conflicts: RouteConflict<R>[] = []
  for (const route of routes) {
    for (const host of route.hosts.length === 0 ? [anyHost] : route.hosts) {
      const methods = getOrAdd(hosts, host, () => new Map<string, Node<R>>())
      for (const method of route.methods) {
        const first = insert(getOrAdd(methods, method, newNode<R>), route)
        if (first !== undefined) conflicts.push({ first, second: route, method })
      }
    }
  }
  const named = hosts.size > (hosts.has(anyHost) ? 1 : 0)
  const unnamed = hosts.get(anyHost)
  const maxDots = Math.max(0, ...[...hosts.keys()].map(dotsIn))

  function match(method: string, host: string, segments: readonly string[]): R | undefined {
    if (!named) return find(unnamed?.get(method), segments, 0)
    for (const pattern of patternsFor(canonicalHost(host), maxDots)) {
      const route = find(hosts.get(pattern)?.get(method), segments, 0)
      if (route !== undefined) return route
    }
    return undefined
  }
  return { table: { match }, conflicts }
}

/** Adds a route; returns the one that already stands in its place. */
function insert<R extends RoutePattern>(root: Node<R>, route: R): R | undefined {
  let node = root
  for (const segment of route.template.segments) {
    if (segment.kind === 'rest') {
      if (node.rest !== undefined) return node.rest
      node.rest = route
      return undefined
    }
    if (segment.kind === 'literal') node = getOrAdd(node.literals, segment.value, newNode<R>)
    else node = node[segment.kind] ??= newNode<R>()
  }
  if (node.route !== undefined) return node.route
  node.route = route
  return undefined
}

function find<R>(
  node: Node<R> | undefined,
  segments: readonly string[],
  index: number,
): R | undefined {
  if (node === undefined) return undefined
  const segment = segments[index]
  if (segment === undefined) return node.route
  const literal = find(node.literals.get(segment), segments, index + 1)
  if (literal !== undefined) return literal
  if (node.plain !== undefined && isPlainSegment(segment)) {
    const plain = find(node.plain, segments, index + 1)
    if (plain !== undefined) return plain
  }
  if (node.text !== undefined && parameterValue('text', segment) !== undefined) {
    const text = find(node.text, segments, index + 1)
    if (text !== undefined) return text
  }
  if (node.rest === undefined) return undefined
  for (let at = index; at < segments.length; at++) {
    if (!isPlainSegment(segments[at] ?? '')) return undefined
  }
  return node.rest
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
