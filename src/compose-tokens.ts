import { availableParallelism } from 'node:os'
import { createSecretKeys } from './adapters/jose/hs256-keys.ts'
import { createJwksUrl } from './adapters/jose/jwks-url.ts'
import { createKeyRing, type KeyRing } from './adapters/jose/key-ring.ts'
import { createTokenVerifier } from './adapters/jose/token-verifier.ts'
import { createJwksTable } from './adapters/postgres/jwks-table.ts'
import type { Database } from './adapters/postgres/pool.ts'
import type { SchemaReader } from './adapters/postgres/schema.ts'
import { createVerificationLimit } from './application/limit-verification.ts'
import type { Config } from './config.ts'
import { createHmacSha256 } from './hmac-sha256.ts'
import type { TokenVerifier } from './ports/token-verifier.ts'

/** Time that verification may take of a turn of the event loop, in ms: known subjects wait for it. */
const verificationTurnMs = 2
/** Share of the deadline after which those that wait are no longer verified in their order. */
const patienceShare = 0.5

const keyRefreshMs = 300_000
const keyCooldownMs = 2_000

/** What verification of tokens is put together from. */
export interface TokensComposition {
  readonly config: Pick<Config, 'deadlineMs' | 'jwks' | 'secrets' | 'workers'>
  readonly database: Database
  readonly schema: SchemaReader
  readonly monotonicNow: () => number
  readonly onFault: (kind: string) => (cause: unknown) => void
  /** The public keys are others than before. */
  readonly onChanged: () => void
  readonly closers: (() => void | Promise<void>)[]
}

/** Verifies tokens by the secrets and the public keys that are configured. */
export function composeTokens(composition: TokensComposition): TokenVerifier {
  const { deadlineMs, secrets, workers } = composition.config
  const limit = createVerificationLimit({
    // Of a container's share of the cores too, where it has a limit.
    spareCores: Math.floor(availableParallelism() / workers) - 1,
    patienceMs: deadlineMs * patienceShare,
    turnMs: verificationTurnMs,
    afterTurn: setImmediate,
    monotonicNow: composition.monotonicNow,
  })
  return createTokenVerifier({
    secrets: secrets.length === 0 ? undefined : createSecretKeys(secrets, createHmacSha256),
    publicKeys: createPublicKeys(composition),
    limit,
  })
}

function createPublicKeys(composition: TokensComposition): KeyRing | undefined {
  const { closers, config, database, monotonicNow, onChanged, onFault, schema } = composition
  if (config.jwks === undefined) return undefined
  const keyRing = createKeyRing({
    source:
      config.jwks === 'postgres'
        ? createJwksTable({ database, schema })
        : createJwksUrl(config.jwks),
    refreshMs: keyRefreshMs,
    cooldownMs: keyCooldownMs,
    monotonicNow,
    onRefreshFailed: onFault('jwks'),
    onChanged,
  })
  closers.push(keyRing.close)
  return keyRing
}
