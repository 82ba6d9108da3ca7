import { openSegment, textSegment, type RequestShape, type SegmentSet } from './coverage-shape.ts'
import { isPlainSegment } from './path.ts'
import { parameterValue, type Template, type TemplateSegment } from './template.ts'

/** The places of a path's segments that are looked at, and what may still match. */
interface Walk {
  readonly shape: Pick<RequestShape, 'segments' | 'tail'>
  readonly path: readonly string[]
  readonly alive: readonly Template[]
}

/**
 * Splits the paths of a shape into classes that no template tells apart, and gives one path of
 * each. A template looks at a segment in three ways only: is it this literal, is it plain, is it
 * encoded text. So at each place the literals that templates name there, one more plain segment
 * and one of encoded text stand for all that there are: what holds for every witness holds for
 * every path. Paths that step 2 of a check refuses whatever the policy says are left out.
 */
export function* witnesses(
  shape: Pick<RequestShape, 'segments' | 'tail'>,
  templates: readonly Template[],
): Generator<readonly string[]> {
  yield* walk({ shape, path: [], alive: templates })
}

function* walk({ shape, path, alive }: Walk): Generator<readonly string[]> {
  const expected = shape.segments[path.length]
  if (alive.length === 0) {
    yield completed(shape, path)
    return
  }
  if (expected !== undefined) {
    for (const segment of atoms(expected, literalsAt(alive, path.length))) {
      yield* walk(step({ shape, path, alive }, segment))
    }
    return
  }
  const beyond = path.length - shape.segments.length
  const mayEnd = shape.tail === 'none' || shape.tail === 'any' || beyond > 0
  if (mayEnd && path.length > 0) yield path
  if (shape.tail === 'none') return
  // Whoever is inside its own {name...} takes whatever else is plain: nothing new comes after.
  if (beyond > 0 && alive.every((template) => isInRest(template, path.length))) return
  const taken = literalsAt(alive, path.length)
  for (const segment of atoms(shape.tail === 'rest' ? openSegment() : anySegment, taken)) {
    yield* walk(step({ shape, path, alive }, segment))
  }
  if (shape.tail !== 'rest') yield [...path, ''] // a trailing slash, after which nothing can come
}

/** Every segment that step 2 lets through: also literals that no parameter would take. */
const anySegment: SegmentSet = { ...textSegment(), accepts: () => true }

function step({ shape, path, alive }: Walk, segment: string): Walk {
  const place = path.length
  return {
    shape,
    path: [...path, segment],
    alive: alive.filter((template) => takes(segmentAt(template, place), segment)),
  }
}

/** One segment for each class of a set, the templates' literals at its place being given. */
function atoms(set: SegmentSet, literals: ReadonlySet<string>): readonly string[] {
  if (set.kind === 'only') {
    const classes = new Map<string, string>()
    for (const value of set.values) {
      classes.set(literals.has(value) ? value : kindOf(value), value)
    }
    return [...classes.values()]
  }
  const named = [...literals].filter((literal) => literal !== '' && set.accepts(literal))
  return [...named, set.fresh(literals), ...(set.encoded === undefined ? [] : [set.encoded])]
}

/** How parameters look at a segment; no literal is spelt like one of these. */
function kindOf(segment: string): string {
  if (isPlainSegment(segment)) return ' plain'
  return parameterValue('text', segment) === undefined ? ' neither' : ' text'
}

function literalsAt(templates: readonly Template[], place: number): ReadonlySet<string> {
  const literals = new Set<string>()
  for (const template of templates) {
    const segment = segmentAt(template, place)
    if (segment?.kind === 'literal') literals.add(segment.value)
  }
  return literals
}

/** What a template expects at a place; its `{name...}` goes on for ever. */
function segmentAt({ segments }: Template, place: number): TemplateSegment | undefined {
  const last = segments.at(-1)
  return segments[place] ?? (last?.kind === 'rest' ? last : undefined)
}

function takes(expected: TemplateSegment | undefined, segment: string): boolean {
  if (expected === undefined) return false
  if (expected.kind === 'literal') return expected.value === segment
  if (expected.kind === 'text') return parameterValue('text', segment) !== undefined
  return isPlainSegment(segment)
}

function isInRest({ segments }: Template, place: number): boolean {
  return segments.at(-1)?.kind === 'rest' && place >= segments.length
}

/** Any path of the shape that begins like this: no template is left that it could match. */
function completed(shape: Walk['shape'], path: readonly string[]): readonly string[] {
  const none = new Set<string>()
  const others = shape.segments
    .slice(path.length)
    .map((set) => (set.kind === 'only' ? (set.values[0] ?? '') : set.fresh(none)))
  const more = shape.tail === 'rest' || shape.tail === 'below'
  const missing = more && path.length <= shape.segments.length
  const whole = [...path, ...others, ...(missing ? ['x'] : [])]
  return whole.length === 0 ? [''] : whole
}
