import {
  literalSegment,
  matchingSegment,
  textSegment,
  type SegmentSet,
} from '../../domain/coverage-shape.ts'
import { entriesOf, listOf, type Entries } from './references.ts'

/** What is known of path parameters, by their names. */
export type PathParameters = ReadonlyMap<string, Entries>

/** The segments of a path template; undefined where its braces do not pair. */
export function pathSegments(
  path: string,
  parameters: PathParameters,
): readonly SegmentSet[] | undefined {
  const sets: SegmentSet[] = []
  for (const part of path.slice(1).split('/')) {
    if (/[{}]/.test(part.replaceAll(/\{[^{}]+\}/g, ''))) return undefined
    const name = /^\{([^{}]+)\}$/.exec(part)?.[1]
    if (name !== undefined) sets.push(parameterSet(name, parameters.get(name) ?? {}))
    else if (part.includes('{')) sets.push(textSegment(...around(part)))
    else sets.push(literalSegment(part))
  }
  return sets
}

/** What stands before the first and after the last parameter of a segment, as in `{name}.json`. */
function around(part: string): [prefix: string, suffix: string] {
  return [part.slice(0, part.indexOf('{')), part.slice(part.lastIndexOf('}') + 1)]
}

function parameterSet(name: string, parameter: Entries): SegmentSet {
  // A matrix parameter is written as ;name=value, which no check lets through.
  if (parameter['style'] === 'matrix') return literalSegment(`;${name}=x`)
  if (parameter['style'] === 'label') return textSegment('.')
  const schema = entriesOf(parameter['schema']) ?? {}
  const values = 'const' in schema ? [schema['const']] : listOf(schema['enum'])
  if (values.length > 0) return { kind: 'only', values: values.map(encoded) }
  const types = [schema['type']].flat().filter((type) => type !== 'null')
  const [type] = types
  if (types.length === 1 && type === 'boolean') return { kind: 'only', values: ['true', 'false'] }
  if (types.length === 1 && type === 'integer') {
    return matchingSegment((segment) => /^-?\d+$/.test(segment), String)
  }
  if (type === 'string' && schema['format'] === 'uuid') return matchingSegment(isUuid, nthUuid)
  return textSegment()
}

function isUuid(segment: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(segment)
}

function nthUuid(index: number): string {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`
}

/** A value as it is written in a path. */
function encoded(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.toWellFormed().replaceAll(/[^A-Za-z0-9._~\-:@!$&'()*+,=]/gu, encodeURIComponent)
}
