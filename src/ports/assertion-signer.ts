import type { AssertionClaims } from '../domain/assertion.ts'
import type { PublicJwk } from './key-source.ts'

/** Signs identity assertions. */
export interface AssertionSigner {
  /** The signed assertion, at once: a check waits for it. Throws where it cannot be signed. */
  readonly sign: (claims: AssertionClaims) => string
}

/** What verifies assertions. */
export interface PublishedKeys {
  /** Those in force, those that were lately, and the next. */
  readonly keys: readonly PublicJwk[]
  /** How long this list may be kept, in seconds: no key signs before all kept lists have it. */
  readonly maxAgeS: number
}
