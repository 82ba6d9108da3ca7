import type { Decision, Step } from '../domain/evaluation.ts'
import type { Policy } from '../domain/policy.ts'
import { createCheck } from './check.ts'
import type { Facts } from './facts.ts'
import {
  accessRequestOf,
  factOf,
  simulatedToken,
  tokenOf,
  type SimulatedRequest,
  type SimulatedSubject,
} from './subject.ts'

/** One step of a check as it was taken. */
export interface TakenStep {
  readonly step: Step
  readonly outcome: 'passed' | 'refused'
  readonly detail: string
}

/**
 * Decides a request that nobody sent: the very pipeline of the service, with its two look-ups
 * answered by what is stated of the subject. `explain` and policy cases are this.
 */
export async function simulate(
  policy: Policy,
  { request, subject }: { readonly request: SimulatedRequest; readonly subject: SimulatedSubject },
  nowMs: number,
): Promise<{ readonly decision: Decision; readonly steps: readonly TakenStep[] }> {
  const steps: TakenStep[] = []
  const check = createCheck({
    policy: () => policy,
    tokens: {
      verify: (token) =>
        Promise.resolve(
          subject === null || token !== simulatedToken
            ? { why: 'no key signed it: only the token of the stated subject can be simulated' }
            : tokenOf(subject, nowMs),
        ),
    },
    identities: { epoch: () => 0, get: () => undefined, set: () => undefined },
    facts: factsFrom((pair) =>
      subject === null
        ? Promise.reject(new Error('a fact was asked for of nobody'))
        : Promise.resolve(factOf(subject, pair.organization, nowMs)),
    ),
    rules: { issuers: [], audiences: [] },
    claimsMayGrant: true,
    now: () => nowMs,
    onFault(cause) {
      throw cause // a bug must not look like an outage here
    },
    trace: (step, outcome, detail) => void steps.push({ step, outcome, detail }),
  })
  const never = new AbortController().signal
  const decision = await check(accessRequestOf(request, subject), {
    isLate: () => false,
    leftMs: () => Infinity,
    signal: () => never,
  })
  return { decision, steps }
}

/** Facts that nothing is known of before it is asked: every one is as fresh as can be. */
export function factsFrom(ask: Facts['ask']): Facts {
  return {
    ask,
    known: () => undefined,
    claimMayGrant: () => false,
    claimGranted: () => false,
    recall: () => Promise.resolve(undefined),
    isUnchangedSince: () => true,
    newerThan: () => undefined,
  }
}
