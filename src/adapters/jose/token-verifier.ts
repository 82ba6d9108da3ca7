import {
  compactVerify,
  decodeProtectedHeader,
  errors,
  type CompactVerifyResult,
  type CryptoKey,
} from 'jose'
import { unlessAborted } from '../../application/unless-aborted.ts'
import { AppError } from '../../domain/errors.ts'
import type { TokenVerdict } from '../../domain/evaluate.ts'
import type { TokenVerifier } from '../../ports/token-verifier.ts'
import type { SecretKeys } from './hs256-keys.ts'
import type { KeyRing, KeySelector } from './key-ring.ts'
import { publicKeyAlgorithms } from './public-keys.ts'

/** The keys that tokens are verified with; at least one kind. */
export interface TokenVerifierDeps {
  readonly secrets: SecretKeys | undefined
  readonly publicKeys: KeyRing | undefined
}

/**
 * Verifies the signature of compact JWS tokens with jose. HS256 tokens are tried with the secrets
 * alone and all others with public keys alone, so no public key can ever serve as a secret.
 */
export function createTokenVerifier({ secrets, publicKeys }: TokenVerifierDeps): TokenVerifier {
  async function verified(token: string): Promise<CompactVerifyResult | undefined> {
    const { alg } = decodeProtectedHeader(token)
    if (alg === 'HS256') return secrets?.verify(token)
    if (publicKeys === undefined || alg === undefined) return undefined
    if (!publicKeyAlgorithms.includes(alg)) return undefined
    const known = await publicKeys.current()
    try {
      return await verifyWith(token, known)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const renewed = await publicKeys.refresh()
      return renewed === known ? undefined : verifyWith(token, renewed)
    }
  }

  return {
    async verify(token, signal) {
      signal.throwIfAborted()
      try {
        const result = await unlessAborted(verified(token), signal, () => {
          throw new AppError('KEYS_UNAVAILABLE', 'the keys did not come in time')
        })
        if (result === undefined) return { why: 'no key of this kind signed it' }
        return readPayload(result)
      } catch (error) {
        // What jose says is the token's fault; anything else (no keys, the deadline) is ours.
        if (error instanceof errors.JOSEError || error instanceof TypeError) {
          return { why: 'its signature does not hold' }
        }
        throw error
      }
    },
  }
}

async function verifyWith(token: string, keys: KeySelector): Promise<CompactVerifyResult> {
  const algorithms = [...publicKeyAlgorithms]
  try {
    return await compactVerify(token, keys, { algorithms })
  } catch (error) {
    // Without a kid several keys can match: each is tried, as RFC 7515 appendix D suggests.
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error as unknown as AsyncIterable<CryptoKey>) {
      try {
        return await compactVerify(token, key, { algorithms })
      } catch (cause) {
        if (!(cause instanceof errors.JWSSignatureVerificationFailed)) throw cause
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

function readPayload({ payload, protectedHeader }: CompactVerifyResult): TokenVerdict {
  let claims: unknown
  try {
    claims = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    return { why: 'its payload is no JSON' } // signed by the issuer all the same: no token of ours
  }
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
    return { why: 'its payload is no JSON object' }
  }
  return { header: { ...protectedHeader }, claims: claims as Record<string, unknown> }
}
