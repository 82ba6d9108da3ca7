import {
  assertedIdentity,
  assertionLifetimeS,
  audiencesOf,
  claimsOf,
  type AssertedIdentity,
} from '../domain/assertion.ts'
import type { Decision } from '../domain/evaluation.ts'
import type { Policy } from '../domain/policy.ts'
import type { AssertionSigner } from '../ports/assertion-signer.ts'
import type { CreateBoundedMap } from '../ports/bounded-map.ts'

/** The assertion of a request; `token` null: none applies. `failed`: it could not be signed. */
export type Assertion = { readonly token: string | null } | { readonly failed: true }

/** Gives the assertion that goes with a decision. Never waits, never throws. */
export type Assert = (decision: Decision, decisionId: string) => Assertion

/** What assertions rest on. */
export interface AssertionsDeps {
  readonly signer: AssertionSigner
  readonly createMap: CreateBoundedMap
  readonly maxEntries: number
  readonly maxBytes: number
  /** The audience where neither the route nor the policy names an upstream. */
  readonly audience: string
  /** Wall clock, in ms. */
  readonly now: () => number
  readonly onFault: (cause: unknown) => void
}

/** An assertion that was signed before. */
interface Signed {
  readonly assertion: { readonly token: string }
  readonly signedMs: number
}

/** An assertion is sent until half its life is over: its upstream has the other half. */
const sentMs = (assertionLifetimeS * 1000) / 2
/** What an entry costs beyond its key and its token. */
const entryOverheadBytes = 300
const none: Assertion = { token: null }
const failed: Assertion = { failed: true }

/**
 * Makes assertions, and remembers them by all that they state: a subject whose role changed has
 * another one with the very next request, and a known subject costs no signature.
 */
export function createAssertions(deps: AssertionsDeps): Assert {
  const { maxBytes, maxEntries } = deps
  const signed = deps.createMap<Signed>({
    ...{ maxEntries, maxBytes },
    sizeOf: ({ assertion }, key) => entryOverheadBytes + 2 * (key.length + assertion.token.length),
  })
  let policy: Policy | undefined
  let audiences: ReadonlyMap<string, string> = new Map()

  function audiencesIn(inForce: Policy): ReadonlyMap<string, string> {
    if (inForce === policy) return audiences
    audiences = audiencesOf(inForce)
    policy = inForce
    return audiences
  }

  function assertionOf(identity: AssertedIdentity, decisionId: string): Assertion {
    const key = keyOf(identity)
    const nowMs = deps.now()
    const known = signed.get(key)
    // A clock that was set back: an assertion of the future is one that upstreams refuse.
    if (known !== undefined && nowMs >= known.signedMs && nowMs - known.signedMs < sentMs) {
      return known.assertion
    }
    const assertion = { token: deps.signer.sign(claimsOf(identity, decisionId, nowMs)) }
    signed.set(key, { assertion, signedMs: nowMs })
    return assertion
  }

  return (decision, decisionId) => {
    try {
      const inForce = audiencesIn(decision.evaluation.policy)
      const identity = assertedIdentity(decision, inForce, deps.audience)
      return identity === null ? none : assertionOf(identity, decisionId)
    } catch (cause) {
      deps.onFault(cause)
      return failed
    }
  }
}

/** Unambiguous whatever roles are made of. */
function keyOf(identity: AssertedIdentity): string {
  const { audience, organizationId, organizationRoles, platformRoles, userId } = identity
  return JSON.stringify([audience, userId, organizationId, organizationRoles, platformRoles])
}
