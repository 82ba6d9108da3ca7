import {
  compactVerify,
  createLocalJWKSet,
  decodeProtectedHeader,
  errors,
  type CompactVerifyResult,
  type CryptoKey,
} from 'jose'
import { publicKeyAlgorithms, usableKeys } from '../../src/adapters/jose/public-keys.ts'
import type { TokenVerdict } from '../../src/domain/evaluate.ts'
import type { PublicJwk } from '../../src/ports/key-source.ts'

/** What jose alone says of tokens, asked in the plainest way: what the quicker one is held to. */
export function joseVerdict(
  published: readonly PublicJwk[],
  secrets: readonly string[],
): (token: string) => Promise<TokenVerdict | undefined> {
  const keys = createLocalJWKSet({ keys: [...usableKeys(published)] })
  const bytes = secrets.map((secret) => new TextEncoder().encode(secret))
  const algorithms = [...publicKeyAlgorithms]

  async function bySecret(token: string): Promise<CompactVerifyResult> {
    for (const key of bytes) {
      try {
        return await compactVerify(token, key, { algorithms: ['HS256'] })
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }

  async function byKey(token: string): Promise<CompactVerifyResult> {
    try {
      return await compactVerify(token, keys, { algorithms })
    } catch (error) {
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

  return async (token) => {
    try {
      const isSecret = decodeProtectedHeader(token).alg === 'HS256'
      const result = await (isSecret ? bySecret(token) : byKey(token))
      const text = new TextDecoder('utf-8', { fatal: true }).decode(result.payload)
      const claims = JSON.parse(text) as unknown
      if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined
      return { header: { ...result.protectedHeader }, claims: { ...claims } }
    } catch (error) {
      const isTokens =
        error instanceof errors.JOSEError ||
        error instanceof TypeError ||
        error instanceof SyntaxError
      if (!isTokens) throw error
      return undefined
    }
  }
}
