import { describe, expect, it, onTestFinished } from 'vitest'
import { createKeyRing } from '../../../src/adapters/jose/key-ring.ts'
import { during, eventually } from '../../support/eventually.ts'
import {
  issuerKey,
  keyRingOn,
  keySource,
  signedBy,
  verdictOn,
  verdictUntil,
  verifierOf,
  type SimulatedSource,
} from '../../support/tokens.ts'

const key = await issuerKey('EdDSA', 'k1')
const next = await issuerKey('EdDSA', 'k2')
const unknown = await issuerKey('EdDSA', 'k3')
const down = (): never => {
  throw new Error('the source is down')
}

function setUp(source: SimulatedSource) {
  const { ring, faults, pass } = keyRingOn(source)
  onTestFinished(ring.close)
  const verifier = verifierOf(ring)
  return { ring, faults, pass, verifier }
}

describe('a key ring', () => {
  it('reads its keys at once, and says how many and when', async () => {
    const source = keySource(key.jwk, next.jwk, { kty: 'oct', k: 'AAAA' })
    const { ring } = setUp(source)
    await eventually(() => ring.state().readAtMs !== null)
    expect(ring.state()).toEqual({ keys: 2, readAtMs: 1_000_000 })
    expect(source.loads).toBe(1)
  })

  it('reads a first time as soon as it can where it could not at the start', async () => {
    const source = keySource(key.jwk)
    const { publish } = source
    source.publish = down
    const { verifier, pass, faults } = setUp(source)
    await expect(verdictOn(verifier, await signedBy(key))).rejects.toMatchObject({
      code: 'KEYS_UNAVAILABLE',
    })
    expect(faults).toHaveLength(1)
    source.publish = publish
    pass(2_000)
    expect(await verdictOn(verifier, await signedBy(key))).toHaveProperty('claims')
  })

  it('reads in its own time, without any token', async () => {
    const source = keySource(key.jwk)
    const ring = createKeyRing({
      source,
      refreshMs: 20,
      cooldownMs: 2_000,
      monotonicNow: () => 0,
      onRefreshFailed: () => undefined,
    })
    await eventually(() => source.loads >= 3)
    ring.close()
    const { loads } = source
    await during(60, () => expect(source.loads).toBe(loads))
  })

  it.each<[string, () => readonly object[]]>([
    ['an empty set', () => []],
    [
      'a set without a usable key',
      () => [
        { kty: 'oct', k: 'AAAA' },
        { kty: 'EC', crv: 'X' },
      ],
    ],
    ['a fault', down],
  ])('keeps the last good keys over %s', async (_title, publish) => {
    const source = keySource(key.jwk)
    const { verifier, pass, ring, faults } = setUp(source)
    await verdictOn(verifier, await signedBy(key))
    source.publish = publish as SimulatedSource['publish']
    pass(2_000)
    await ring.refresh()
    expect(source.loads).toBe(2)
    expect(faults).toHaveLength(1)
    expect(await verdictOn(verifier, await signedBy(key))).toHaveProperty('claims')
  })

  it('does not keep a key that is no longer published', async () => {
    const source = keySource(key.jwk, next.jwk)
    const { verifier, pass, ring } = setUp(source)
    expect(await verdictOn(verifier, await signedBy(key))).toHaveProperty('claims')
    source.publish = () => [next.jwk]
    pass(2_000)
    await ring.refresh()
    expect(await verdictOn(verifier, await signedBy(key))).toHaveProperty('why')
    expect(await verdictOn(verifier, await signedBy(next))).toHaveProperty('claims')
  })
})

describe('tokens that name an unknown key', () => {
  it('cause one read in a cool-down, however many they are', async () => {
    const source = keySource(key.jwk)
    const { verifier, pass } = setUp(source)
    await verdictOn(verifier, await signedBy(key))
    const token = await signedBy(unknown)
    const flood = () => Promise.all(Array.from({ length: 50 }, () => verdictOn(verifier, token)))

    for (const verdict of await flood()) expect(verdict).toHaveProperty('why')
    expect(source.loads).toBe(1) // the first read was less than a cool-down ago
    pass(2_000)
    await flood()
    await flood()
    expect(source.loads).toBe(2)
    pass(1_999)
    await flood()
    expect(source.loads).toBe(2)
    pass(1)
    await flood()
    expect(source.loads).toBe(3)
  })

  it('cause one read in a cool-down also while the source is down', async () => {
    const source = keySource(key.jwk)
    const { verifier, pass } = setUp(source)
    await verdictOn(verifier, await signedBy(key))
    source.publish = down
    pass(2_000)
    for (let count = 0; count < 5; count += 1) {
      expect(await verdictOn(verifier, await signedBy(unknown))).toHaveProperty('why')
    }
    expect(source.loads).toBe(2)
  })

  it('hold once the key is published', async () => {
    const source = keySource(key.jwk)
    const { verifier, pass } = setUp(source)
    await verdictOn(verifier, await signedBy(key))
    source.publish = () => [key.jwk, next.jwk]
    const token = await signedBy(next)
    expect(await verdictOn(verifier, token)).toHaveProperty('why') // within the cool-down
    pass(2_000)
    expect(await verdictOn(verifier, token)).toHaveProperty('claims')
  })

  it('do not make those that name a known one ask', async () => {
    const source = keySource(key.jwk)
    const { verifier, pass } = setUp(source)
    const token = await signedBy(key)
    for (let count = 0; count < 20; count += 1) {
      expect(await verdictOn(verifier, token)).toHaveProperty('claims')
      pass(2_000)
    }
    expect(source.loads).toBe(1)
  })

  it.each(['HS512', 'none', 'ES256K', 'XX'])('of alg %s ask nobody', async (alg) => {
    const source = keySource(key.jwk)
    const { verifier, pass, ring } = setUp(source)
    await ring.refresh()
    pass(2_000)
    const [, payload, signature] = (await signedBy(unknown)).split('.')
    const header = Buffer.from(JSON.stringify({ alg, kid: 'x' })).toString('base64url')
    const token = `${header}.${payload ?? ''}.${signature ?? ''}`
    expect(await verdictOn(verifier, token)).toHaveProperty('why')
    expect(source.loads).toBe(1)
  })
})

describe('a verifier', () => {
  it('rejects where the signal has aborted, whatever the token', async () => {
    const { verifier } = setUp(keySource(key.jwk))
    await expect(
      verdictUntil(verifier, await signedBy(key), AbortSignal.abort()),
    ).rejects.toBeDefined()
    expect(await verdictOn(verifier, await signedBy(key))).toHaveProperty('claims')
  })

  it('rejects as soon as the signal aborts while keys are read', async () => {
    const source = keySource()
    source.publish = () => new Promise(() => undefined)
    const { verifier } = setUp(source)
    const aborter = new AbortController()
    const verdict = verdictUntil(verifier, await signedBy(key), aborter.signal)
    aborter.abort(new Error('the deadline'))
    await expect(verdict).rejects.toBeDefined()
  })
})
