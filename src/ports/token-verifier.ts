import type { TokenVerdict } from '../domain/evaluate.ts'
import type { EndSignal } from './end-signal.ts'

/** Verifies the signature of a token under the keys that are trusted, and nothing else. */
export interface TokenVerifier {
  /**
   * The token's header and claims if its signature holds under a key whose algorithm is the
   * token's, else why not: at once where that takes no more than microseconds. Throws or rejects
   * where nothing is found out: the keys cannot be told (`KEYS_UNAVAILABLE`), or there is no time for
   * it (`VERIFICATION_UNAVAILABLE`).
   */
  readonly verify: (
    token: string,
    caller: VerificationCaller,
  ) => TokenVerdict | Promise<TokenVerdict>
}

/** Who has a token verified, and for how long that is of use. A check's deadline is one. */
export interface VerificationCaller {
  /** Time until it is too late, in ms; 0: it is; Infinity: nobody knows. */
  readonly leftMs: () => number
  /** Aborts when the caller gives up; asked for only where it has to wait. */
  readonly signal: () => EndSignal
}
