import type { PolicyDefinition } from './policy.ts'

/** A policy as it is logged, with everything that it says. */
export interface PolicyRecord {
  readonly type: 'policy'
  readonly timestamp: string
  readonly policy: string
  readonly definition: PolicyDefinition
}
