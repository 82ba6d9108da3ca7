import type { Template, TemplateSegment } from '../../domain/template.ts'

/**
 * The characters of a `{name}` segment, as ranges: fewer instructions than when spelt out, and Envoy
 * refuses an expression of more than 100. The same set as isPlainSegment; `.` and `..` are in it, as
 * Envoy resolves them before, and tenantgate refuses them.
 */
const plain = '[!$&-.0-:=@-Z_a-z~]'

/** What a template takes, as an expression that RE2 matches against the whole path. */
export function pathExpression(template: Template): string {
  return template.segments.map((segment) => `/${segmentExpression(segment)}`).join('')
}

const parameters = {
  plain: `${plain}+`,
  // More than tenantgate takes (it decodes); what it does not take, no other route takes either.
  text: `(?:${plain}|%[0-9A-Fa-f]{2})+`,
  rest: `${plain}+(?:/${plain}+)*`,
} as const

function segmentExpression(segment: TemplateSegment): string {
  return segment.kind === 'literal'
    ? segment.value.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    : parameters[segment.kind]
}

/**
 * The segments that `pathExpression` made an expression of, their names aside; undefined where it
 * made no such one.
 */
export function segmentsOfExpression(expression: string): readonly TemplateSegment[] | undefined {
  const segments: TemplateSegment[] = []
  for (let at = 0; at < expression.length;) {
    if (expression[at] !== '/') return undefined
    const rest = expression.slice(at + 1)
    const kind = (['rest', 'text', 'plain'] as const).find((one) => isWhole(rest, parameters[one]))
    if (kind === 'rest' && rest !== parameters.rest) return undefined
    const literal = literalExpression.exec(rest)?.[0] ?? ''
    segments.push(
      kind === undefined
        ? { kind: 'literal', value: literal.replaceAll(/\\(.)/g, '$1') }
        : { kind, name: '' },
    )
    at += 1 + (kind === undefined ? literal : parameters[kind]).length
  }
  return segments.length === 0 ? undefined : segments
}

const literalExpression = /^(?:[^\\^$.*+?()[\]{}|/]|\\[\\^$.*+?()[\]{}|])*/

/** Whether a text begins with a segment's expression, which ends there. */
function isWhole(text: string, expression: string): boolean {
  const next = text[expression.length]
  return text.startsWith(expression) && (next === undefined || next === '/')
}

/** Whether a template has no parameters: then its source is the one path it takes. */
export function isLiteral(template: Template): boolean {
  return template.segments.every(({ kind }) => kind === 'literal')
}

/** Instructions that RE2 needs at most, measured: 5, one a character, and so many a parameter. */
const costs: Readonly<Record<Exclude<TemplateSegment['kind'], 'literal'>, number>> = {
  plain: 11,
  text: 16,
  rest: 23,
}
/** Envoy's `re2.max_program_size.error_level`. */
const mostInstructions = 100

/** Whether Envoy may refuse the expression of a template unless its limit is raised. */
export function isLongExpression(template: Template): boolean {
  if (isLiteral(template)) return false
  const needed = template.segments.map((segment) =>
    segment.kind === 'literal' ? segment.value.length + 1 : costs[segment.kind],
  )
  return needed.reduce((sum, one) => sum + one, 6) > mostInstructions
}

/** An `envoy.config.route.v3.RouteMatch` that takes what a policy's route takes. */
export function routeMatch(methods: readonly string[], template: Template): object {
  const [method, ...others] = methods
  const named =
    others.length === 0 ? { exact: method } : { safe_regex: { regex: methods.join('|') } }
  return {
    ...(isLiteral(template)
      ? { path: template.source }
      : { safe_regex: { regex: pathExpression(template) } }),
    headers: [{ name: ':method', string_match: named }],
  }
}
