import { readCredential } from '../domain/credential.ts'
import type { DenyReason } from '../domain/decision.ts'
import type { Fact, Pair } from '../domain/fact.ts'
import { readIdentity, type ClaimRules, type Identity } from '../domain/identity.ts'
import type { TokenVerifier, VerificationCaller } from '../ports/token-verifier.ts'
import { unlessAborted } from './unless-aborted.ts'

/** Why nobody is behind a request. */
export type AuthenticationRefusal = Extract<
  DenyReason,
  | 'missing_credential'
  | 'malformed_credential'
  | 'invalid_token'
  | 'expired_token'
  | 'unknown_user'
  | 'banned'
  | 'unavailable'
>

/** Who asks, as the token says, and what is known of them in the token's organization. */
export interface AuthenticatedSubject {
  readonly identity: Identity
  readonly fact: Fact
}

/** Who asks, or why that cannot be told. */
export type Authentication = AuthenticatedSubject | { readonly refusal: AuthenticationRefusal }

/** Authenticates a request to the HTTP API. The signal aborts at the deadline; never rejects. */
export type Authenticate = (request: {
  /** The `authorization` header; repeated ones joined with a comma, which is refused. */
  readonly authorization: string | undefined
  readonly signal: AbortSignal
}) => Promise<Authentication>

/** What authentication rests on. */
export interface AuthenticateDeps {
  readonly tokens: TokenVerifier
  /** The fact of a subject in its token's organization, fresh enough to refuse and to grant. */
  readonly readFact: (pair: Pair, signal: AbortSignal) => Promise<Fact>
  readonly rules: ClaimRules
  /** Wall clock, in ms. */
  readonly now: () => number
  /** Told of a fault that became `unavailable`; it must not throw. */
  readonly onFault: (cause: unknown) => void
}

/** Whose token it is, or why it is nobody's. */
export type Identification = { readonly identity: Identity } | { readonly refusal: TokenRefusal }

/** Why a credential names nobody. */
export type TokenRefusal = Extract<
  AuthenticationRefusal,
  'missing_credential' | 'malformed_credential' | 'invalid_token' | 'expired_token'
>

/** Steps 5 and 6 of a check (contract section 4) by themselves: one valid bearer token. */
export function createIdentify({
  now,
  rules,
  tokens,
}: Pick<AuthenticateDeps, 'now' | 'rules' | 'tokens'>) {
  return async (header: string | undefined, signal: AbortSignal): Promise<Identification> => {
    const credential = readCredential(header)
    if ('refusal' in credential) return { refusal: credential.refusal }
    const verdict = await tokens.verify(credential.token, whoWaits(signal))
    if ('why' in verdict) return { refusal: 'invalid_token' }
    const reading = readIdentity(verdict, rules, now())
    return 'refusal' in reading ? { refusal: reading.refusal } : { identity: reading.identity }
  }
}

/** Step 8: why the user of a token may do nothing, whatever it asks for. */
export function refusalOfUser(fact: Fact): 'unknown_user' | 'banned' | undefined {
  if (!fact.user) return 'unknown_user'
  return fact.banned ? 'banned' : undefined
}

/**
 * Steps 5, 6 and 8 of a check (contract section 4) by themselves: one valid bearer token of a user
 * who exists and is not banned. Whatever is not shown in time is a refusal; a fault in any part,
 * also a bug, is `unavailable`.
 */
export function createAuthenticate(deps: AuthenticateDeps): Authenticate {
  const identify = createIdentify(deps)
  return async function authenticate({ authorization, signal }) {
    try {
      return await unlessAborted(tell(authorization, signal), signal, () => ({
        refusal: 'unavailable',
      }))
    } catch (cause) {
      deps.onFault(cause)
      return { refusal: 'unavailable' }
    }
  }

  async function tell(header: string | undefined, signal: AbortSignal): Promise<Authentication> {
    const identified = await identify(header, signal)
    if ('refusal' in identified) return identified
    const { identity } = identified
    const pair = { user: identity.subject, organization: identity.organization }
    const fact = await deps.readFact(pair, signal)
    const refusal = refusalOfUser(fact)
    return refusal === undefined ? { identity, fact } : { refusal }
  }
}

/** How long it will wait is not known: it has as much time as it has until it gives up. */
const whoWaits = (signal: AbortSignal): VerificationCaller => ({
  leftMs: () => (signal.aborted ? 0 : Infinity),
  signal: () => signal,
})
