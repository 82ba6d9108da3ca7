import { createHmac, sign, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import type { Work } from '../../../src/application/limit-verification.ts'
import { joseVerdict } from '../../support/jose-verdict.ts'
import {
  base64url,
  goodClaims,
  issuerKey,
  unlimited,
  verdictOn,
  verifierWith,
} from '../../support/tokens.ts'

const secrets = ['a-secret-that-is-in-force-and-long-enough', 'older-secret-gehöim-日本']
const ed = await issuerKey('EdDSA', 'ed')
const twin = await issuerKey('EdDSA', 'ed')
const named = await issuerKey('EdDSA', 'named', { alg: 'Ed25519' })
const nameless = await issuerKey('EdDSA', 'x', { kid: undefined, alg: null })
const foreign = await issuerKey('EdDSA', 'ed')
const es = await issuerKey('ES256', 'es')
const broken = { kty: 'OKP', crv: 'Ed25519', x: 'AAAA', kid: 'broken', alg: 'EdDSA' }
const published = [ed, twin, named, nameless, es].map(({ jwk }) => jwk)
const sets = {
  'of one key': [ed.jwk],
  'of many': published,
  'of many, one of them broken': [broken, ...published],
}

/** By whom a token is signed, whatever its header says. */
type Signer = (input: Buffer) => Buffer
const hmac =
  (secret: string, hash = 'sha256'): Signer =>
  (input) =>
    createHmac(hash, secret).update(input).digest()
const edBy =
  (key: KeyObject): Signer =>
  (input) =>
    sign(null, input, key)
const signers: readonly Signer[] = [
  ...secrets.map((secret) => hmac(secret)),
  hmac('a-secret-of-somebody-else'),
  hmac(secrets[0] ?? '', 'sha512'),
  ...[ed, twin, named, nameless, foreign].map(({ privateKey }) => edBy(privateKey)),
  (input) => sign('sha256', input, { key: es.privateKey, dsaEncoding: 'ieee-p1363' }),
  hmac(ed.publicKey.export({ type: 'spki', format: 'pem' })),
  () => Buffer.alloc(0),
  () => Buffer.alloc(32),
  () => Buffer.alloc(64),
]

const header = fc
  .record(
    {
      alg: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom('HS256', 'EdDSA') },
        fc.constantFrom('Ed25519', 'ES256', 'HS512', 'hs256', 'none', 'PS256', '', 'constructor'),
        fc.constantFrom(null, 7, ['HS256']),
      ),
      kid: fc.constantFrom('ed', 'named', 'x', 'es', 'broken', 'unknown', null, 7, ''),
      typ: fc.constantFrom('JWT', 'at+jwt', null),
      crit: fc.constantFrom(['exp'], ['b64'], [], 'b64', null),
      b64: fc.boolean(),
      jwk: fc.constant(foreign.jwk),
    },
    { requiredKeys: ['alg'] },
  )
  .map((members) => JSON.stringify(members))
const headerText = fc.oneof(
  { weight: 12, arbitrary: header },
  fc.constantFrom(
    '{"alg":"none","alg":"HS256"}',
    '{"alg":"HS256","alg":"none"}',
    '{"__proto__":{"alg":"HS256"}}',
    '{"alg":"EdDSA","__proto__":{"kid":"ed"}}',
    '\ufeff{"alg":"HS256"}',
    ' {"alg":"HS256"} ',
    '[{"alg":"HS256"}]',
    '{"alg":"HS256"',
    '"HS256"',
    'null',
    '',
  ),
)
const payloadText = fc.oneof(
  { weight: 8, arbitrary: fc.constant(JSON.stringify(goodClaims)) },
  fc.json(),
  fc.constantFrom('{"sub":"a","sub":"b"}', '{"__proto__":{"sub":"a"}}', '\ufeff{}', ' {}', '{}\n'),
  fc.constantFrom('', '[]', 'null', '7', '{', '{"sub":"\ud800"}'),
)

/** Headers that fit their signer are what can come to a signature that holds. */
const fitting: readonly (readonly [string, number])[] = [
  ...[0, 1].map((signer) => ['{"alg":"HS256"}', signer] as const),
  ['{"alg":"EdDSA","kid":"ed"}', 4],
  ['{"alg":"EdDSA","kid":"ed"}', 5],
  ['{"alg":"Ed25519","kid":"named"}', 6],
  ['{"alg":"EdDSA"}', 7],
  ['{"alg":"ES256","kid":"es"}', 9],
]
const signed = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(...fitting) },
      fc.tuple(headerText, fc.nat(signers.length - 1)),
    ),
    payloadText,
  )
  .map(([[head, signer], payload]) => {
    const input = `${base64url(head)}.${base64url(payload)}`
    const signature = signers[signer]?.(Buffer.from(input)) ?? Buffer.alloc(0)
    return `${input}.${base64url(signature)}`
  })

/** What an attacker may make of a token; most of it leaves it as it is. */
const letter = fc.constantFrom(...'AZaz09-_+/=. \n\t\u0000\u0141\u016f\u00e9'.split(''))
const change = fc.oneof(
  { weight: 4, arbitrary: fc.constant((token: string) => token) },
  fc.tuple(fc.nat(), letter).map(([at, by]) => (token: string) => {
    const place = at % token.length
    return token.slice(0, place) + by + token.slice(place + 1)
  }),
  fc.tuple(fc.nat(), letter).map(([at, by]) => (token: string) => {
    const place = at % (token.length + 1)
    return token.slice(0, place) + by + token.slice(place)
  }),
  fc.nat().map((at) => (token: string) => token.slice(0, at % token.length)),
  fc.nat().map((at) => (token: string) => {
    const place = at % token.length
    return token.slice(0, place) + token.slice(place + 1)
  }),
  // The same low byte, so that what is hashed as Latin-1 would be the same.
  fc.nat().map((at) => (token: string) => {
    const place = at % token.length
    const twin = String.fromCharCode(0x100 + token.charCodeAt(place))
    return token.slice(0, place) + twin + token.slice(place + 1)
  }),
  // The spare bits of the last digit of each part.
  fc.nat(2).map((part) => (token: string) => {
    const parts = token.split('.')
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = digits.indexOf(parts[part]?.at(-1) ?? '')
    parts[part] = `${parts[part]?.slice(0, -1) ?? ''}${digits[last ^ 1] ?? ''}`
    return parts.join('.')
  }),
  fc.constantFrom('=', '==', '.', '..a', '\n').map((end) => (token: string) => token + end),
)
const token = fc.tuple(signed, change, change).map(([text, one, other]) => other(one(text) || 'a'))

function asksForMore(text: string): boolean {
  try {
    return decodeProtectedHeader(text).crit !== undefined
  } catch {
    return false
  }
}

describe.each(Object.entries(sets))(
  'with a set %s, a token is judged as by jose',
  (_title, set) => {
    const reference = joseVerdict(set, secrets)
    const here = unlimited
    const elsewhere = { ...unlimited, wherever: <T>(work: Work<T>) => work.elsewhere() }

    it.each([
      ['on this thread', here, 2_000],
      ['on another', elsewhere, 1_000],
    ] as const)('whatever it is, %s', async (_where, limit, numRuns) => {
      const verifier = verifierWith(set, secrets, limit)
      let held = 0
      await fc.assert(
        fc.asyncProperty(token, async (text) => {
          const told = await verdictOn(verifier, text).catch(() => 'fault')
          const expected = await reference(text).catch(() => 'fault')
          // The one extension that jose knows is refused like all others, here already.
          if (expected === undefined || asksForMore(text)) {
            expect(told).toEqual({ why: expect.any(String) as string })
            return
          }
          // The key that is meant cannot be imported; more may be wrong with the token.
          if (expected === 'fault') {
            expect(typeof told === 'string' || 'why' in told).toBe(true)
            return
          }
          held += 1
          expect(told).toStrictEqual(expected)
        }),
        { numRuns },
      )
      expect(held).toBeGreaterThan(numRuns / 30) // else it says little
    })
  },
)
