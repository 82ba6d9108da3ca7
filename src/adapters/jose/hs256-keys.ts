import { timingSafeEqual } from 'node:crypto'
import { AppError } from '../../domain/errors.ts'
import type { CreateAuthenticate } from '../../ports/message-authentication.ts'
import type { CompactJws } from './compact-jws.ts'

/** Verifies with the secrets that are in force; several during a rotation. */
export interface SecretKeys {
  /** Whether one of the secrets signed it as HS256 (RFC 7518 section 3.2). `kid` is ignored. */
  readonly signed: (jws: CompactJws) => boolean
}

/**
 * Takes secrets as Better Auth does: the key is the raw UTF-8 bytes of the text. Computed here and not
 * by WebCrypto, which takes ten times as long to hand so little work to another thread.
 */
export function createSecretKeys(
  secrets: readonly string[],
  createAuthenticate: CreateAuthenticate,
): SecretKeys {
  // Anybody could sign with an empty one, and it is what a forgotten variable looks like.
  if (secrets.includes('')) throw new AppError('CONFIG_INVALID', 'a secret is empty')
  const keys = secrets.map((secret) => createAuthenticate(Buffer.from(secret)))
  return {
    signed: ({ signature, signingInput }) =>
      keys.some((authenticate) => {
        const expected = authenticate(signingInput)
        return expected.length === signature.length && timingSafeEqual(expected, signature)
      }),
  }
}
