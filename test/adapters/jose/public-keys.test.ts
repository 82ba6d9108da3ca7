import { generateKeyPairSync } from 'node:crypto'
import { exportJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import type { PublicJwk } from '../../../src/ports/key-source.ts'
import {
  base64url,
  goodClaims,
  hmacToken,
  issuerKey,
  readingOf,
  signedBy,
  verdictOn,
  verifierWith,
} from '../../support/tokens.ts'

const algorithms = ['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS512']
const keys = new Map(
  await Promise.all(
    algorithms.map(async (alg) => [alg, await issuerKey(alg, `k-${alg}`)] as const),
  ),
)
const keyOf = (alg: string) => {
  const key = keys.get(alg)
  if (key === undefined) throw new Error(alg)
  return key
}
const ed = keyOf('EdDSA')
const rsa = keyOf('RS256')
const refused = { why: expect.any(String) as string }

describe('a token that a public key verifies holds', () => {
  it.each(algorithms)('with %s', async (alg) => {
    const key = keyOf(alg)
    const published = [...keys.values()].map(({ jwk }) => jwk)
    expect(await verdictOn(verifierWith(published), await signedBy(key))).toEqual({
      header: { alg, kid: key.kid },
      claims: goodClaims,
    })
  })

  it.each(['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256'])(
    'with %s where the key does not name its algorithm',
    async (alg) => {
      const { jwk } = keyOf(alg)
      for (const none of [undefined, null]) {
        const published = { ...jwk, alg: none }
        const verdict = await verdictOn(verifierWith([published]), await signedBy(keyOf(alg)))
        expect(verdict).toHaveProperty('claims')
      }
    },
  )

  it('without a kid, by the one key', async () => {
    const token = await signedBy(ed, goodClaims, { kid: undefined })
    expect(await verdictOn(verifierWith([ed.jwk]), token)).toHaveProperty('claims')
  })

  it('without a kid, by whichever of several keys signed it', async () => {
    const others = [await issuerKey('EdDSA', 'a'), await issuerKey('EdDSA', 'b')]
    const token = await signedBy(ed, goodClaims, { kid: undefined })
    const published = [...others.map(({ jwk }) => jwk), ed.jwk, rsa.jwk]
    expect(await verdictOn(verifierWith(published), token)).toHaveProperty('claims')
  })

  it('by whichever of two keys with one kid signed it', async () => {
    const twin = await issuerKey('EdDSA', ed.kid)
    expect(await verdictOn(verifierWith([twin.jwk, ed.jwk]), await signedBy(ed))).toHaveProperty(
      'claims',
    )
  })
})

describe('a token is refused', () => {
  it.each<[string, () => Promise<string>]>([
    [
      'that another key of the same kid signed',
      async () => signedBy(await issuerKey('EdDSA', ed.kid)),
    ],
    [
      'without a kid that none of the keys signed',
      async () => signedBy(await issuerKey('EdDSA', 'x'), goodClaims, { kid: undefined }),
    ],
    [
      'with the kid of a key of another algorithm',
      () => signedBy(ed, goodClaims, { kid: rsa.kid }),
    ],
    ['as PS256 under a key that is for RS256', () => signedBy({ ...rsa, alg: 'PS256' })],
    ['as RS512 under a key that is for RS256', () => signedBy({ ...rsa, alg: 'RS512' })],
    [
      'without a signature and alg none',
      async () => `${base64url({ alg: 'none', kid: ed.kid })}.${base64url(goodClaims)}.`,
    ],
    [
      'with its own key in jwk',
      async () => {
        const evil = await issuerKey('EdDSA', 'evil')
        return signedBy(evil, goodClaims, { kid: undefined, jwk: evil.jwk })
      },
    ],
    ['with crit, as a whole', () => signedBy(ed, goodClaims, { crit: ['b64'], b64: true })],
    [
      'of the session cookie cache of Better Auth’s jwt plugin, by its typ',
      () =>
        signedBy(
          ed,
          { ...goodClaims, aud: 'better-auth:session-cache' },
          { typ: 'better-auth.session-cache+jwt' },
        ),
    ],
  ])('%s', async (_title, token) => {
    const verifier = verifierWith([ed.jwk, rsa.jwk])
    expect(await readingOf(verifier, await token())).toMatchObject({ refusal: 'invalid_token' })
  })

  it('of the session cookie cache by its audience too', async () => {
    const token = await signedBy(ed, { ...goodClaims, aud: 'better-auth:session-cache' })
    const rules = { issuers: [], audiences: ['http://localhost:3005'] }
    expect(await readingOf(verifierWith([ed.jwk]), token, rules)).toMatchObject({
      refusal: 'invalid_token',
      why: 'aud is not accepted',
    })
  })

  it.each(['7', '[]', 'null', 'no json'])('whose payload is %s', async (payload) => {
    expect(await verdictOn(verifierWith([ed.jwk]), await signedBy(ed, payload))).toEqual(refused)
  })
})

describe('a public key never serves as a secret', () => {
  const asBytes: readonly [string, () => string | Buffer][] = [
    ['PEM', () => rsa.publicKey.export({ type: 'spki', format: 'pem' })],
    [
      'PEM without its last line break',
      () => rsa.publicKey.export({ type: 'spki', format: 'pem' }).trim(),
    ],
    ['PKCS#1 PEM', () => rsa.publicKey.export({ type: 'pkcs1', format: 'pem' })],
    ['DER', () => rsa.publicKey.export({ type: 'spki', format: 'der' })],
    ['JWK', () => JSON.stringify(rsa.jwk)],
    ['modulus', () => Buffer.from(String(rsa.jwk['n']), 'base64url')],
    ['modulus as text', () => String(rsa.jwk['n'])],
    ['kid', () => rsa.kid],
  ]
  it.each(asBytes)('HS256 with its %s is refused', async (_title, bytes) => {
    for (const kid of [rsa.kid, undefined]) {
      const token = hmacToken(bytes(), { header: { kid } })
      expect(await verdictOn(verifierWith([rsa.jwk]), token)).toEqual(refused)
      expect(await verdictOn(verifierWith([rsa.jwk], ['the secret']), token)).toEqual(refused)
    }
  })

  it('nor does a secret ever serve as a public key', async () => {
    const token = await signedBy(ed)
    expect(await verdictOn(verifierWith(undefined, ['the secret']), token)).toEqual(refused)
  })
})

describe('of what an issuer publishes, is left aside', () => {
  const secret = 'published by mistake'
  const oct = (extra: object): PublicJwk => ({
    kty: 'oct',
    k: base64url(secret),
    kid: 'oct',
    ...extra,
  })
  it.each<[string, PublicJwk]>([
    ['a symmetric key', oct({})],
    ['a symmetric key for HS256', oct({ alg: 'HS256' })],
    ['a symmetric key that says EdDSA', oct({ alg: 'EdDSA' })],
  ])('%s', async (_title, jwk) => {
    const verifier = verifierWith([jwk, ed.jwk])
    const token = hmacToken(secret, { header: { kid: 'oct' } })
    expect(await verdictOn(verifier, token)).toEqual(refused)
    expect(await verdictOn(verifier, await signedBy(ed))).toHaveProperty('claims')
  })

  it.each<[string, PublicJwk]>([
    ['a key for encryption', { ...ed.jwk, kid: 'x', use: 'enc' }],
    ['a key of an algorithm that is not its own', { ...ed.jwk, kid: 'x', alg: 'ES256' }],
    ['a key of a symmetric algorithm', { ...rsa.jwk, kid: 'x', alg: 'HS256' }],
    ['a key of alg none', { ...rsa.jwk, kid: 'x', alg: 'none' }],
    ['a key whose alg is a number', { ...ed.jwk, kid: 'x', alg: 5 }],
    ['a key without kty', { ...ed.jwk, kid: 'x', kty: undefined }],
    ['a curve for key agreement', { ...ed.jwk, kid: 'x', crv: 'X25519' }],
    ['a kty that objects inherit', { kty: 'constructor', alg: 'EdDSA', kid: 'x' }],
    ['a kty named __proto__', { kty: '__proto__', alg: 'EdDSA', kid: 'x' }],
  ])('%s', async (_title, jwk) => {
    const verifier = verifierWith([jwk, ed.jwk])
    expect(await verdictOn(verifier, await signedBy(ed))).toHaveProperty('claims')
    expect(await verdictOn(verifier, await signedBy({ ...ed, kid: 'x' }))).toEqual(refused)
  })

  it('the private half of a key, which is of use all the same', async () => {
    const published = { ...(await exportJWK(ed.privateKey)), kid: ed.kid, alg: 'EdDSA' }
    expect(published).toHaveProperty('d')
    expect(await verdictOn(verifierWith([published]), await signedBy(ed))).toHaveProperty('claims')
  })

  it.each<[string, PublicJwk]>([
    ['too short', { kty: 'OKP', crv: 'Ed25519', x: 'AAAA', kid: 'bad' }],
    ['not on its curve', { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'bad' }],
    ['without its point', { kty: 'OKP', crv: 'Ed25519', kid: 'bad' }],
  ])('no other key because of one that is %s', async (_title, bad) => {
    const verifier = verifierWith([bad, ed.jwk])
    expect(await verdictOn(verifier, await signedBy(ed))).toHaveProperty('claims')
    const nameless = await signedBy(ed, goodClaims, { kid: undefined })
    expect(await verdictOn(verifier, nameless)).toHaveProperty('claims')
    const named = signedBy({ ...ed, kid: 'bad' })
    const verdict = await verdictOn(verifier, await named).catch(() => refused)
    expect(verdict).toHaveProperty('why')
  })

  it('an RSA key of 1024 bits', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const jwk = { ...(await exportJWK(weak.publicKey)), kid: 'weak', alg: 'RS256' }
    const { createSign } = await import('node:crypto')
    const input = `${base64url({ alg: 'RS256', kid: 'weak' })}.${base64url(goodClaims)}`
    const signature = createSign('sha256').update(input).sign(weak.privateKey)
    const token = `${input}.${base64url(signature)}`
    expect(await verdictOn(verifierWith([jwk]), token)).toEqual(refused)
  })
})
