import type { PolicyPath } from '../../domain/policy-reader.ts'

/** A JSON object of a document. */
export type Entries = Readonly<Record<string, unknown>>

/** A value, and where it really stands. */
export interface Resolved {
  readonly value: Entries
  readonly path: PolicyPath
}

/** The object, or undefined. */
export function entriesOf(value: unknown): Entries | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Entries) : undefined
}

/** The list, or an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/**
 * Follows `$ref`s inside a document. What stands beside one wins over what it refers to (OpenAPI
 * 3.1, Path Item Object). Returns why not, where one leads nowhere, round in a circle or to another file.
 */
export function resolveReference(
  root: unknown,
  value: unknown,
  path: PolicyPath,
): Resolved | { readonly why: string; readonly elsewhere: boolean } {
  const seen = new Set<string>()
  let own: Entries = {}
  let at = path
  let current = value
  for (;;) {
    const entries = entriesOf(current)
    if (entries === undefined) return { why: 'it is no mapping', elsewhere: false }
    const { $ref: reference, ...others } = entries
    own = { ...others, ...own }
    if (reference === undefined) return { value: own, path: at }
    if (typeof reference !== 'string') return { why: '$ref is no text', elsewhere: false }
    if (!reference.startsWith('#')) {
      return {
        why: `"${reference}" is in another file: bundle the document into one first`,
        elsewhere: true,
      }
    }
    if (seen.has(reference)) return { why: `"${reference}" refers to itself`, elsewhere: false }
    seen.add(reference)
    const keys = pointerKeys(reference)
    const target = keys && keys.reduce(child, root)
    if (keys === undefined || target === undefined) {
      return { why: `"${reference}" leads to nothing in this document`, elsewhere: false }
    }
    at = keys
    current = target
  }
}

/** RFC 6901, as the fragment of a URI. */
function pointerKeys(reference: string): readonly string[] | undefined {
  const pointer = reference.slice(1)
  if (pointer === '') return []
  if (!pointer.startsWith('/')) return undefined
  try {
    return pointer
      .slice(1)
      .split('/')
      .map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'))
  } catch {
    return undefined
  }
}

function child(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return (value as readonly unknown[])[Number(key)]
  const entries = entriesOf(value)
  return entries !== undefined && Object.hasOwn(entries, key) ? entries[key] : undefined
}
