import { createTextSlots } from './adapters/buffers/text-slots.ts'
import { pagesOfStore, type DecisionPages } from './application/decision-pages.ts'
import {
  createDecisionStore,
  keepDecisions,
  type DecisionStore,
} from './application/decision-store.ts'
import { deferDecisions } from './application/defer-decisions.ts'
import { createPolicyHistory, type PolicyHistory } from './application/policy-history.ts'
import type { Config } from './config.ts'
import type { DecisionLog } from './ports/decision-log.ts'

/** What the latest decisions take in memory at most, in bytes. */
const maxBytes = 128 * 1024 * 1024

/** The latest decisions, of this process or of several, and the policies that made them. */
export interface KeptDecisions {
  /** Undefined: none are kept. */
  readonly pages: DecisionPages | undefined
  readonly policies: PolicyHistory
}

/** What one process keeps. */
export interface OwnDecisions extends KeptDecisions {
  readonly store: DecisionStore | undefined
}

/** Keeps what a decision log takes, also where it writes nothing itself. */
export function composeDecisions<Log extends DecisionLog>(
  config: Pick<Config, 'adminDecisions' | 'logRequired'>,
  decisionLog: Log,
  timestamp: () => string,
): OwnDecisions & { readonly decisionLog: Log } {
  const policies = createPolicyHistory(timestamp)
  if (config.adminDecisions === 0) {
    return { store: undefined, pages: undefined, policies, decisionLog: timed(decisionLog) }
  }
  const store = createDecisionStore({
    createTexts: createTextSlots,
    maxEntries: config.adminDecisions,
    maxBytes,
  })
  const kept = keepDecisions(decisionLog, store, config.logRequired)
  return { store, pages: pagesOfStore(store), policies, decisionLog: timed(kept) }

  /** What must be logged is logged before it is answered, all else after that. */
  function timed(log: Log): Log {
    return config.logRequired || log.keepsNothing === true ? log : deferDecisions(log, setImmediate)
  }
}
