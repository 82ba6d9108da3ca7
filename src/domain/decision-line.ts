import { opaDecisionEvent, opaPolicyEvent, type OpaLabels } from './opa-event.ts'
import type { PolicyDefinition } from './policy.ts'
import type { DecisionRecord } from './record.ts'

/** A policy as it is logged, with everything that it says. */
export interface PolicyRecord {
  readonly type: 'policy'
  readonly timestamp: string
  readonly policy: string
  readonly definition: PolicyDefinition
}

/** How a line is written; it has no line break at its end, nor anywhere else. */
export interface LineFormat {
  readonly decision: (record: DecisionRecord) => string
  readonly policy: (record: PolicyRecord) => string
}

/** tenantgate's own form: the records themselves. */
export const plainLines: LineFormat = {
  decision: (record) => JSON.stringify(record),
  policy: (record) => JSON.stringify(record),
}

/** Events as Open Policy Agent logs them; each holds the whole record. */
export function opaLines(labels: OpaLabels): LineFormat {
  return {
    decision: (record) => JSON.stringify(opaDecisionEvent(record, labels)),
    policy: (record) => JSON.stringify(opaPolicyEvent(record, labels)),
  }
}
