import { statusOf, type Reason } from '../domain/decision.ts'
import type { Decision } from '../domain/evaluation.ts'
import type { Policy } from '../domain/policy.ts'
import { createPolicyReader, type PolicyFault } from '../domain/policy-reader.ts'
import { readSimulatedRequest } from './policy-cases.ts'
import { simulate, type TakenStep } from './simulate.ts'
import { readSubject, type SimulatedRequest, type SimulatedSubject } from './subject.ts'

/** A decision step by step, as `explain` and the admin API tell it. */
export interface Explanation {
  readonly decision: 'allow' | 'deny'
  readonly reason: Reason
  readonly status: number
  readonly route: string | null
  readonly policy: string
  readonly steps: readonly TakenStep[]
}

/** Tells how a stated request of a stated subject would be decided. */
export async function explain(
  policy: Policy,
  stated: { readonly request: SimulatedRequest; readonly subject: SimulatedSubject },
  nowMs: number,
): Promise<{ readonly explanation: Explanation; readonly decision: Decision }> {
  const { decision, steps } = await simulate(policy, stated, nowMs)
  return { explanation: explanationOf(decision, steps), decision }
}

/** A decision with the steps that led to it. */
export function explanationOf(decision: Decision, steps: readonly TakenStep[]): Explanation {
  const { evaluation, reason } = decision
  return {
    decision: reason === 'granted' ? 'allow' : 'deny',
    reason,
    status: statusOf(reason),
    route: evaluation.settings?.name ?? null,
    policy: evaluation.policy.version,
    steps,
  }
}

/** What is to be explained, as it was sent: `request`, `as`, `host`, `headers`, `extensions`. */
export function readStated(
  stated: Readonly<Record<string, unknown>>,
):
  | { readonly request: SimulatedRequest; readonly subject: SimulatedSubject }
  | { readonly faults: readonly PolicyFault[] } {
  const reader = createPolicyReader()
  const entries = new Map(Object.entries(stated).filter(([, value]) => value !== undefined))
  const request = readSimulatedRequest(reader, entries, [])
  const subject = readSubject(reader, entries.get('as'), ['as'])
  return request === undefined || subject === undefined || reader.faults.length > 0
    ? { faults: reader.faults }
    : { request, subject }
}
