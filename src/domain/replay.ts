import type { Reason } from './decision.ts'
import { admitAs, conclude, concludeWithoutFact, decisionOf, isPublic } from './evaluate.ts'
import { newEvaluation, type Decision, type Evaluation, type Trace } from './evaluation.ts'
import type { Fact, Pair } from './fact.ts'
import { matchRequest } from './match-request.ts'
import type { Policy } from './policy.ts'
import { recordedCase, recordedFact, type RecordedCase, type RecordedDecision } from './recorded.ts'

/** What a record does not hold, so that a policy cannot be replayed on it. */
export type Gap =
  | 'the credential was never looked at'
  | 'the fact was never read'
  | 'the fact is of another organization'
  | 'dynamic roles were not read'
  | 'a claim says nothing of platform roles'
  | 'the header that names the tenant was not recorded'

/** A request decided again, or why the record cannot tell. */
export type Replayed = { readonly decision: Decision } | { readonly undetermined: Gap }

/** A replay that has come as far as the fact. */
export interface AwaitingFact {
  readonly evaluation: Evaluation
  readonly pair: Pair
}

/** Reasons that rest on more than a record holds: such decisions are kept, never made again. */
export function isKept({ reason }: RecordedDecision): boolean {
  return reason === 'bad_request' || reason === 'unavailable'
}

/** Makes a recorded decision again under the policy that made it. */
export function replayRecorded(record: RecordedDecision, policy: Policy, trace?: Trace): Decision {
  return replayCase(recordedCase(record), policy, trace)
}

/** The same of a record that was read before. */
export function replayCase(recorded: RecordedCase, policy: Policy, trace?: Trace): Decision {
  const { record, request } = recorded
  const begun = beginReplay(recorded, policy, trace)
  if ('undetermined' in begun) {
    // The same policy never needs more than was recorded: such a record is not what it says.
    return decisionOf(newEvaluation(policy, request), 'unavailable')
  }
  if ('decision' in begun) return begun.decision
  const { evaluation } = begun
  if (record.fact === null) return decisionOf(evaluation, withoutFact(evaluation))
  return decisionOf(evaluation, conclude(evaluation, recordedFact(record.fact)))
}

/**
 * Decides a recorded request under another policy, on what was recorded: the facts count as the
 * truth of that moment, from whichever tier they came, and how fresh they are is not replayed.
 * `original` is the decision made again under the policy of the record.
 */
export function replayAgainst(
  recorded: RecordedCase,
  original: Decision,
  candidate: Policy,
): Replayed {
  const { record } = recorded
  const begun = beginReplay(recorded, candidate)
  if (!('pair' in begun)) return begun
  const { evaluation, pair } = begun
  // Also where it was asked for in vain: what it would have said decides here.
  if (record.fact === null) return { undetermined: 'the fact was never read' }
  const fact = recordedFact(record.fact)
  const here = original.evaluation.tenancy?.pair.organization === pair.organization
  if (!here) return concludeElsewhere(evaluation, fact)
  const decision = decisionOf(evaluation, conclude(evaluation, fact))
  const gap = decision.reason === 'granted' ? undefined : gapOf(decision, fact, original)
  return gap === undefined ? { decision } : { undetermined: gap }
}

/** Steps 1 to 7 on a record: a decision, what it lacks, or the pair whose fact decides. */
export function beginReplay(
  { identity, record, request }: RecordedCase,
  policy: Policy,
  trace?: Trace,
): Replayed | AwaitingFact {
  const evaluation = newEvaluation(policy, request, trace)
  const decided = (reason: Reason): Replayed => ({ decision: decisionOf(evaluation, reason) })
  const refusal = matchRequest(evaluation)
  if (refusal !== undefined) return decided(refusal)
  if (isPublic(evaluation)) return decided('granted')
  if (identity === undefined) {
    return isCredentialRefusal(record.reason)
      ? decided(record.reason)
      : { undetermined: 'the credential was never looked at' }
  }
  if (lacksTenantHeader(evaluation, record)) {
    return { undetermined: 'the header that names the tenant was not recorded' }
  }
  const mismatch = admitAs(evaluation, identity)
  if (mismatch !== undefined) return decided(mismatch)
  const pair = evaluation.tenancy?.pair
  return pair === undefined ? decided('unavailable') : { evaluation, pair }
}

/** Ends a replay whose fact was read for it. */
export function concludeReplay({ evaluation }: AwaitingFact, fact: Fact): Decision {
  return decisionOf(evaluation, conclude(evaluation, fact))
}

function isCredentialRefusal(reason: Reason): boolean {
  return (
    reason === 'missing_credential' ||
    reason === 'malformed_credential' ||
    reason === 'invalid_token' ||
    reason === 'expired_token'
  )
}

function lacksTenantHeader({ guards }: Evaluation, record: RecordedDecision): boolean {
  return guards.some(
    ({ access, tenant }) =>
      access === 'member' &&
      tenant.kind === 'named' &&
      tenant.header !== undefined &&
      !Object.hasOwn(record.tenant_headers ?? {}, tenant.header),
  )
}

/** Where no source told the fact, only a mismatch is a decision: it stands. */
function withoutFact(evaluation: Evaluation): Reason {
  return concludeWithoutFact(evaluation, { claimsMayGrant: false })
}

/**
 * The fact is of another organization: what it says of the user holds, its membership does not. It
 * is no claim: those grant in the token's own organization alone.
 */
function concludeElsewhere(evaluation: Evaluation, fact: Fact): Replayed {
  const outsider: Fact = { ...fact, rows: [], dynamic: new Map() }
  const decision = decisionOf(evaluation, conclude(evaluation, outsider))
  const { policy } = evaluation
  const heeding = { ...policy, definition: { ...policy.definition, dynamicRoles: true } }
  const rows = [['member']]
  const insider: Fact = { ...fact, rows, dynamic: everythingFor(rows, evaluation) }
  return comesOutAs(decision, { ...evaluation, policy: heeding }, insider)
    ? { decision }
    : { undetermined: 'the fact is of another organization' }
}

/** What the recorded fact is silent about, where that could turn the refusal. */
function gapOf(decision: Decision, fact: Fact, original: Decision): Gap | undefined {
  const { evaluation } = decision
  const claimed = fact.source === 'claims'
  const wanted = evaluation.policy.definition.dynamicRoles
  const read = original.evaluation.policy.definition.dynamicRoles && !claimed
  const unread = wanted && !read
  if (!claimed && !unread) return undefined
  const platform = claimed
    ? { ...fact, platformRoles: evaluation.identity?.platformRoles ?? [] }
    : fact
  if (!comesOutAs(decision, evaluation, platform)) return 'a claim says nothing of platform roles'
  if (!unread) return undefined
  const whole = { ...platform, dynamic: everythingFor(fact.rows, evaluation) }
  return comesOutAs(decision, evaluation, whole) ? undefined : 'dynamic roles were not read'
}

/** Whether a decision is the same with another fact, also in whether the request passes. */
function comesOutAs({ reason, passes }: Decision, evaluation: Evaluation, fact: Fact): boolean {
  const other: Evaluation = { ...evaluation, trace: undefined }
  const decision = decisionOf(other, conclude(other, fact))
  return decision.reason === reason && decision.passes === passes
}

/** Dynamic roles that grant all that is asked: more than any can. */
function everythingFor(rows: Fact['rows'], { guards }: Evaluation): Fact['dynamic'] {
  const asked = guards.flatMap(({ requirement }) => requirement.permissions)
  return new Map(rows.flat().map((role) => [role, asked]))
}
