import { titleOf, type DenyReason } from '../domain/decision.ts'
import type { Policy } from '../domain/policy.ts'
import type { DecisionRecord } from '../domain/record.ts'
import { isKept, replayRecorded } from '../domain/replay.ts'
import { explanationOf, type Explanation } from './explain.ts'
import type { TakenStep } from './simulate.ts'

/** A recorded decision made again, and whether it came out the same. */
export interface RecordExplanation extends Explanation {
  readonly same: boolean
  /** What has to be known to read the rest; null: nothing. */
  readonly note: string | null
}

/** Makes a recorded decision again, step by step, under the policy that made it. */
export function explainRecord(record: DecisionRecord, policy: Policy): RecordExplanation {
  const steps: TakenStep[] = []
  const decision = replayRecorded(record, policy, (step, outcome, detail) => {
    // The record holds what was read of the token, which was found before it was verified.
    if (step === 'token') steps.push(passed('credential', 'one bearer token'))
    steps.push({ step, outcome, detail })
  })
  const same = decision.reason === record.reason
  return {
    ...explanationOf(decision, same ? [...steps, ...untoldSteps(record, steps)] : steps),
    same,
    note: same ? null : noteOn(record),
  }
}

function passed(step: TakenStep['step'], detail: string): TakenStep {
  return { step, outcome: 'passed', detail }
}

/** Steps that a replay need not take: what they came to is recorded. */
function untoldSteps({ reason }: DecisionRecord, told: readonly TakenStep[]): readonly TakenStep[] {
  const last = told.at(-1)
  if (last?.outcome === 'refused' || last?.step === 'decision') return []
  if (reason === 'granted') {
    return [
      passed('public', 'the route is public: no credential is looked at'),
      passed('decision', 'allow: granted'),
    ]
  }
  return refusedCredential(reason)
}

function refusedCredential(reason: DenyReason): readonly TakenStep[] {
  const ofToken = reason === 'invalid_token' || reason === 'expired_token'
  const refused = (step: TakenStep['step']): TakenStep => ({
    step,
    outcome: 'refused',
    detail: titleOf(reason),
  })
  return ofToken
    ? [passed('credential', 'one bearer token'), refused('token')]
    : [refused('credential')]
}

function noteOn(record: DecisionRecord): string {
  return isKept(record)
    ? `${record.reason} rests on more than a record holds: the steps are those that can be made again`
    : 'made again, the decision is another one: the record does not hold what it rested on'
}
