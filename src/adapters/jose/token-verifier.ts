// By its parts: all of jose takes 15 ms of the start.
import type { CryptoKey } from 'jose'
import * as errors from 'jose/errors'
import { compactVerify } from 'jose/jws/compact/verify'
import type { VerificationLimit } from '../../application/limit-verification.ts'
import { unlessAborted } from '../../application/unless-aborted.ts'
import { AppError } from '../../domain/errors.ts'
import type { TokenVerdict } from '../../domain/evaluate.ts'
import type { TokenVerifier, VerificationCaller } from '../../ports/token-verifier.ts'
import { claimsOf, readCompactJws, type CompactJws } from './compact-jws.ts'
import { isSignedBy, isSignedByElsewhere } from './ed25519-keys.ts'
import type { SecretKeys } from './hs256-keys.ts'
import type { KeyRing, PublicKeys } from './key-ring.ts'
import { publicKeyAlgorithms } from './public-keys.ts'

/** The keys that tokens are verified with; at least one kind. */
export interface TokenVerifierDeps {
  readonly secrets: SecretKeys | undefined
  readonly publicKeys: KeyRing | undefined
  readonly limit: Pick<VerificationLimit, 'here' | 'elsewhere' | 'wherever'>
}

/** A token, whole and taken apart. */
interface Presented {
  readonly token: string
  readonly jws: CompactJws
}

/** Tokens that may wait for keys to be read: their source may take seconds, or be out of reach. */
const maxAwaitingKeys = 2_000

const unsigned: TokenVerdict = { why: 'its signature does not hold' }
const unknownKey: TokenVerdict = { why: 'no key of this kind signed it' }
const algorithms = [...publicKeyAlgorithms]

/**
 * Verifies the signature of compact JWS tokens as jose does. HS256 tokens are tried with the secrets
 * alone, at once, and all others with public keys alone, so no public key can ever serve as a secret.
 */
export function createTokenVerifier(deps: TokenVerifierDeps): TokenVerifier {
  const { limit, publicKeys, secrets } = deps
  let awaitingKeys = 0

  return {
    verify(token, caller) {
      if (caller.leftMs() <= 0) throw fault('there was no time left to verify a token')
      const jws = readCompactJws(token)
      if (jws === undefined) return unsigned
      const { alg } = jws.header
      if (alg === 'HS256') {
        if (secrets === undefined) return unknownKey
        return limit.here(() => (secrets.signed(jws) ? claimsOf(jws) : unknownKey), caller)
      }
      if (publicKeys === undefined || typeof alg !== 'string') return unknownKey
      if (!publicKeyAlgorithms.includes(alg)) return unknownKey
      const known = publicKeys.known()
      if (known?.has(jws.header) === true) return byKeys({ token, jws }, known, caller)
      // Anybody can name a key that does not exist, as often as he likes.
      if (known !== undefined && publicKeys.isFresh()) return unknownKey
      return byKeysToCome({ token, jws }, publicKeys, caller)
    },
  }

  function byKeys(
    presented: Presented,
    keys: PublicKeys,
    caller: VerificationCaller,
  ): TokenVerdict | Promise<TokenVerdict> {
    const { jws, token } = presented
    const signers = keys.ed25519.of(jws.header)
    if (signers.length === 0) {
      return limit.elsewhere(
        async () => ((await holdsByJose(token, keys)) ? claimsOf(jws) : unsigned),
        caller,
      )
    }
    const work = {
      here: () => (isSignedBy(jws, signers) ? claimsOf(jws) : unsigned),
      elsewhere: async () => ((await isSignedByElsewhere(jws, signers)) ? claimsOf(jws) : unsigned),
    }
    return limit.wherever(work, caller)
  }

  /** The keys are read because none of them is meant, or none were read yet. */
  async function byKeysToCome(
    presented: Presented,
    ring: KeyRing,
    caller: VerificationCaller,
  ): Promise<TokenVerdict> {
    if (awaitingKeys >= maxAwaitingKeys) throw fault('too many tokens wait for keys to be read')
    awaitingKeys += 1
    let keys: PublicKeys
    try {
      keys = await unlessAborted(ring.refresh(), caller.signal(), () => {
        throw new AppError('KEYS_UNAVAILABLE', 'the keys did not come in time')
      })
    } finally {
      awaitingKeys -= 1
    }
    return keys.has(presented.jws.header) ? byKeys(presented, keys, caller) : unknownKey
  }
}

const fault = (message: string): AppError => new AppError('VERIFICATION_UNAVAILABLE', message)

/** Whether a token holds by jose, which also picks the key. */
async function holdsByJose(token: string, { select }: PublicKeys): Promise<boolean> {
  try {
    await verifyWith(token, select)
    return true
  } catch (error) {
    // What jose says is the token's fault, or its key's; anything else is ours.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return false
    throw error
  }
}

async function verifyWith(token: string, select: PublicKeys['select']): Promise<void> {
  try {
    await compactVerify(token, select, { algorithms })
  } catch (error) {
    // Without a kid several keys can match: each is tried, as RFC 7515 appendix D suggests.
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error as unknown as AsyncIterable<CryptoKey>) {
      try {
        await compactVerify(token, key, { algorithms })
        return
      } catch (cause) {
        if (!(cause instanceof errors.JWSSignatureVerificationFailed)) throw cause
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}
