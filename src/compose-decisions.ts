import { createTextSlots } from './adapters/buffers/text-slots.ts'
import { pagesOfStore, type DecisionPages } from './application/decision-pages.ts'
import {
  createDecisionStore,
  keepDecisions,
  type DecisionStore,
} from './application/decision-store.ts'
import { deferDecisions, type DeferredLog } from './application/defer-decisions.ts'
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
    return { store: undefined, pages: undefined, policies, decisionLog: timed(decisionLog).log }
  }
  const store = createDecisionStore({
    createTexts: createTextSlots,
    maxEntries: config.adminDecisions,
    maxBytes,
  })
  const { flush, log } = timed(keepDecisions(decisionLog, store, config.logRequired))
  const whole = upToDate(store, flush)
  return { store: whole, pages: pagesOfStore(whole), policies, decisionLog: log }

  /** What must be logged is logged before it is answered, all else after that. */
  function timed(log: Log): DeferredLog<Log> {
    return config.logRequired || log.keepsNothing === true
      ? { log, flush: () => undefined }
      : deferDecisions(log, { afterTurn: setImmediate, after: setTimeout })
  }
}

/** A store that has all that was decided whenever it is looked into. */
function upToDate(store: DecisionStore, flush: () => void): DecisionStore {
  return {
    ...store,
    find(decisionId) {
      flush()
      return store.find(decisionId)
    },
    page(query) {
      flush()
      return store.page(query)
    },
  }
}
