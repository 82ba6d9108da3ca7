import { createSecretKey } from 'node:crypto'
import { compactVerify, errors, type CompactVerifyResult } from 'jose'

/** Verifies with the secrets that are in force; several during a rotation. */
export interface SecretKeys {
  /** The verified token, or undefined where no secret signed it. `kid` is ignored. */
  readonly verify: (token: string) => Promise<CompactVerifyResult | undefined>
}

/** Takes secrets as Better Auth does: the key is the raw UTF-8 bytes of the text. */
export function createSecretKeys(secrets: readonly string[]): SecretKeys {
  const keys = secrets.map((secret) => createSecretKey(secret, 'utf8'))
  return {
    async verify(token) {
      for (const key of keys) {
        try {
          return await compactVerify(token, key, { algorithms: ['HS256'] })
        } catch (error) {
          // Another secret may have signed it; any other fault is the token's own.
          if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
        }
      }
      return undefined
    },
  }
}
