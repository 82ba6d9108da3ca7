import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { CompactSign, exportJWK, type JWK } from 'jose'
import { createKeyRing, type KeyRing } from '../../src/adapters/jose/key-ring.ts'
import { createSecretKeys } from '../../src/adapters/jose/hs256-keys.ts'
import { createTokenVerifier } from '../../src/adapters/jose/token-verifier.ts'
import type { TokenVerdict } from '../../src/domain/evaluate.ts'
import { readIdentity, type ClaimRules, type IdentityReading } from '../../src/domain/identity.ts'
import { createHmacSha256 } from '../../src/hmac-sha256.ts'
import type { KeySource, PublicJwk } from '../../src/ports/key-source.ts'
import type { VerificationLimit } from '../../src/application/limit-verification.ts'
import type { TokenVerifier, VerificationCaller } from '../../src/ports/token-verifier.ts'
import { nowMs, nowS, uncheckedRules } from './builders.ts'

/** Claims of a token that holds now (`nowMs` of builders.ts). */
export const goodClaims = {
  sub: 'u1',
  organizationId: 'org-a',
  iat: nowS - 60,
  exp: nowS + 840,
} as const

/** A key pair of an issuer, and the JWK it publishes. */
export interface IssuerKey {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly alg: string
  readonly kid: string
  readonly jwk: JWK & Record<string, unknown>
}

const generators: Readonly<Record<string, () => { privateKey: KeyObject; publicKey: KeyObject }>> =
  {
    EdDSA: () => generateKeyPairSync('ed25519'),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    RSA: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  }

/** Makes a key of an algorithm; `published` changes what the issuer says of it. */
export async function issuerKey(
  alg: string,
  kid: string,
  published: Readonly<Record<string, unknown>> = {},
): Promise<IssuerKey> {
  const generate = generators[alg] ?? generators['RSA']
  if (generate === undefined) throw new Error(`no such algorithm: ${alg}`)
  const { privateKey, publicKey } = generate()
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig', ...published }
  return { privateKey, publicKey, alg, kid, jwk }
}

/** Signs claims; a header member given as undefined is left out. */
export function signedBy(
  key: Pick<IssuerKey, 'privateKey' | 'alg' | 'kid'>,
  claims: unknown = goodClaims,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const payload = typeof claims === 'string' ? claims : JSON.stringify(claims)
  const all: Record<string, unknown> = { alg: key.alg, kid: key.kid, ...header }
  const present = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader(present as { alg: string })
    .sign(key.privateKey)
}

export const base64url = (value: string | Buffer | object): string =>
  (Buffer.isBuffer(value)
    ? value
    : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  ).toString('base64url')

/** A token made by hand, its signature an HMAC with these bytes. */
export function hmacToken(
  secret: string | Buffer,
  {
    claims = goodClaims,
    header = {},
    hash = 'sha256',
  }: { readonly claims?: unknown; readonly header?: object; readonly hash?: string } = {},
): string {
  const payload = typeof claims === 'string' ? claims : JSON.stringify(claims)
  const input = `${base64url({ alg: 'HS256', ...header })}.${base64url(payload)}`
  return `${input}.${base64url(createHmac(hash, secret).update(input).digest())}`
}

/** A source that publishes what it is told, and counts how often it is asked. */
export interface SimulatedSource extends KeySource {
  loads: number
  publish: () => readonly PublicJwk[] | Promise<readonly PublicJwk[]>
}

export function keySource(...keys: readonly PublicJwk[]): SimulatedSource {
  return {
    loads: 0,
    publish: () => keys,
    async load() {
      this.loads += 1
      const published = await this.publish()
      return published
    },
  }
}

/** A key ring on a clock that the test moves. */
export function keyRingOn(source: KeySource): {
  readonly ring: KeyRing
  readonly faults: unknown[]
  readonly pass: (ms: number) => void
} {
  let monotonicMs = 1_000_000
  const faults: unknown[] = []
  const ring = createKeyRing({
    source,
    refreshMs: 3_600_000,
    cooldownMs: 2_000,
    monotonicNow: () => monotonicMs,
    onRefreshFailed: (cause) => faults.push(cause),
  })
  return { ring, faults, pass: (ms) => void (monotonicMs += ms) }
}

/** Nothing has to wait for its verification. */
export const unlimited: Pick<VerificationLimit, 'here' | 'elsewhere' | 'wherever'> = {
  here: (task) => task(),
  elsewhere: (task) => task(),
  wherever: (work) => work.here(),
}

/** A verifier over published keys and secrets; without keys it has no key ring at all. */
export function verifierWith(
  keys: readonly PublicJwk[] | undefined,
  secrets?: readonly string[],
  limit = unlimited,
): TokenVerifier {
  return createTokenVerifier({
    secrets: secrets && createSecretKeys(secrets, createHmacSha256),
    publicKeys: keys && keyRingOn(keySource(...keys)).ring,
    limit,
  })
}

/** A verifier over a key ring alone. */
export const verifierOf = (publicKeys: KeyRing): TokenVerifier =>
  createTokenVerifier({ secrets: undefined, publicKeys, limit: unlimited })

/** A caller who waits until the signal aborts. */
export const callerOf = (signal: AbortSignal): VerificationCaller => ({
  leftMs: () => (signal.aborted ? 0 : Infinity),
  signal: () => signal,
})

/** What a verifier says, whether at once or later. */
export async function verdictUntil(
  verifier: TokenVerifier,
  token: string,
  signal: AbortSignal,
): Promise<TokenVerdict> {
  return verifier.verify(token, callerOf(signal))
}

export const verdictOn = (verifier: TokenVerifier, token: string): Promise<TokenVerdict> =>
  verdictUntil(verifier, token, new AbortController().signal)

/** Step 6 as a whole: the signature, then what the token says. */
export async function readingOf(
  verifier: TokenVerifier,
  token: string,
  rules: ClaimRules = uncheckedRules,
): Promise<IdentityReading> {
  const verdict = await verdictOn(verifier, token)
  if ('why' in verdict) return { refusal: 'invalid_token', why: verdict.why }
  return readIdentity(verdict, rules, nowMs)
}
