import { canonicalText } from '../domain/compile-policy.ts'
import type { Policy, PolicyDefinition } from '../domain/policy.ts'
import { validatePolicy } from '../domain/validate-policy.ts'
import type { Digest } from '../ports/policy-document.ts'

/** The policies that decisions were made by, by version. */
export interface ReplayPolicies {
  readonly get: (version: string) => Policy | undefined
  /** Takes a policy as it stands in a log; false: it is not what its version names. */
  readonly add: (version: string, definition: PolicyDefinition) => boolean
  /** Takes a policy that was loaded from a file. */
  readonly put: (policy: Policy) => void
  readonly definitions: () => ReadonlyMap<string, PolicyDefinition>
}

/**
 * Collects policies. A line holds when its definition hashes to its version as it stands there: a
 * later release may add defaults to the canonical form, and old logs must go on to replay.
 */
export function createReplayPolicies(digest: Digest): ReplayPolicies {
  const policies = new Map<string, Policy>()
  const definitions = new Map<string, PolicyDefinition>()

  function compiled(version: string, definition: PolicyDefinition): Policy | undefined {
    const text = textOf(definition)
    if (text === undefined) return undefined
    if (version !== `sha256:${digest(text).slice(0, 16)}`) return undefined
    const validation = validatePolicy(definition)
    return 'faults' in validation ? undefined : validation.compile(version)
  }
  function put(policy: Policy, definition: PolicyDefinition): void {
    policies.set(policy.version, policy)
    definitions.set(policy.version, definition)
  }
  return {
    get: (version) => policies.get(version),
    add(version, definition) {
      const known = definitions.get(version)
      if (known !== undefined && textOf(known) === textOf(definition)) return true
      const policy = compiled(version, definition)
      if (policy === undefined) return false
      put(policy, definition)
      return true
    },
    put: (policy) => put(policy, policy.definition),
    definitions: () => definitions,
  }
}

/** Undefined: it is nested deeper than it can be walked, as no policy is. */
function textOf(definition: PolicyDefinition): string | undefined {
  try {
    return canonicalText(definition)
  } catch {
    return undefined
  }
}
