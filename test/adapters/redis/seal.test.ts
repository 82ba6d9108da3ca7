import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSeal } from '../../../src/adapters/redis/seal.ts'
import type { Fact } from '../../../src/domain/fact.ts'
import { createHmacSha256 } from '../../../src/hmac-sha256.ts'
import { factOf } from '../../support/builders.ts'
import { forgeEntry, soundJson } from '../../support/forged-entry.ts'

const secret = 'one secret of thirty-two characters, at least'
const other = 'another secret of thirty-two characters or more'
const pair = { user: 'u1', organization: 'org-a' }
const policyVersion = 'sha256:0123456789abcdef'
const seal = createSeal([secret], createHmacSha256)
const open = (text: string, by = seal) => by.open(pair, Buffer.from(text))
const close = (fact: Fact, permissions: readonly string[] = ['leave:read']) =>
  seal.close(pair, { fact, permissions, policyVersion })

const sound: Fact = {
  user: true,
  banned: false,
  rows: [['staff']],
  dynamic: new Map(),
  platformRoles: ['user'],
  source: 'redis',
  verifiedAtMs: 1_795_207_072_123.5,
}

/** An entry's elements, changed. */
function changed(text: string, change: (parts: string[]) => readonly unknown[]): string {
  return JSON.stringify(change(JSON.parse(text) as string[]))
}

describe('an entry', () => {
  it('is written as it is documented', () => {
    expect(close(sound)).toBe(forgeEntry(secret))
    expect(open(forgeEntry(secret))).toEqual(sound)
  })

  it('needs a key', () => {
    expect(() => createSeal([], createHmacSha256)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
    expect(() => createSeal([secret, ''], createHmacSha256)).toThrow(/empty/)
  })

  it('opens with each key, whichever closed it', () => {
    for (const by of [secret, other]) {
      expect(open(forgeEntry(by), createSeal([other, secret], createHmacSha256))).toEqual(sound)
    }
    expect(open(forgeEntry(other))).toBeUndefined()
    expect(
      createSeal([other, secret], createHmacSha256).close(pair, {
        fact: sound,
        permissions: ['leave:read'],
        policyVersion,
      }),
    ).toBe(forgeEntry(other))
  })

  it('too large to be opened is not written', () => {
    const rows = [['x'.repeat(50_000)]]
    expect(() => close({ ...sound, rows })).toThrow(/perm:u1:org-a is too large/)
    const large = close({ ...sound, rows: [['x'.repeat(48_000)]] })
    expect(open(large)).toMatchObject({ rows: [['x'.repeat(48_000)]] })
  })

  it('too large is not opened, whoever sealed it', () => {
    const json = soundJson({ rows: [['x'.repeat(50_000)]] })
    expect(open(forgeEntry(secret, { json }))).toBeUndefined()
  })
})

describe('nothing opens', () => {
  const own = forgeEntry(secret, { permissions: ['leave:approve', 'leave:read'] })

  it('of another user or organization, though the texts together are the same', () => {
    for (const copy of [
      { user: 'u2', organization: 'org-a' },
      { user: 'u1', organization: 'org-b' },
      { user: 'u1o', organization: 'rg-a' },
      { user: 'org-a', organization: 'u1' },
    ]) {
      expect(seal.open(copy, Buffer.from(own))).toBeUndefined()
    }
  })

  it.each<[string, (parts: string[]) => readonly unknown[]]>([
    ['with a permission more', ([a, b, s]) => [a, b, 'pay:read', s]],
    ['with a permission less', ([a, , s]) => [a, s]],
    ['with another permission', ([a, , s]) => [a, 'leave:delete', s]],
    ['with permissions in another order', ([a, b, s]) => [b, a, s]],
    ['with permissions run together', ([a = '', b = '', s]) => [a + b, s]],
    [
      'with permissions split elsewhere',
      ([a = '', b = '', s]) => [a + b.slice(0, 1), b.slice(1), s],
    ],
    ['with something after the seal', ([a, b, s]) => [a, b, s, 'x']],
    ['with the seal first', ([a, b, s]) => [s, a, b]],
    ['with two seals', ([a, b, s]) => [a, b, s, s]],
    ['with a number among the permissions', ([a, b, s]) => [a, b, 1, s]],
    ['with null among the permissions', ([a, b, s]) => [a, b, null, s]],
    ['with a list among the permissions', ([a, b, s]) => [[a], b, s]],
    ['with an object among the permissions', ([a, b, s]) => [a, { toString: b }, s]],
    ['with a seal in a list', ([a, b, s]) => [a, b, [s]]],
    ['with another mark', ([a, b, s = '']) => [a, b, s.replace('~tg1.', '~tg2.')]],
    ['with a line break after the seal', ([a, b, s]) => [a, b, `${s}\n`]],
    ['with padding', ([a, b, s]) => [a, b, `${s}=`]],
    ['with a shorter code', ([a, b, s = '']) => [a, b, s.slice(0, -1)]],
    ['with no code', ([a, b, s = '']) => [a, b, s.slice(0, s.lastIndexOf('.') + 1)]],
    ['with the spare bits of the code set', ([a, b, s = '']) => [a, b, withSpareBits(s)]],
    [
      'with another mark before the code',
      ([a, b, s = '']) => [a, b, s.replace(/\.(?=[^.]*$)/, ':')],
    ],
    ['with a line break in its JSON', ([a, b, s = '']) => [a, b, s.replace('~tg1.', '~tg1.\n')]],
    [
      'with a sign of other base64 in its JSON',
      ([a, b, s = '']) => [a, b, s.replace('~tg1.', '~tg1.=')],
    ],
    ['with no seal', ([a, b]) => [a, b]],
    ['of nothing', () => []],
  ])('%s', (_title, change) => {
    expect(open(changed(own, (parts) => parts))).toBeDefined()
    expect(open(changed(own, change))).toBeUndefined()
  })

  it('that another seal on the same list was made for', () => {
    const [, , before] = JSON.parse(own) as string[]
    const [, , after] = JSON.parse(
      forgeEntry(secret, {
        permissions: ['leave:approve', 'leave:read'],
        json: soundJson({ rows: [['owner']] }),
      }),
    ) as string[]
    const [, json] = after?.split('.') ?? []
    const [, , code] = before?.split('.') ?? []
    const mixed = `~tg1.${json ?? ''}.${code ?? ''}`
    expect(open(JSON.stringify(['leave:approve', 'leave:read', mixed]))).toBeUndefined()
  })

  it.each<[string, unknown]>([
    ['no JSON', 'staff'],
    ['a list', [[['staff']]]],
    ['null', null],
    ['a number', 7],
    ...Object.keys(soundJson()).map((name): [string, unknown] => [
      `no ${name}`,
      soundJson({ [name]: undefined }),
    ]),
    ...Object.keys(soundJson()).map((name): [string, unknown] => [
      `null as ${name}`,
      soundJson({ [name]: null }),
    ]),
    ['a member more', soundJson({ user: true })],
    ['roles that are no rows', soundJson({ rows: ['staff'] })],
    ['rows by number', soundJson({ rows: { 0: ['staff'], length: 1 } })],
    ['a role that is a number', soundJson({ rows: [[1]] })],
    ['a text as platform roles', soundJson({ platform_roles: 'superadmin' })],
    ['an object as a platform role', soundJson({ platform_roles: [{}] })],
    ['dynamic roles in a list', soundJson({ dynamic: [['made', ['x:y']]] })],
    ['a text as a dynamic role', soundJson({ dynamic: { made: '*' } })],
    ['a number as a dynamic permission', soundJson({ dynamic: { made: [1] } })],
    ['a text as banned', soundJson({ banned: 'false' })],
    ['zero as banned', soundJson({ banned: 0 })],
    ['a text as a time', soundJson({ verified_at: '1795207072123' })],
    ['a time before 1970', soundJson({ verified_at: -1 })],
    [
      'an endless time',
      JSON.stringify(soundJson()).replace(/"verified_at":[\d.]+/, '"verified_at":1e999'),
    ],
    ['a number as policy', soundJson({ policy: 1 })],
  ])('that says, though its seal is good, %s', (_title, json) => {
    expect(open(forgeEntry(secret, { json }))).toBeUndefined()
  })
})

describe('for any fact', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 8 })
  const texts = fc.array(text, { maxLength: 3 })
  const facts = fc.record({
    banned: fc.boolean(),
    rows: fc.array(texts, { maxLength: 3 }),
    dynamic: fc
      .array(fc.tuple(fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '0')), texts))
      .map((entries) => new Map(entries)),
    platformRoles: texts,
    verifiedAtMs: fc.double({ min: 0, max: 4e12, noNaN: true }),
  })

  it('opening gives back what was closed', () => {
    fc.assert(
      fc.property(facts, texts, (parts, permissions) => {
        fc.pre(!permissions.some((one) => one.startsWith('~tg1.')))
        const fact = factOf([], parts)
        expect(open(close(fact, permissions))).toEqual({ ...fact, source: 'redis' })
      }),
    )
  })

  it('a changed byte is a miss or changes nothing; so is a missing end', () => {
    fc.assert(
      fc.property(facts, fc.nat(), fc.integer({ min: 1, max: 255 }), (parts, at, by) => {
        const fact = factOf([], parts)
        const bytes = Buffer.from(close(fact))
        const index = at % bytes.length
        const cut = seal.open(pair, bytes.subarray(0, index))
        bytes[index] = (bytes[index] ?? 0) ^ by
        const flipped = seal.open(pair, bytes)
        expect(cut).toBeUndefined()
        if (flipped !== undefined) expect(flipped).toEqual({ ...fact, source: 'redis' })
      }),
      { numRuns: 2_000 },
    )
  })

  it('any bytes are a miss', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((json) => Buffer.from(json)),
        ),
        (bytes) => {
          expect(seal.open(pair, bytes)).toBeUndefined()
        },
      ),
    )
  })
})

/** The same code, written with another last digit that decodes to the same bytes. */
function withSpareBits(text: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = digits.indexOf(text.at(-1) ?? '')
  return text.slice(0, -1) + (digits[last ^ 1] ?? '')
}
