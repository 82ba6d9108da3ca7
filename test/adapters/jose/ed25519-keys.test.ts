import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  importEd25519Keys,
  isSignedBy,
  isSignedByElsewhere,
} from '../../../src/adapters/jose/ed25519-keys.ts'
import { joseVerdict } from '../../support/jose-verdict.ts'
import { base64url, goodClaims, issuerKey, verdictOn, verifierWith } from '../../support/tokens.ts'

const key = await issuerKey('EdDSA', 'k1')
const input = `${base64url({ alg: 'EdDSA', kid: 'k1' })}.${base64url(goodClaims)}`
const good = sign(null, Buffer.from(input), key.privateKey)

/** The order of the base point: RFC 8032 section 5.1. */
const order = 2n ** 252n + 27742317777372353535851937790883648493n
const littleEndian = (bytes: Buffer): bigint =>
  BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const bytesOf = (value: bigint): Buffer =>
  Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()

/** Points of order 1, 2, 4 and 8, and some that are encoded in more than one way. */
const smallOrder = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((hex) => Buffer.from(hex, 'hex'))

const signatures: readonly (readonly [string, Buffer])[] = [
  [
    'an S that is not reduced',
    Buffer.concat([good.subarray(0, 32), bytesOf(littleEndian(good.subarray(32)) + order)]),
  ],
  ['an S of the order itself', Buffer.concat([good.subarray(0, 32), bytesOf(order)])],
  ['an S with its top bits set', Buffer.concat([good.subarray(0, 63), Buffer.from([0xe0])])],
  ['nothing but zeros', Buffer.alloc(64)],
  ['nothing but ones', Buffer.alloc(64, 0xff)],
  ['a byte less', good.subarray(0, 63)],
  ['a byte more', Buffer.concat([good, Buffer.alloc(1)])],
  ['itself twice', Buffer.concat([good, good])],
  ...smallOrder.map(
    (point, at) =>
      [`a point of small order (${at})`, Buffer.concat([point, Buffer.alloc(32)])] as const,
  ),
]

describe('an Ed25519 signature is refused, by jose too, that has', () => {
  it.each(signatures)('%s', async (_title, signature) => {
    const verifier = verifierWith([key.jwk])
    const token = `${input}.${base64url(signature)}`
    expect(await verdictOn(verifier, `${input}.${base64url(good)}`)).toHaveProperty('claims')
    expect(await verdictOn(verifier, token)).toHaveProperty('why')
    expect(await joseVerdict([key.jwk], [])(token)).toBeUndefined()
  })
})

it('keys of small order are judged as by jose, whatever they would accept', async () => {
  for (const point of smallOrder) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: base64url(point), kid: 'k1', alg: 'EdDSA' }
    const reference = joseVerdict([jwk], [])
    const verifier = verifierWith([jwk])
    for (const [, signature] of signatures) {
      const token = `${input}.${base64url(signature)}`
      const told = await verdictOn(verifier, token)
      expect('claims' in told).toBe((await reference(token)) !== undefined)
    }
  }
})

describe('on another thread', () => {
  const jws = { header: {}, signingInput: input, payload: '', signature: good }

  it('the same is found out', async () => {
    const other = createPublicKey(generateKeyPairSync('ed25519').privateKey)
    expect(await isSignedByElsewhere(jws, [other, key.publicKey])).toBe(true)
    expect(await isSignedByElsewhere(jws, [other])).toBe(false)
    expect(await isSignedByElsewhere(jws, [])).toBe(false)
  })

  it('a fault says nothing of the token', async () => {
    const unfit = generateKeyPairSync('x25519').publicKey
    await expect(isSignedByElsewhere(jws, [unfit])).rejects.toThrow()
    expect(() => isSignedBy(jws, [unfit])).toThrow()
  })
})

it('what cannot be imported keeps no other key out', async () => {
  const broken = { kty: 'OKP', crv: 'Ed25519', x: 'AAAA', kid: 'k1', alg: 'EdDSA' }
  const keys = await importEd25519Keys([broken, key.jwk])
  expect(keys.of({ alg: 'EdDSA', kid: 'k1' })).toHaveLength(1)
})
