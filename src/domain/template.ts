import { ambiguity, decodeTextSegment, isPlainSegment } from './path.ts'

/** One segment of a path template. */
export type TemplateSegment =
  | { readonly kind: 'literal'; readonly value: string }
  | { readonly kind: 'plain' | 'text' | 'rest'; readonly name: string }

/** A parsed path template (contract section 3, "Path templates"). */
export interface Template {
  readonly source: string
  readonly segments: readonly TemplateSegment[]
}

const parameter = /^\{([A-Za-z_][A-Za-z0-9_-]*)(:text|\.\.\.)?\}$/

/** Parses a template, or says all that is wrong with it. */
export function parseTemplate(source: string): Template | { readonly faults: readonly string[] } {
  const faults: string[] = []
  if (!source.startsWith('/')) return { faults: ['a path template starts with /'] }
  const parts = source.slice(1).split('/')
  const segments: TemplateSegment[] = []
  const names = new Set<string>()
  for (const [index, part] of parts.entries()) {
    if (!/[{}]/.test(part)) {
      const why = literalFault(part, index === parts.length - 1)
      if (why !== undefined) faults.push(why)
      segments.push({ kind: 'literal', value: part })
      continue
    }
    const found = parameter.exec(part)
    const name = found?.[1]
    if (name === undefined) {
      faults.push(
        `the segment ${part} is no parameter: write {name}, {name:text} or {name...} as a whole segment`,
      )
      continue
    }
    if (names.has(name)) faults.push(`the parameter {${name}} stands in it twice`)
    names.add(name)
    const kind = found?.[2] === ':text' ? 'text' : found?.[2] === '...' ? 'rest' : 'plain'
    if (kind === 'rest' && index !== parts.length - 1) {
      faults.push(`{${name}...} can only be the last segment`)
    }
    segments.push({ kind, name })
  }
  return faults.length > 0 ? { faults } : { source, segments }
}

/** Why no request could ever match a literal segment: step 2 refuses each that has it. */
function literalFault(segment: string, last: boolean): string | undefined {
  if (segment === '')
    return last ? undefined : 'it holds an empty segment, which no request can have'
  const why = segment.includes('?')
    ? 'it holds ?, where the query begins'
    : segment.includes('%')
      ? 'it holds %, which only a {name:text} segment takes'
      : ambiguity(`/${segment}`)
  return why === undefined ? undefined : `the literal "${segment}" can never match: ${why}`
}

/**
 * Matches one template against the segments of a path, and returns the values of its parameters
 * (`{name:text}` decoded), or undefined. The route table does the same for many templates at once.
 */
export function matchTemplate(
  template: Template,
  segments: readonly string[],
): ReadonlyMap<string, string> | undefined {
  const values = new Map<string, string>()
  for (const [index, expected] of template.segments.entries()) {
    const segment = segments[index]
    if (segment === undefined) return undefined
    if (expected.kind === 'rest') {
      const rest = segments.slice(index)
      if (!rest.every(isPlainSegment)) return undefined
      values.set(expected.name, rest.join('/'))
      return values
    }
    if (expected.kind === 'literal') {
      if (expected.value !== segment) return undefined
      continue
    }
    const value = parameterValue(expected.kind, segment)
    if (value === undefined) return undefined
    values.set(expected.name, value)
  }
  return segments.length === template.segments.length ? values : undefined
}

/** What a single-segment parameter takes of a segment, or undefined where it does not take it. */
export function parameterValue(kind: 'plain' | 'text', segment: string): string | undefined {
  if (kind === 'text') return decodeTextSegment(segment)
  return isPlainSegment(segment) ? segment : undefined
}
