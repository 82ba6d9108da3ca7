import type { Policy } from '../domain/policy.ts'
import type { LoadPolicy, LocatedFault } from './load-policy.ts'

/** The policy in force. A file that does not load never replaces one that did. */
export interface PolicyStore {
  readonly current: () => Policy
  readonly reload: (text: string) => void
}

/** Holds a policy that loaded, and replaces it by what loads after it. */
export function createPolicyStore(
  initial: Policy,
  deps: {
    readonly load: LoadPolicy
    readonly onLoaded: (policy: Policy) => void
    readonly onReloadFailed: (faults: readonly LocatedFault[]) => void
  },
): PolicyStore {
  let policy = initial
  deps.onLoaded(policy)
  return {
    current: () => policy,
    reload(text) {
      const loading = deps.load(text)
      if ('faults' in loading) {
        deps.onReloadFailed(loading.faults)
        return
      }
      policy = loading.policy
      deps.onLoaded(policy)
    },
  }
}
