import { compactVerify, errors, type CryptoKey } from 'jose'
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

const unsigned: TokenVerdict = { why: 'its signature does not hold' }
const unknownKey: TokenVerdict = { why: 'no key of this kind signed it' }
const algorithms = [...publicKeyAlgorithms]

/**
 * Verifies the signature of compact JWS tokens as jose does. HS256 tokens are tried with the secrets
 * alone, at once, and all others with public keys alone, so no public key can ever serve as a secret.
 */
export function createTokenVerifier(deps: TokenVerifierDeps): TokenVerifier {
  const { limit, publicKeys, secrets } = deps

  return {
    verify(token, caller) {
      if (caller.leftMs() <= 0) throw late()
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
      // Anybody can name a key that does not exist, as often as he likes.
      if (known?.has(jws.header) === false && publicKeys.isFresh()) return unknownKey
      const keys = known?.ed25519.of(jws.header) ?? []
      if (keys.length === 0) return byPublicKeys({ jws, token, keys: publicKeys }, caller)
      const work = {
        here: () => (isSignedBy(jws, keys) ? claimsOf(jws) : unsigned),
        elsewhere: async () => ((await isSignedByElsewhere(jws, keys)) ? claimsOf(jws) : unsigned),
      }
      return limit.wherever(work, caller)
    },
  }

  /** With jose, which picks the key; they are read again where none of them is meant. */
  async function byPublicKeys(
    asked: { readonly jws: CompactJws; readonly token: string; readonly keys: KeyRing },
    caller: VerificationCaller,
  ): Promise<TokenVerdict> {
    const { jws, keys, token } = asked
    const verified = async (): Promise<TokenVerdict> => {
      const known = await keys.current()
      const verify = (by: PublicKeys) =>
        limit.elsewhere(async () => {
          await verifyWith(token, by)
          return claimsOf(jws)
        }, caller)
      try {
        return await verify(known)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        const renewed = await keys.refresh()
        return renewed === known ? unknownKey : await verify(renewed)
      }
    }
    try {
      return await unlessAborted(verified(), caller.signal(), () => {
        throw new AppError('KEYS_UNAVAILABLE', 'the keys did not come in time')
      })
    } catch (error) {
      // What jose says is the token's fault; anything else (no keys, the deadline) is ours.
      if (error instanceof errors.JOSEError || error instanceof TypeError) return unsigned
      throw error
    }
  }
}

const late = (): AppError =>
  new AppError('VERIFICATION_UNAVAILABLE', 'there was no time left to verify a token')

async function verifyWith(token: string, { select }: PublicKeys): Promise<void> {
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
