import { keyedPair, type Pair } from './fact.ts'
import { isId } from './id.ts'
import { RecordedToken } from './recorded-token.ts'
import { parseRoles } from './roles.ts'

/** Seconds that `nbf` and `iat` may be ahead of this machine's clock; `exp` has no leeway. */
const leewayS = 5

/** A subject as a verified token describes it. */
export interface Identity {
  readonly subject: string
  /** The claim `organizationId`; null: the token names no tenant. */
  readonly organization: string | null
  /** The claim `orgRole`: what the issuer believed when it signed. */
  readonly organizationRoles: readonly string[]
  /** The claim `role`; recorded, but never a reason to grant. */
  readonly platformRoles: readonly string[]
  /** `iat`, in seconds. */
  readonly issuedAtS: number | null
  /** `exp`, in seconds. */
  readonly expiresAtS: number
  /** `nbf`, in seconds. */
  readonly notBeforeS: number | null
  readonly algorithm: string
  readonly keyId: string | null
}

/** Where a token belongs: its own organization, and the pair whose fact tells of it there. */
export interface Home {
  readonly tenant: string | null
  readonly mismatch: false
  readonly pair: Pair
}

/**
 * An identity that is met again with each request of its token. A class, so that what follows from it
 * alone is worked out once and found at the same place in each.
 */
class TokenIdentity implements Identity {
  readonly subject: string
  readonly organization: string | null
  readonly organizationRoles: readonly string[]
  readonly platformRoles: readonly string[]
  readonly issuedAtS: number | null
  readonly expiresAtS: number
  readonly notBeforeS: number | null
  readonly algorithm: string
  readonly keyId: string | null
  /** Made with it, as every check of it needs both: so they lie side by side. */
  readonly #home: Home
  #recorded: RecordedToken | undefined

  constructor(identity: Identity) {
    this.subject = identity.subject
    this.organization = identity.organization
    this.organizationRoles = identity.organizationRoles
    this.platformRoles = identity.platformRoles
    this.issuedAtS = identity.issuedAtS
    this.expiresAtS = identity.expiresAtS
    this.notBeforeS = identity.notBeforeS
    this.algorithm = identity.algorithm
    this.keyId = identity.keyId
    this.#home = keyedPair(identity.subject, identity.organization)
  }

  get home(): Home {
    return this.#home
  }

  get recorded(): RecordedToken {
    return (this.#recorded ??= new RecordedToken(this))
  }
}

/** Where an identity belongs; the same object each time for one that was read from a token. */
export function homeOf(identity: Identity): Home {
  if (identity instanceof TokenIdentity) return identity.home
  const { organization, subject } = identity
  return { tenant: organization, mismatch: false, pair: { user: subject, organization } }
}

/** What records say of a token; the same object each time for one that was read. */
export function recordedToken(identity: Identity): RecordedToken {
  return identity instanceof TokenIdentity ? identity.recorded : new RecordedToken(identity)
}

/** A token whose signature holds under a key that its algorithm is bound to. Types are unchecked. */
export interface VerifiedToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** What is expected of tokens; an empty list: not checked. */
export interface ClaimRules {
  readonly issuers: readonly string[]
  readonly audiences: readonly string[]
}

/** An identity, or why the token gives none. */
export type IdentityReading = { readonly identity: Identity } | TokenRefusal

/** Why a token is refused. */
export interface TokenRefusal {
  readonly refusal: 'invalid_token' | 'expired_token'
  readonly why: string
}

/**
 * Reads the identity of a token whose signature was verified: step 6 of a check, by RFC 7519
 * section 4.1 and RFC 8725. `null` counts as absent, except for `sub` and `exp`; a claim of any
 * other type than stated is a reason to refuse, never to guess.
 */
export function readIdentity(
  token: VerifiedToken,
  rules: ClaimRules,
  nowMs: number,
): IdentityReading {
  const { header, claims } = token
  const claim = (name: string): unknown =>
    Object.hasOwn(claims, name) && claims[name] !== null ? claims[name] : undefined

  if (!isAccessTokenType(header['typ'])) return invalid('typ is not that of an access token')
  if (header['crit'] !== undefined) return invalid('crit names an extension that is not understood')

  const expiresAtS = claim('exp')
  if (!isFiniteNumber(expiresAtS)) return invalid('exp is missing or no number')
  const notBeforeS = claim('nbf') ?? null
  if (notBeforeS !== null && !isFiniteNumber(notBeforeS)) return invalid('nbf is no number')
  const issuedAtS = claim('iat') ?? null
  if (issuedAtS !== null && !isFiniteNumber(issuedAtS)) return invalid('iat is no number')
  const untimely = refusalByTime({ expiresAtS, notBeforeS, issuedAtS }, nowMs)
  if (untimely !== undefined) return untimely
  if (!isAccepted(claim('iss'), rules.issuers, false)) return invalid('iss is not accepted')
  if (!isAccepted(claim('aud'), rules.audiences, true)) return invalid('aud is not accepted')

  const subject = claim('sub')
  if (!isId(subject)) return invalid('sub is missing or no id')
  const organization = claim('organizationId')
  if (organization !== undefined && !isId(organization)) return invalid('organizationId is no id')
  const organizationRoles = readRoles(claim('orgRole'))
  if (organizationRoles === undefined) return invalid('orgRole is no list of roles')
  const platformRoles = readRoles(claim('role'))
  if (platformRoles === undefined) return invalid('role is no list of roles')

  return {
    identity: new TokenIdentity({
      subject,
      organization: organization ?? null,
      organizationRoles,
      platformRoles,
      issuedAtS,
      expiresAtS,
      notBeforeS,
      algorithm: typeof header['alg'] === 'string' ? header['alg'] : '',
      keyId: typeof header['kid'] === 'string' ? header['kid'] : null,
    }),
  }
}

/** What of a token depends on when it is looked at: RFC 7519 sections 4.1.4 to 4.1.6. */
export function refusalByTime(
  times: Pick<Identity, 'expiresAtS' | 'notBeforeS' | 'issuedAtS'>,
  nowMs: number,
): TokenRefusal | undefined {
  const nowS = nowMs / 1000
  if (times.expiresAtS <= nowS) return { refusal: 'expired_token', why: 'exp has passed' }
  if ((times.notBeforeS ?? 0) > nowS + leewayS) return invalid('nbf lies ahead')
  if ((times.issuedAtS ?? 0) > nowS + leewayS) return invalid('iat lies ahead')
  return undefined
}

function invalid(why: string): TokenRefusal {
  return { refusal: 'invalid_token', why }
}

/**
 * RFC 8725 section 3.11: other kinds of JWT, signed with the same key, must not pass as access
 * tokens. Better Auth's session cache has a `typ` of its own.
 */
function isAccessTokenType(typ: unknown): boolean {
  if (typ === undefined) return true
  if (typeof typ !== 'string') return false
  const type = typ.toLowerCase().replace(/^application\//, '')
  return type === 'jwt' || type === 'at+jwt'
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

/** RFC 7519 sections 4.1.1 and 4.1.3: `iss` is one text, `aud` one or a list. */
function isAccepted(value: unknown, accepted: readonly string[], listed: boolean): boolean {
  if (accepted.length === 0) return true
  if (typeof value === 'string') return accepted.includes(value)
  if (!listed || !Array.isArray(value)) return false
  const values: readonly unknown[] = value
  return (
    values.every((one) => typeof one === 'string') && values.some((one) => accepted.includes(one))
  )
}

/** Roles of a claim: a comma string or a list of strings; undefined where it is neither. */
function readRoles(value: unknown): readonly string[] | undefined {
  if (value === undefined) return []
  if (typeof value === 'string') return parseRoles(value)
  if (!Array.isArray(value)) return undefined
  const values: readonly unknown[] = value
  if (!values.every((one) => typeof one === 'string')) return undefined
  return parseRoles(values.join(','))
}
