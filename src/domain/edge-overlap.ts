import type { EdgeRoute } from './edge-table.ts'
import { isPlainSegment } from './path.ts'
import type { TemplateSegment } from './template.ts'

/** Whether some request is taken by both routes, their hosts aside. */
export function mayOverlap(a: EdgeRoute, b: EdgeRoute): boolean {
  if (!a.methods.some((method) => b.methods.includes(method))) return false
  const [left, right] = [a.template.segments, b.template.segments]
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [one, other] = [left[at], right[at]]
    if (one === undefined || other === undefined) return false
    if (one.kind === 'rest') return right.slice(at).every(takesPlain)
    if (other.kind === 'rest') return left.slice(at).every(takesPlain)
    if (one.kind === 'literal' && other.kind === 'literal') {
      if (one.value !== other.value) return false
    } else if (!takesPlain(one) || !takesPlain(other)) return false
  }
  return true
}

/** Whether a segment takes something that `{name}` takes too; all parameters do. */
function takesPlain(segment: TemplateSegment): boolean {
  return segment.kind !== 'literal' || isPlainSegment(segment.value)
}
