import { sign } from 'node:crypto'
import { assertionLifetimeS, assertionType, type AssertionClaims } from '../../domain/assertion.ts'
import { AppError } from '../../domain/errors.ts'
import type { AssertionSigner, PublishedKeys } from '../../ports/assertion-signer.ts'
import { deriveAssertionKey, type AssertionKey } from './assertion-keys.ts'

/** Signs with keys that change with time, and publishes them. */
export interface RotatingSigner extends AssertionSigner {
  /** All keys that an upstream may need at a time, in ms. */
  readonly published: (nowMs: number) => PublishedKeys
}

/** What the keys follow from. */
export interface AssertionSignerOptions {
  /** The first one signs; the keys of all are published. */
  readonly secrets: readonly string[]
  /** How long a key signs, in ms. */
  readonly rotationMs: number
}

/** Longest that a list of keys may be kept, in seconds. */
const maxKeptS = 300
/** How long after its epoch a key may still be needed: an assertion's life, and clocks apart. */
const afterwardsMs = (assertionLifetimeS + 10) * 1000

/**
 * Makes the signer. Time is cut into epochs of `rotationMs`, and each has a key of its own. The keys
 * of the last, the present and the next epoch are published, so that an upstream that keeps the list
 * for half an epoch knows every key before it signs.
 */
export function createAssertionSigner({
  rotationMs,
  secrets,
}: AssertionSignerOptions): RotatingSigner {
  const [first] = secrets
  if (first === undefined || secrets.includes('') || !(rotationMs >= 1_000)) {
    throw new AppError('CONFIG_INVALID', 'assertions need a secret and epochs of 1s or more')
  }
  const epochOf = (ms: number): number => Math.floor(ms / rotationMs)
  const backMs = Math.max(rotationMs, afterwardsMs)
  let signing: { readonly epoch: number; readonly key: SigningKey } | undefined
  let listed:
    { readonly from: number; readonly to: number; readonly keys: PublishedKeys } | undefined

  function keyAt(ms: number): SigningKey {
    const epoch = epochOf(ms)
    if (signing?.epoch !== epoch) {
      signing = { epoch, key: signingKey(deriveAssertionKey(first ?? '', epoch * rotationMs)) }
    }
    return signing.key
  }

  return {
    sign(claims) {
      const { head, privateKey } = keyAt(claims.iat * 1000)
      const text = `${head}.${encode(claims)}`
      return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`
    },
    published(nowMs) {
      const from = epochOf(nowMs - backMs)
      const to = epochOf(nowMs) + 1
      if (listed?.from === from && listed.to === to) return listed.keys
      const epochs = Array.from({ length: to - from + 1 }, (_, index) => from + index)
      const keys = secrets.flatMap((secret) =>
        epochs.map((epoch) => deriveAssertionKey(secret, epoch * rotationMs).jwk),
      )
      const maxAgeS = Math.min(maxKeptS, Math.floor(rotationMs / 2_000))
      listed = { from, to, keys: { keys, maxAgeS } }
      return listed.keys
    },
  }
}

interface SigningKey extends Pick<AssertionKey, 'privateKey'> {
  /** The encoded header of all that it signs. */
  readonly head: string
}

function signingKey({ kid, privateKey }: AssertionKey): SigningKey {
  return { privateKey, head: encode({ alg: 'EdDSA', typ: assertionType, kid }) }
}

function encode(value: AssertionClaims | Readonly<Record<string, string>>): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
