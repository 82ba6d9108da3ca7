import { AppError } from '../../domain/errors.ts'
import type { KeySource, PublicJwk } from '../../ports/key-source.ts'
import type { Database } from './pool.ts'
import type { SchemaReader } from './schema.ts'

interface KeyRow {
  readonly id: string
  readonly public_key: string
  readonly alg: string | null
}

const unexpired = `k.expires_at IS NULL OR k.expires_at > statement_timestamp() - interval '30 days'`

/**
 * Reads Better Auth's public keys from its `jwks` table (`jwkss` by drizzle's plural). Expired
 * keys are kept for Better Auth's own grace period (`gracePeriod`, 30 days by default).
 */
export function createJwksTable(deps: {
  readonly database: Database
  readonly schema: SchemaReader
}): KeySource {
  return {
    load: () =>
      deps.schema.use(async ({ keyTable, keysExpire, keysHaveAlgorithm }) => {
        if (keyTable === undefined) {
          deps.schema.missed()
          throw new AppError('KEYS_UNAVAILABLE', "PostgreSQL: Better Auth's jwks table is missing")
        }
        const rows = await deps.database.query<KeyRow>({
          // A name stands for one text on a connection.
          name: `tenantgate_${keyTable}_${Number(keysHaveAlgorithm)}${Number(keysExpire)}`,
          text: `SELECT k.id::text AS id, k.public_key, ${keysHaveAlgorithm ? 'k.alg::text' : 'NULL'} AS alg
            FROM ${keyTable} k WHERE ${keysExpire ? unexpired : 'true'}`,
        })
        return rows.flatMap(toJwk)
      }),
  }
}

function toJwk({ id, public_key, alg }: KeyRow): readonly PublicJwk[] {
  let jwk: unknown
  try {
    jwk = JSON.parse(public_key)
  } catch {
    return [] // one unreadable row must not hide the other keys
  }
  if (typeof jwk !== 'object' || jwk === null) return []
  return [{ ...jwk, ...(alg !== null && { alg }), kid: id }]
}
