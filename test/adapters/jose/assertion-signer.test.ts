import fc from 'fast-check'
import { calculateJwkThumbprint, createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  createAssertionSigner,
  type RotatingSigner,
} from '../../../src/adapters/jose/assertion-signer.ts'
import { claimsOf, type AssertedIdentity } from '../../../src/domain/assertion.ts'
import { nowMs, nowS } from '../../support/builders.ts'

const secret = 'an assertion secret with more than 32 characters'
const next = 'the next assertion secret, of more than 32 characters'
const day = 86_400_000

const identity: AssertedIdentity = {
  userId: 'u1',
  organizationId: 'org-a',
  organizationRoles: ['staff', 'team “lead”'],
  platformRoles: ['user'],
  audience: 'leave',
}
const signerOf = (secrets: readonly string[] = [secret], rotationMs = day): RotatingSigner =>
  createAssertionSigner({ secrets, rotationMs })
const signAt = (signer: RotatingSigner, ms: number): string =>
  signer.sign(claimsOf(identity, 'decision-1', ms))

/** Verifies as an upstream with jose does, at a time, by a list of keys of (another) time. */
function verify(token: string, by: RotatingSigner, atMs: number, listMs = atMs) {
  const keys = createLocalJWKSet({ keys: [...by.published(listMs).keys] })
  return jwtVerify(token, keys, {
    algorithms: ['EdDSA'],
    typ: 'tenantgate-assertion+jwt',
    issuer: 'tenantgate',
    audience: 'leave',
    currentDate: new Date(atMs),
    clockTolerance: 5,
    requiredClaims: ['sub', 'exp', 'iat'],
  })
}

describe('an assertion', () => {
  it('says who the subject is, to one upstream, for a minute', async () => {
    const signer = signerOf()
    const { payload, protectedHeader } = await verify(signAt(signer, nowMs), signer, nowMs)
    expect(payload).toEqual({
      ...{ iss: 'tenantgate', aud: 'leave', sub: 'u1', org: 'org-a' },
      ...{ org_roles: ['staff', 'team “lead”'], user_roles: ['user'], decision_id: 'decision-1' },
      ...{ iat: nowS, exp: nowS + 60 },
    })
    expect(Object.keys(protectedHeader)).toEqual(['alg', 'typ', 'kid'])
  })

  it.each<[string, number, readonly string[]]>([
    ['after its minute and the leeway', 66_000, [secret]],
    ['under keys of another secret', 0, [next]],
  ])('does not hold %s', async (_name, laterMs, secrets) => {
    const token = signAt(signerOf(), nowMs)
    await expect(verify(token, signerOf(secrets), nowMs + laterMs)).rejects.toThrow()
  })
})

describe('published keys', () => {
  it('are public, named by their thumbprint, one an epoch: the last, this and the next', async () => {
    const { keys, maxAgeS } = signerOf().published(nowMs)
    expect([keys.length, maxAgeS]).toEqual([3, 300])
    for (const key of keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
      expect(key['kid']).toBe(await calculateJwkThumbprint(key))
    }
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(3)
  })

  it('are the same in every instance that shares the secret, and of no other', () => {
    const kids = (secrets: readonly string[]): unknown[] =>
      signerOf(secrets)
        .published(nowMs)
        .keys.map(({ kid }) => kid)
    expect(kids([secret])).toEqual(kids([secret]))
    expect(kids([next])).not.toEqual(expect.arrayContaining([kids([secret])[0]]))
  })

  it('are other ones in the next epoch, where another key signs', () => {
    const signer = signerOf()
    const kidAt = (ms: number): unknown => decodeProtectedHeader(signAt(signer, ms)).kid
    expect(kidAt(nowMs)).not.toBe(kidAt(nowMs + day))
    expect(kidAt(nowMs)).toBe(kidAt(nowMs + 1_000))
  })

  it('change with time, in a process that lives on', () => {
    const signer = signerOf()
    const kidsAt = (ms: number): unknown[] => signer.published(ms).keys.map(({ kid }) => kid)
    const [first, second] = [kidsAt(nowMs), kidsAt(nowMs + day)]
    expect([second[0], second[1]]).toEqual([first[1], first[2]])
    expect(first).not.toContain(second[2])
  })

  /** The longest that a list is kept, and that an assertion is looked at after it was signed. */
  it('verify at any time what any instance signed, also from a list that was kept', async () => {
    const rotations = fc.oneof(
      fc.integer({ min: 1_000, max: 100_000 }),
      fc.integer({ min: 100_000, max: 3 * day }),
    )
    const times = fc.integer({ min: 0, max: 10 * day })
    const shares = fc.double({ min: 0, max: 1, noNaN: true })
    await fc.assert(
      fc.asyncProperty(rotations, times, shares, shares, async (rotationMs, ms, age, life) => {
        const signedMs = nowMs + ms
        const signer = signerOf([secret], rotationMs)
        const lookedMs = signedMs + life * 64_000
        const keptMs = age * signer.published(signedMs).maxAgeS * 1000
        const token = signAt(signerOf([secret], rotationMs), signedMs)
        await verify(token, signer, lookedMs, lookedMs - keptMs)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a secret that is replaced', () => {
  it('signs in no step with a key that instances of the step before do not publish', async () => {
    const steps = [[secret], [secret, next], [next, secret], [next]]
    for (const [index, secrets] of steps.entries()) {
      for (const neighbour of [steps[index - 1], steps[index + 1]]) {
        if (neighbour === undefined) continue
        await verify(signAt(signerOf(secrets), nowMs), signerOf(neighbour), nowMs)
      }
    }
  })
})

it.each<[string, readonly string[], number]>([
  ['no secret', [], day],
  ['an empty secret', [secret, ''], day],
  ['epochs shorter than a second', [secret], 999],
  ['epochs that are no number', [secret], NaN],
])('a signer with %s is refused', (_name, secrets, rotationMs) => {
  expect(() => signerOf(secrets, rotationMs)).toThrow(/need a secret and epochs/)
})
