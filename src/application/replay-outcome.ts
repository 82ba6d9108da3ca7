import type { Reason } from '../domain/decision.ts'
import type { Decision } from '../domain/evaluation.ts'
import { canonicalText } from '../domain/compile-policy.ts'
import type { Policy } from '../domain/policy.ts'
import {
  beginReplay,
  replayAgainst,
  replayCase,
  type AwaitingFact,
  type Gap,
  type Replayed,
} from '../domain/replay.ts'
import { recordedCase, type RecordedDecision } from '../domain/recorded.ts'

/** What a replay cannot tell: a gap of the record, or a record that is not what it says. */
export type Undetermined = Gap | 'it does not come out the same under its own policy'

/** What a decision comes to when it is made again. */
export type Outcome =
  | { readonly kind: 'kept' }
  | { readonly kind: 'undetermined'; readonly gap: Undetermined }
  | { readonly kind: 'same'; readonly route: string | null }
  | Change

/** A decision that comes out differently. */
export interface Change {
  readonly kind: 'different'
  readonly change: ChangeKind
  readonly reason: Reason
  /** The route by the recorded decision, or where that had none by the new one. */
  readonly route: string | null
}

/**
 * How it differs: the policy's decision flips; or it does not, but whether the request goes through
 * does (`mode: shadow`); or only the reason does.
 */
export type ChangeKind =
  'allow_to_deny' | 'deny_to_allow' | 'newly_enforced' | 'newly_lifted' | 'reason'

const unfaithful: Outcome = {
  kind: 'undetermined',
  gap: 'it does not come out the same under its own policy',
}

/** Makes a recorded decision again that is not kept: under its own policy, or under a candidate. */
export function outcomeOf(record: RecordedDecision, policy: Policy, candidate?: Policy): Outcome {
  const recorded = recordedCase(record)
  const original = replayCase(recorded, policy)
  if (candidate === undefined) return compare(recordedDecision(record, original), original)
  if (original.reason !== record.reason) return unfaithful
  if (isSamePolicy(candidate, policy)) return compare(original, original)
  return settle(original, replayAgainst(recorded, original, candidate))
}

const textOf = createTexts()

/**
 * The same policy decides the same. Its version alone does not prove that: of 64 bits of a hash who
 * writes both policies can find two with the same.
 */
function isSamePolicy(candidate: Policy, policy: Policy): boolean {
  if (candidate.version !== policy.version) return false
  return candidate === policy || textOf(candidate) === textOf(policy)
}

function createTexts(): (policy: Policy) => string {
  const texts = new WeakMap<Policy, string>()
  return (policy) => {
    const known = texts.get(policy)
    if (known !== undefined) return known
    const text = canonicalText(policy.definition)
    texts.set(policy, text)
    return text
  }
}

/** A decision that waits for the fact of a pair as it is today. */
export interface AwaitingOutcome {
  readonly awaiting: AwaitingFact
  readonly original: Decision
}

/** The same with today's facts: an outcome where none is needed. */
export function beginOutcome(
  record: RecordedDecision,
  policy: Policy,
  candidate: Policy,
): Outcome | AwaitingOutcome {
  const recorded = recordedCase(record)
  const original = replayCase(recorded, policy)
  if (original.reason !== record.reason) return unfaithful
  const begun = beginReplay(recorded, candidate)
  return 'pair' in begun ? { awaiting: begun, original } : settle(original, begun)
}

function settle(original: Decision, replayed: Replayed): Outcome {
  return 'undetermined' in replayed
    ? { kind: 'undetermined', gap: replayed.undetermined }
    : compare(original, replayed.decision)
}

/** How a decision differs from what it was. */
export function compare(before: Decision, after: Decision): Outcome {
  const route = before.evaluation.settings?.name ?? after.evaluation.settings?.name ?? null
  if (before.reason === after.reason && before.passes === after.passes) {
    return { kind: 'same', route }
  }
  return { kind: 'different', change: changeKind(before, after), reason: after.reason, route }
}

function changeKind(before: Decision, after: Decision): ChangeKind {
  const granted = before.reason === 'granted'
  if (granted !== (after.reason === 'granted')) return granted ? 'allow_to_deny' : 'deny_to_allow'
  if (before.passes === after.passes) return 'reason'
  return before.passes ? 'newly_enforced' : 'newly_lifted'
}

/** What was decided, as the record says; whether it passed is not in it. */
function recordedDecision(
  { reason }: RecordedDecision,
  { evaluation, passes }: Decision,
): Decision {
  return { reason, passes: reason === 'granted' || passes, evaluation }
}
