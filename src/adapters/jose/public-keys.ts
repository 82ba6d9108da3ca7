import type { JWK } from 'jose'
import type { PublicJwk } from '../../ports/key-source.ts'

/**
 * The algorithm each kind of key is bound to (RFC 8725 section 3.1): that of its own `alg`, else
 * the one its curve is made for. A token's header never chooses. Symmetric keys are not public.
 */
const algorithms: ReadonlyMap<string, readonly string[]> = new Map([
  ['OKP Ed25519', ['EdDSA', 'Ed25519']],
  ['EC P-256', ['ES256']],
  ['EC P-384', ['ES384']],
  ['EC P-521', ['ES512']],
  ['RSA', ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
])

/** Every algorithm that some public key can be bound to. */
export const publicKeyAlgorithms: readonly string[] = [...algorithms.values()].flat()

const publicMembers = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid'] as const

/** The usable signature keys of a key set, each bound to its algorithm, without private members. */
export function usableKeys(published: readonly PublicJwk[]): readonly JWK[] {
  return published.flatMap((key) => {
    const { kty, crv, alg, use } = key
    if (typeof kty !== 'string' || (use !== undefined && use !== null && use !== 'sig')) return []
    const possible = algorithms.get(typeof crv === 'string' ? `${kty} ${crv}` : kty)
    const bound = alg ?? possible?.[0]
    if (typeof bound !== 'string' || possible?.includes(bound) !== true) return []
    const jwk: JWK & Record<string, string> = { alg: bound, kty }
    for (const member of publicMembers) {
      const value = key[member]
      if (typeof value === 'string') jwk[member] = value
    }
    return [jwk]
  })
}
