import { canonicalText } from '../domain/compile-policy.ts'
import type { Policy } from '../domain/policy.ts'
import { validatePolicy } from '../domain/validate-policy.ts'
import type { Digest, ParsePolicyDocument } from '../ports/policy-document.ts'

/** Something wrong with a policy file, where it stands and how to mend it. Counted from 1. */
export interface LocatedFault {
  readonly line: number
  readonly column: number
  /** Keys and indexes from the top of the file, as `routes[2].permission`. */
  readonly path: string
  readonly message: string
}

/** A loaded policy, or every fault of its file in the order of its lines. */
export type PolicyLoading =
  { readonly policy: Policy } | { readonly faults: readonly LocatedFault[] }

/** Loads policies from the text of a file. */
export type LoadPolicy = (text: string) => PolicyLoading

/** Makes the loader: parse, validate, compile, and name the version of what came out. */
export function createLoadPolicy(deps: {
  readonly parse: ParsePolicyDocument
  readonly digest: Digest
}): LoadPolicy {
  return (text) => {
    const document = deps.parse(text)
    if (document.faults.length > 0) {
      return { faults: document.faults.map((fault) => ({ ...fault, path: '' })) }
    }
    const validation = validatePolicy(document.value)
    if ('faults' in validation) {
      const faults = validation.faults.map(({ path, message }) => ({
        ...document.locate(path),
        path: pathText(path),
        message,
      }))
      return { faults: faults.sort((a, b) => a.line - b.line || a.column - b.column) }
    }
    const digest = deps.digest(canonicalText(validation.definition))
    return { policy: validation.compile(`sha256:${digest.slice(0, 16)}`) }
  }
}

function pathText(path: readonly (string | number)[]): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join('')
}
