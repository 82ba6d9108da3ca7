import { createHmac } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSecretKeys } from '../../../src/adapters/jose/hs256-keys.ts'
import type { PublicKeys } from '../../../src/adapters/jose/key-ring.ts'
import { createTokenVerifier } from '../../../src/adapters/jose/token-verifier.ts'
import { eventually } from '../../support/eventually.ts'
import {
  base64url,
  callerOf,
  goodClaims,
  hmacToken,
  issuerKey,
  keyRingOn,
  keySource,
  signedBy,
  unlimited,
  verdictOn,
  verifierOf,
} from '../../support/tokens.ts'
import { createHmacSha256 } from '../../../src/hmac-sha256.ts'
import type { TokenVerdict } from '../../../src/domain/evaluate.ts'

const secret = 'a-secret-that-is-in-force-and-long-enough'
const ed = await issuerKey('EdDSA', 'k1')
const es = await issuerKey('ES256', 'k2')
const stranger = await issuerKey('EdDSA', 'unknown')
const caller = callerOf(new AbortController().signal)

/** A verifier of an issuer's keys and a secret, and which way verification took. */
async function setUp(published = [ed.jwk, es.jwk]) {
  const source = keySource(...published)
  const { pass, ring } = keyRingOn(source)
  onTestFinished(ring.close)
  const ways: string[] = []
  const verifier = createTokenVerifier({
    secrets: createSecretKeys([secret], createHmacSha256),
    publicKeys: ring,
    limit: {
      here: (task, by) => (ways.push('here'), unlimited.here(task, by)),
      elsewhere: (task, by) => (ways.push('elsewhere'), unlimited.elsewhere(task, by)),
      wherever: (work, by) => (ways.push('wherever'), unlimited.wherever(work, by)),
    },
  })
  await eventually(() => ring.known() !== undefined)
  const tell = (token: string): TokenVerdict | Promise<TokenVerdict> =>
    verifier.verify(token, caller)
  return { pass, ring, source, tell, verifier, ways }
}

describe('a token is judged at once, and within the limit,', () => {
  it('that a secret signed, or seems to have', async () => {
    const { tell, ways } = await setUp()
    expect(tell(hmacToken(secret))).toMatchObject({ claims: goodClaims })
    expect(tell(hmacToken('another'))).toEqual({ why: expect.any(String) as string })
    expect(ways).toEqual(['here', 'here'])
  })

  it('that an Ed25519 key signed, or seems to have', async () => {
    const { tell, ways } = await setUp()
    expect(tell(await signedBy(ed))).toMatchObject({ claims: goodClaims })
    expect(tell(await signedBy({ ...stranger, kid: ed.kid }))).toHaveProperty('why')
    expect(ways).toEqual(['wherever', 'wherever'])
  })

  it('of other algorithms by other threads', async () => {
    const { tell, ways } = await setUp()
    const told = tell(await signedBy(es))
    expect(told).toBeInstanceOf(Promise)
    expect(await told).toMatchObject({ claims: goodClaims })
    expect(ways).toEqual(['elsewhere'])
  })

  it('and after tokens of other headers', async () => {
    const { tell } = await setUp()
    const tokens = [
      hmacToken(secret),
      hmacToken(secret, { header: { kid: 'x' } }),
      await signedBy(ed),
      await signedBy(ed, goodClaims, { kid: undefined }),
    ]
    for (const at of [0, 1, 2, 3, 0, 2, 1, 3, 0]) {
      const token = tokens[at] ?? ''
      const [head = ''] = token.split('.')
      const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as object
      expect(await tell(token)).toEqual({ header, claims: goodClaims })
      expect(await tell(token.replace(/.{6}$/, 'AAAAAA'))).toHaveProperty('why')
    }
  })
})

it('a header is not taken for the one before it that it begins with', async () => {
  const { tell } = await setUp()
  expect(tell(hmacToken(secret))).toHaveProperty('claims')
  const [, payload = ''] = hmacToken(secret).split('.')
  const input = `${base64url('{"alg":"HS256"}{"crit":["exp"]}')}.${payload}`
  expect(input.startsWith(base64url('{"alg":"HS256"}'))).toBe(true)
  const signature = createHmac('sha256', secret).update(input).digest()
  expect(tell(`${input}.${base64url(signature)}`)).toHaveProperty('why')
})

it('a fault in verifying says nothing of the token', async () => {
  const { ring } = await setUp()
  const broken = {
    has: () => true,
    ed25519: { of: () => [] },
    select: () => Promise.reject(new Error('a bug')),
  } as unknown as PublicKeys
  const verifier = verifierOf({ ...ring, known: () => broken })
  await expect(verdictOn(verifier, await signedBy(ed))).rejects.toThrow('a bug')
})

describe('a token costs no verification', () => {
  it.each<[string, () => string | Promise<string>]>([
    ['that names a key nobody published', () => signedBy(stranger)],
    ['that names a key of another algorithm', () => signedBy({ ...ed, kid: es.kid })],
    [
      'that names it by another name of its algorithm',
      () => signedBy(ed, goodClaims, { alg: 'Ed25519' }),
    ],
    ['that names its key by a number', () => signedBy(ed, goodClaims, { kid: 7 })],
    ['that is none', () => 'a.b.c'],
  ])('%s', async (_title, make) => {
    const { source, tell, ways } = await setUp()
    expect(tell(await make())).toEqual({ why: expect.any(String) as string })
    expect(ways).toEqual([])
    expect(source.loads).toBe(1)
  })

  it('whose key is not there after the keys were read again for it', async () => {
    const { pass, source, tell, ways } = await setUp()
    pass(2_000)
    expect(await tell(await signedBy(stranger))).toHaveProperty('why')
    expect(source.loads).toBe(2)
    expect(ways).toEqual([])
  })

  it('whose caller has no time left, which says nothing of it', async () => {
    const { verifier, ways } = await setUp()
    for (const token of [
      hmacToken(secret),
      await signedBy(ed),
      await signedBy(stranger),
      'a.b.c',
    ]) {
      expect(() => verifier.verify(token, callerOf(AbortSignal.abort()))).toThrow(
        expect.objectContaining({ code: 'VERIFICATION_UNAVAILABLE' }),
      )
    }
    expect(ways).toEqual([])
  })
})

describe('while keys are read', () => {
  it('only so many tokens wait, and those whose key is known do not', async () => {
    const { pass, source, tell, verifier } = await setUp()
    const published = Promise.withResolvers<readonly (typeof ed.jwk)[]>()
    source.publish = () => published.promise
    pass(2_000)
    const token = await signedBy(stranger)
    const waiting = Array.from({ length: 2_000 }, () => tell(token))
    await expect(verdictOn(verifier, token)).rejects.toMatchObject({
      code: 'VERIFICATION_UNAVAILABLE',
    })
    expect(tell(await signedBy(ed))).toMatchObject({ claims: goodClaims })
    expect(tell(hmacToken(secret))).toMatchObject({ claims: goodClaims })

    published.resolve([ed.jwk, stranger.jwk])
    for (const told of await Promise.all(waiting.map(async (one) => one)))
      expect(told).toHaveProperty('claims')
    expect(source.loads).toBe(2)
    expect(tell(token)).toMatchObject({ claims: goodClaims })
  })

  it('who gives up makes room', async () => {
    const { pass, source, tell, verifier } = await setUp()
    source.publish = () => new Promise(() => undefined)
    pass(2_000)
    const aborter = new AbortController()
    const token = await signedBy(stranger)
    const given = Array.from({ length: 2_000 }, async () =>
      verifier.verify(token, callerOf(aborter.signal)),
    )
    const settled = Promise.allSettled(given)
    aborter.abort()
    for (const one of await settled) {
      expect(one).toMatchObject({ reason: { code: 'KEYS_UNAVAILABLE' } })
    }
    const told = Promise.race([tell(token), Promise.resolve('waits')])
    expect(await told).toBe('waits')
  })
})

it('an empty secret is none: anybody could sign with it', () => {
  expect(() => createSecretKeys([secret, ''], createHmacSha256)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})
