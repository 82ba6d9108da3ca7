import {
  literalSegment,
  openSegment,
  shapeOfRoute,
  textSegment,
  type RequestShape,
  type SegmentSet,
} from '../../domain/coverage-shape.ts'
import type { GatewayRoute } from '../../domain/coverage-gateway.ts'
import type { TemplateSegment } from '../../domain/template.ts'
import { at, list, object, text, type ConfigObject } from './doctor-dump.ts'
import { matchesAny } from './doctor-matcher.ts'
import { segmentsOfExpression } from './render-match.ts'

/** Which requests a route matches: `match` in words, and the set. */
export type RouteMatch = Pick<GatewayRoute, 'match' | 'shape' | 'extent'>

type Paths = Pick<RequestShape, 'segments' | 'tail'> & {
  readonly words: string
  readonly extent: GatewayRoute['extent']
}

const everything = { segments: [], tail: 'below' } as const
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

/** Reads Envoy's `RouteMatch`. Where a part of it cannot be told, the set is too wide, never too small. */
export function readMatch(match: ConfigObject, hosts: readonly string[]): RouteMatch {
  const { extent, segments, tail, words } = pathsOf(match)
  const asked = methodsOf(match)
  const shape: RequestShape = { methods: asked, hosts, segments, tail }
  return { match: asked === 'any' ? words : `${asked.join('|')} ${words}`, shape, extent }
}

function pathsOf(match: ConfigObject): Paths {
  const fold = match['case_sensitive'] === false
  const noted = fold ? ' (in any case)' : ''
  const [path, prefix, separated] = ['path', 'prefix', 'path_separated_prefix'].map((key) =>
    text(match[key]),
  )
  const partOf = (value: string): SegmentSet =>
    fold ? foldedSegment(value) : literalSegment(value)
  if (path !== undefined) {
    const segments = split(path).map(partOf)
    return { segments, tail: 'none', words: `path ${path}${noted}`, extent: 'one' }
  }
  if (separated !== undefined) {
    const segments = split(separated).map(partOf)
    return { segments, tail: 'any', words: `below ${separated}${noted}`, extent: 'area' }
  }
  if (prefix !== undefined) {
    const parts = split(prefix)
    const last = parts.at(-1) ?? ''
    const segments = parts.slice(0, -1).map(partOf)
    const words = `prefix ${prefix}${noted}`
    if (last === '') return { segments, tail: 'below', words, extent: 'area' }
    return { segments: [...segments, beginning(last, fold)], tail: 'any', words, extent: 'area' }
  }
  const template = text(at(match, 'path_match_policy', 'typed_config', 'path_template'))
  if (template !== undefined) return templatePaths(template)
  const regex = text(at(match, 'safe_regex', 'regex'))
  const segments = regex === undefined ? undefined : segmentsOfExpression(regex)
  if (segments !== undefined) return renderedPaths(segments)
  const words = regex === undefined ? (Object.keys(match)[0] ?? 'anything') : `regex ${regex}`
  return { ...everything, words: words.replaceAll(/\s+/g, ' '), extent: 'unclear' }
}

function split(path: string): readonly string[] {
  return path.replace(/^\//, '').split('/')
}

/** Literals are compared byte for byte by policies: any spelling of the segment may come. */
function foldedSegment(value: string): SegmentSet {
  const folded = value.toLowerCase()
  if (folded === value.toUpperCase()) return literalSegment(value)
  return { ...openSegment(), accepts: (one) => one.toLowerCase() === folded, fresh: () => value }
}

function beginning(value: string, fold: boolean): SegmentSet {
  const folded = value.toLowerCase()
  return {
    ...textSegment(value),
    accepts: (one) => (fold ? one.toLowerCase().startsWith(folded) : one.startsWith(value)),
  }
}

/** `uri_template`: `*` and `{x}` take one segment, `**` and `{x=**}` at the end any number. */
function templatePaths(template: string): Paths {
  const words = `template ${template}`
  const segments: SegmentSet[] = []
  const parts = split(template)
  for (const [index, part] of parts.entries()) {
    if (/^(?:\*|\{\w+(?:=\*)?\})$/.test(part)) segments.push(textSegment())
    else if (/^(?:\*\*|\{\w+=\*\*\})$/.test(part) && index === parts.length - 1) {
      return { segments, tail: 'below', words, extent: 'area' }
    } else if (/[*{}]/.test(part)) return { ...everything, words, extent: 'unclear' }
    else segments.push(literalSegment(part))
  }
  return { segments, tail: 'none', words, extent: 'one' }
}

/** What `tenantgate envoy` writes for the template of a policy's route. */
function renderedPaths(segments: readonly TemplateSegment[]): Paths {
  const signs = { plain: '{}', text: '{:text}', rest: '{...}' } as const
  const parts = segments.map((one) => (one.kind === 'literal' ? one.value : signs[one.kind]))
  const [source, methods, hosts] = [`/${parts.join('/')}`, [], []]
  const { segments: sets, tail } = shapeOfRoute({ methods, hosts, template: { source, segments } })
  return { segments: sets, tail, words: `template ${source}`, extent: 'one' }
}

const alternatives = /^[A-Za-z-]+(?:\|[A-Za-z-]+)*$/

/** What a match on `:method` lets through; any, where there is none or it cannot be told. */
function methodsOf(match: ConfigObject): RequestShape['methods'] {
  const matcher = list(match['headers'])
    .map(object)
    .find(({ name }) => name === ':method')
  if (matcher === undefined) return 'any'
  const exact = text(matcher['exact_match']) ?? text(at(matcher, 'string_match', 'exact'))
  if (matcher['invert_match'] === true) return 'any'
  if (exact !== undefined) return [exact]
  const regex = text(at(matcher, 'string_match', 'safe_regex', 'regex'))
  if (regex !== undefined && alternatives.test(regex)) return regex.split('|')
  const verdicts = methods.map((method) => matchesAny([matcher['string_match']], method))
  if (verdicts.includes(undefined)) return 'any'
  return methods.filter((_, index) => verdicts[index] === true)
}
