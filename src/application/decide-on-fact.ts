import type { Reason } from '../domain/decision.ts'
import { AppError } from '../domain/errors.ts'
import { conclude, concludeWithoutFact } from '../domain/evaluate.ts'
import type { Evaluation, RuleSettings, Tenancy } from '../domain/evaluation.ts'
import type { Fact } from '../domain/fact.ts'
import { acceptsUnverified } from '../domain/freshness.ts'
import type { Instant } from '../domain/instant.ts'
import type { Identity } from '../domain/identity.ts'
import { factFromClaims } from '../domain/judge.ts'
import type { Deadline } from './deadline.ts'
import type { Facts } from './facts.ts'
import type { KnownFact } from './knowledge.ts'

/** What a decision on facts rests on. */
export interface FactDecisionDeps {
  readonly facts: Facts
  /** Whether claims may grant at all (`TENANTGATE_CLAIMS`). */
  readonly claimsMayGrant: boolean
  /** Told of a fault that became `unavailable`; it must not throw. */
  readonly onFault: (cause: unknown) => void
}

/** Decides an evaluation whose token was admitted: at once where it can, else by a promise. */
export type DecideOnFact = (
  evaluation: Evaluation,
  deadline: Deadline,
  /** When it began, where that was read already. */
  at?: Instant,
) => Reason | Promise<Reason>

/** An evaluation that has come as far as the fact. */
interface Admitted {
  readonly evaluation: Evaluation
  readonly identity: Identity
  readonly settings: RuleSettings
  readonly tenancy: Tenancy
}

/**
 * Steps 8 to 11: memory, then claims, then the shared cache, then PostgreSQL (contract section 6).
 * Any of them may grant; a refusal rests on what this process read from PostgreSQL itself.
 */
export function createFactDecision(deps: FactDecisionDeps): DecideOnFact {
  const { facts } = deps

  return function decideOnFact(evaluation, deadline, at) {
    const { identity, settings, tenancy } = evaluation
    if (identity === null || settings === null || tenancy === null) {
      throw new Error('a check went on without a token or a route')
    }
    const { freshness } = settings
    const known = facts.known(tenancy.pair, freshness, at)
    if (known !== undefined) {
      const reason = conclude(evaluation, known.fact)
      if (reason === 'granted' || known.verified) return reason
    }
    const admitted = { evaluation, identity, settings, tenancy }
    if (known !== undefined) return ask(admitted, deadline)
    if (freshness === 'claims' && claimGrants(admitted)) return 'granted'
    return acceptsUnverified(freshness) ? recall(admitted, deadline) : ask(admitted, deadline)
  }

  function claimGrants({ evaluation, identity, tenancy }: Admitted): boolean {
    const claimed = deps.claimsMayGrant ? factFromClaims(identity, tenancy) : undefined
    if (claimed === undefined) return false
    if (!facts.claimMayGrant(tenancy.pair, claimed.verifiedAtMs)) return false
    if (conclude(evaluation, claimed) !== 'granted') return false
    return facts.claimGranted(tenancy.pair, claimed)
  }

  /** Whatever is known may grant; a refusal needs what this process verified itself. */
  function decideKnown(
    admitted: Admitted,
    { fact, verified }: KnownFact,
    deadline: Deadline,
  ): Reason | Promise<Reason> {
    const reason = conclude(admitted.evaluation, fact)
    return reason === 'granted' || verified ? reason : ask(admitted, deadline)
  }

  async function recall(admitted: Admitted, deadline: Deadline): Promise<Reason> {
    const { evaluation, settings, tenancy } = admitted
    const fact = await facts.recall(tenancy.pair, deadline.signal())
    if (fact !== undefined && conclude(evaluation, fact) === 'granted') return 'granted'
    // Meanwhile another request's read may have been answered.
    const known = fact === undefined ? facts.known(tenancy.pair, settings.freshness) : undefined
    return known === undefined ? ask(admitted, deadline) : decideKnown(admitted, known, deadline)
  }

  async function ask(admitted: Admitted, deadline: Deadline): Promise<Reason> {
    const { evaluation, settings, tenancy } = admitted
    // What could not grant before must not be taken for what the decision rests on.
    evaluation.fact = null
    let fact: Fact
    try {
      fact = await facts.ask(tenancy.pair, settings.freshness, deadline.signal())
    } catch (cause) {
      // A token's own role may bridge an outage, never a bug.
      if (!isOutage(cause)) throw cause
      deps.onFault(cause)
      const claimsMayGrant = deps.claimsMayGrant && isUncontradicted(admitted)
      return concludeWithoutFact(evaluation, { claimsMayGrant })
    }
    return conclude(evaluation, fact)
  }

  /** Whether nothing that this process knows or was told speaks against the token's role. */
  function isUncontradicted({ evaluation, identity, tenancy }: Admitted): boolean {
    const { issuedAtS } = identity
    if (issuedAtS === null || !facts.isUnchangedSince(tenancy.pair, issuedAtS * 1000)) return false
    const newer = facts.newerThan(tenancy.pair, issuedAtS * 1000)
    return newer === undefined || conclude(evaluation, newer) === 'granted'
  }
}

/** Whether a fault is a source of facts being out of reach, not a bug. */
function isOutage(cause: unknown): boolean {
  if (!(cause instanceof AppError)) return false
  return cause.code === 'FACTS_UNAVAILABLE' || cause.code === 'DATABASE_UNAVAILABLE'
}
