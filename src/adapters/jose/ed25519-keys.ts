import { KeyObject, verify } from 'node:crypto'
import type { JWK } from 'jose'
import { importJWK } from 'jose/key/import'
import type { CompactJws } from './compact-jws.ts'

/**
 * Public keys of Ed25519, which Better Auth makes by default. Their tokens are verified without
 * WebCrypto, since its way to another thread and back costs a fifth of the verification.
 */
export interface Ed25519Keys {
  /** The keys that a token of this header may have been signed with; none: jose says why. */
  readonly of: (header: CompactJws['header']) => readonly KeyObject[]
}

/**
 * Whether a header means a key, all of which are bound to an algorithm: that of its `kid`, if it names
 * one (RFC 7517 section 4.5), and of its very `alg`.
 */
export function isMeant(
  { alg, kid }: Pick<JWK, 'alg' | 'kid'>,
  header: CompactJws['header'],
): boolean {
  if (header['alg'] !== alg) return false
  return header['kid'] === undefined || header['kid'] === kid
}

interface Ed25519Key {
  readonly jwk: JWK
  readonly key: KeyObject
}

/** Imports those of a set of usable keys that are of Ed25519; what jose cannot import is left out. */
export async function importEd25519Keys(jwks: readonly JWK[]): Promise<Ed25519Keys> {
  const imports = await Promise.all(jwks.filter(({ crv }) => crv === 'Ed25519').map(importKey))
  const keys = imports.filter((key) => key !== undefined)
  return {
    of: (header) => keys.filter(({ jwk }) => isMeant(jwk, header)).map(({ key }) => key),
  }
}

async function importKey(jwk: JWK): Promise<Ed25519Key | undefined> {
  try {
    const key = await importJWK(jwk)
    return key instanceof Uint8Array ? undefined : { jwk, key: KeyObject.from(key) }
  } catch {
    return undefined
  }
}

/** Whether one of the keys signed it (RFC 8037 section 3.1). */
export function isSignedBy(jws: CompactJws, keys: readonly KeyObject[]): boolean {
  const input = Buffer.from(jws.signingInput, 'latin1')
  return keys.some((key) => verify(null, input, key, jws.signature))
}

/** The same, found out by another thread. Rejects where it cannot be: that says nothing of the token. */
export async function isSignedByElsewhere(
  jws: CompactJws,
  keys: readonly KeyObject[],
): Promise<boolean> {
  const input = Buffer.from(jws.signingInput, 'latin1')
  for (const key of keys) {
    const { promise, reject, resolve } = Promise.withResolvers<boolean>()
    verify(null, input, key, jws.signature, (error, holds) => {
      if (error === null) resolve(holds)
      else reject(error)
    })
    if (await promise) return true
  }
  return false
}
