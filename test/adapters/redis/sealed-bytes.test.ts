import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sealedBytes, sealedList } from '../../../src/adapters/redis/sealed-bytes.ts'

/** The same, put together in the plainest way. */
function plainly(texts: readonly [string, string], permissions: readonly string[], json: Buffer) {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes
  }
  const part = (bytes: Buffer): Buffer => Buffer.concat([number(bytes.length), bytes])
  return Buffer.concat([
    ...texts.map((text) => part(Buffer.from(text))),
    number(permissions.length),
    ...permissions.map((permission) => part(Buffer.from(permission))),
    part(json),
  ])
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }), // lone surrogates too
  fc.string({ maxLength: 40 }),
  fc.constantFrom('', '日本語', '\ud800', 'x'.repeat(6_000), '語'.repeat(6_000)),
)

describe('what a seal covers', () => {
  it('is every part after its length, however long they are', () => {
    fc.assert(
      fc.property(
        ...([
          text,
          text,
          fc.array(text, { maxLength: 5 }),
          fc.uint8Array({ maxLength: 40 }),
        ] as const),
        (user, organization, permissions, json) => {
          const sealed = sealedBytes({ user, organization }, sealedList(permissions), json)
          const expected = plainly([user, organization], permissions, Buffer.from(json))
          expect(Buffer.from(sealed).equals(expected)).toBe(true)
        },
      ),
    )
  })

  it('is never the same for two entries', () => {
    const all = [
      ['u1', 'org', ['a', 'b'], '{}'],
      ['u1o', 'rg', ['a', 'b'], '{}'],
      ['u1', 'org', ['ab'], '{}'],
      ['u1', 'org', ['a'], 'b{}'],
      ['u1', 'org', ['a', 'b', ''], '{}'],
      ['u1', 'org', [], '{}'],
      ['org', 'u1', ['a', 'b'], '{}'],
    ] as const
    const texts = all.map(([user, organization, permissions, json]) =>
      Buffer.from(
        sealedBytes({ user, organization }, sealedList(permissions), Buffer.from(json)),
      ).toString('hex'),
    )
    expect(new Set(texts).size).toBe(all.length)
  })
})
