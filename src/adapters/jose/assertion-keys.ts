import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'

/** A key pair that signs assertions for one epoch. */
export interface AssertionKey {
  /** Its RFC 7638 thumbprint: told by the public key alone. */
  readonly kid: string
  readonly privateKey: KeyObject
  readonly jwk: Readonly<Record<string, string>>
}

/** RFC 8410 section 7: what stands before the 32 bytes of an Ed25519 private key in PKCS #8. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
const purpose = 'tenantgate: identity assertions, version 1, keys from '

/**
 * The key pair of an epoch, which begins at `startMs`. It follows from the secret alone, so all
 * instances that share the secret sign with the same key and publish the same ones, and none has to
 * store or to fetch any.
 */
export function deriveAssertionKey(secret: string, startMs: number): AssertionKey {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', `${purpose}${startMs}`, 32))
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const { crv = '', kty = '', x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url')
  return { kid, privateKey, jwk: { kty, crv, x, kid, alg: 'EdDSA', use: 'sig' } }
}
