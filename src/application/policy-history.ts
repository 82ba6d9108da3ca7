import type { Policy, PolicyDefinition } from '../domain/policy.ts'

/** Policies that are kept to explain what they decided. */
const maxPolicies = 8

/** A policy and when it was loaded, RFC 3339 in UTC. */
export interface LoadedPolicy {
  readonly policy: Policy
  readonly loadedAt: string
}

/** The policy in force and the last few before it. */
export interface PolicyHistory {
  readonly loaded: (policy: Policy) => void
  /** Undefined: none was loaded yet. */
  readonly current: () => LoadedPolicy | undefined
  readonly byVersion: (version: string) => Policy | undefined
  readonly definitions: () => ReadonlyMap<string, PolicyDefinition>
}

/** Makes a history without any policy. */
export function createPolicyHistory(timestamp: () => string): PolicyHistory {
  /** In the order in which they were last loaded. */
  const policies = new Map<string, LoadedPolicy>()
  return {
    loaded(policy) {
      policies.delete(policy.version)
      policies.set(policy.version, { policy, loadedAt: timestamp() })
      for (const version of policies.keys()) {
        if (policies.size <= maxPolicies) break
        policies.delete(version)
      }
    },
    current: () => [...policies.values()].at(-1),
    byVersion: (version) => policies.get(version)?.policy,
    definitions: () =>
      new Map([...policies].map(([version, { policy }]) => [version, policy.definition])),
  }
}
