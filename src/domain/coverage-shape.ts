import { isPlainSegment } from './path.ts'
import type { RoutePattern } from './route-table.ts'
import type { TemplateSegment } from './template.ts'

/** The segments that may stand at one place of a path. */
export type SegmentSet = { readonly kind: 'only'; readonly values: readonly string[] } | OpenSet

/** Segments of which there is always one more. */
export interface OpenSet {
  readonly kind: 'open'
  /** Whether a segment without percent-encoding is one of them. */
  readonly accepts: (segment: string) => boolean
  /** A plain one of them that `taken` does not hold. */
  readonly fresh: (taken: ReadonlySet<string>) => string
  /** One of them that holds percent-encoded text, where that may stand there. */
  readonly encoded: string | undefined
}

/** A set of requests, as far as routes can tell requests apart. */
export interface RequestShape {
  /** `any` also stands for methods that no route names. */
  readonly methods: readonly string[] | 'any'
  /** Host patterns; none: any host. */
  readonly hosts: readonly string[]
  readonly segments: readonly SegmentSet[]
  /**
   * What follows: `none`; `rest`, one or more plain segments; `below`, a slash and anything or
   * nothing; `any`, nothing or that.
   */
  readonly tail: 'none' | 'rest' | 'below' | 'any'
}

/** One segment that stands as it is written. */
export function literalSegment(value: string): SegmentSet {
  return { kind: 'only', values: [value] }
}

/** Plain segments that begin and end like this, with something between: `{name}` without either. */
export function openSegment(prefix = '', suffix = ''): OpenSet {
  const around = prefix.length + suffix.length
  return matchingSegment(
    (segment) =>
      segment.length > around &&
      segment.startsWith(prefix) &&
      segment.endsWith(suffix) &&
      isPlainSegment(segment),
    (index) => `${prefix}x${index === 0 ? '' : index}${suffix}`,
  )
}

/** The same, with percent-encoded text between as well. */
export function textSegment(prefix = '', suffix = ''): OpenSet {
  return { ...openSegment(prefix, suffix), encoded: `${prefix}x%20y${suffix}` }
}

/** Segments that a rule accepts; `nth` gives ever new ones of them, none of them encoded. */
export function matchingSegment(
  accepts: (segment: string) => boolean,
  nth: (index: number) => string,
): OpenSet {
  return {
    kind: 'open',
    accepts,
    encoded: undefined,
    fresh(taken) {
      let index = 0
      while (taken.has(nth(index))) index++
      return nth(index)
    },
  }
}

/** The requests that a route matches, whether or not another one wins them. */
export function shapeOfRoute(route: RoutePattern): RequestShape {
  const { segments } = route.template
  const rest = segments.at(-1)?.kind === 'rest'
  return {
    methods: route.methods,
    hosts: route.hosts,
    segments: (rest ? segments.slice(0, -1) : segments).map(setOf),
    tail: rest ? 'rest' : 'none',
  }
}

function setOf(segment: TemplateSegment): SegmentSet {
  if (segment.kind === 'literal') return literalSegment(segment.value)
  return segment.kind === 'text' ? textSegment() : openSegment()
}
