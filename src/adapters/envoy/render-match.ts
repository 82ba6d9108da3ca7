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

function segmentExpression(segment: TemplateSegment): string {
  switch (segment.kind) {
    case 'literal':
      return segment.value.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    case 'plain':
      return `${plain}+`
    case 'text':
      // More than tenantgate takes (it decodes); what it does not take, no other route takes either.
      return `(?:${plain}|%[0-9A-Fa-f]{2})+`
    case 'rest':
      return `${plain}+(?:/${plain}+)*`
  }
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
