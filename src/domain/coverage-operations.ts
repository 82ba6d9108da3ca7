import { isHostOf } from './coverage-hosts.ts'
import { exampleOf, type ClassesOf, type RequestClass } from './coverage-requests.ts'
import type { RequestShape, SegmentSet } from './coverage-shape.ts'
import { readPath } from './path.ts'

/** An operation of an API description. */
export interface Operation {
  /** The document, as it was named. */
  readonly source: string
  /** Where the operation stands in it, counted from 1. */
  readonly line: number
  /** Its `operationId`. */
  readonly operation: string | null
  readonly method: string
  /** The path template with the base path of the first server. */
  readonly path: string
  /** Its requests: one shape for each base path. */
  readonly shapes: readonly RequestShape[]
}

/** How far the routes of a policy cover an operation. */
export interface OperationCoverage {
  readonly source: string
  readonly line: number
  readonly operation: string | null
  readonly method: string
  readonly path: string
  /** `partly`: some of its requests match a route, others none. */
  readonly coverage: 'covered' | 'partly' | 'none'
  /** The routes that decide its requests. */
  readonly routes: readonly string[]
  /** A request that no route matches, and why not. */
  readonly example: string | null
  readonly why: string | null
}

/** Tells of each operation which routes its requests meet. */
export function coverOperations(
  operations: readonly Operation[],
  classesOf: ClassesOf,
): readonly OperationCoverage[] {
  const rivals = Map.groupBy(operations, ({ source, method }) => `${method} ${source}`)
  return operations.map((operation) => {
    const { source, method } = operation
    return cover(operation, rivals.get(`${method} ${source}`) ?? [], classesOf)
  })
}

function cover(
  operation: Operation,
  rivals: readonly Operation[],
  classesOf: ClassesOf,
): OperationCoverage {
  const { line, method, operation: id, path, shapes, source } = operation
  const routes = new Set<string>()
  let gap: RequestClass | undefined
  for (const shape of shapes) {
    const better = rivals.flatMap((rival) =>
      rival === operation ? [] : rival.shapes.filter((other) => isMoreConcrete(other, shape)),
    )
    for (const one of classesOf(shape)) {
      if (better.some((other) => holds(other, one))) continue
      if (one.route !== undefined) routes.add(one.route.name)
      // Encoded text that no {name:text} takes is refused as ambiguous: that is no missing route.
      else if (!one.segments.some((segment) => segment.includes('%'))) gap ??= one
    }
  }
  const coverage = gap === undefined ? 'covered' : routes.size > 0 ? 'partly' : 'none'
  return {
    ...{ source, line, operation: id, method, path, coverage, routes: [...routes].sort() },
    example: gap === undefined ? null : exampleOf(gap),
    why: gap === undefined ? null : whyNone(gap),
  }
}

function whyNone({ segments }: RequestClass): string {
  const reading = readPath(`/${segments.join('/')}`)
  return 'refusal' in reading
    ? `no policy can let it through: ${reading.why}`
    : 'no route matches it, so it is denied'
}

/** OpenAPI, Paths Object: a path without a parameter is matched before one that has it there. */
function isMoreConcrete(one: RequestShape, other: RequestShape): boolean {
  if (one.segments.length !== other.segments.length || one.tail !== other.tail) return false
  const ranks = one.segments.map((set, place) => rank(other.segments[place]) - rank(set))
  return (ranks.find((difference) => difference !== 0) ?? 0) > 0
}

function rank(set: SegmentSet | undefined): number {
  return set?.kind === 'only' && set.values.length === 1 ? 0 : 1
}

function holds(shape: RequestShape, { host, segments }: RequestClass): boolean {
  const { hosts } = shape
  if (host !== undefined && hosts.length > 0 && !hosts.some((one) => isHostOf(host, one))) {
    return false
  }
  return shape.segments.every((set, place) => {
    const segment = segments[place] ?? ''
    if (set.kind === 'only') return set.values.includes(segment)
    return segment.includes('%') ? set.encoded !== undefined : set.accepts(segment)
  })
}
