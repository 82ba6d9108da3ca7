import type { LoadPolicy, PolicyLoading } from './load-policy.ts'

/** Loads the text that was loaded last without any work: it can be made ready before it counts. */
export function createLoadPolicyOnce(load: LoadPolicy): LoadPolicy {
  let last: { readonly text: string; readonly loading: PolicyLoading } | undefined
  return (text) => {
    if (last?.text !== text) last = { text, loading: load(text) }
    return last.loading
  }
}
