import { opaDecisionEvent, opaPolicyEvent, type OpaLabels } from './opa-event.ts'
import type { PolicyRecord } from './policy-record.ts'
import { createPlainDecisionLine } from './plain-decision-line.ts'
import type { DecisionRecord } from './record.ts'

/** How a line is written; it has no line break at its end, nor anywhere else. */
export interface LineFormat {
  readonly decision: (record: DecisionRecord) => string
  readonly policy: (record: PolicyRecord) => string
}

/** tenantgate's own form: the records themselves. */
export const plainLines: LineFormat = {
  decision: createPlainDecisionLine(),
  policy: (record) => JSON.stringify(record),
}

/** Events as Open Policy Agent logs them; each holds the whole record. */
export function opaLines(labels: OpaLabels): LineFormat {
  return {
    decision: (record) => JSON.stringify(opaDecisionEvent(record, labels)),
    policy: (record) => JSON.stringify(opaPolicyEvent(record, labels)),
  }
}
