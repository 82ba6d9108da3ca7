import type { TokenVerdict } from '../domain/evaluate.ts'

/** Verifies the signature of a token under the keys that are trusted, and nothing else. */
export interface TokenVerifier {
  /**
   * The token's header and claims if its signature holds under a key whose algorithm is the
   * token's, else why not. Rejects where the keys cannot be told (`KEYS_UNAVAILABLE`) or the
   * signal aborted.
   */
  readonly verify: (token: string, signal: AbortSignal) => Promise<TokenVerdict>
}
