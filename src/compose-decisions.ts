import {
  createDecisionStore,
  keepDecisions,
  type DecisionStore,
} from './application/decision-store.ts'
import { createPolicyHistory, type PolicyHistory } from './application/policy-history.ts'
import type { Config } from './config.ts'
import type { DecisionLog } from './ports/decision-log.ts'

/** What the latest decisions take in memory at most, in bytes. */
const maxBytes = 128 * 1024 * 1024

/** The latest decisions of the process and the policies that made them. */
export interface KeptDecisions {
  /** Undefined: none are kept. */
  readonly store: DecisionStore | undefined
  readonly policies: PolicyHistory
}

/** Keeps what a decision log takes, also where it writes nothing itself. */
export function composeDecisions<Log extends DecisionLog>(
  config: Pick<Config, 'adminDecisions' | 'logRequired'>,
  decisionLog: Log,
  timestamp: () => string,
): KeptDecisions & { readonly decisionLog: Log } {
  const policies = createPolicyHistory(timestamp)
  if (config.adminDecisions === 0) return { store: undefined, policies, decisionLog }
  const store = createDecisionStore({ maxEntries: config.adminDecisions, maxBytes })
  return {
    store,
    policies,
    decisionLog: keepDecisions(decisionLog, store, config.logRequired),
  }
}
