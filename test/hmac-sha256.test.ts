import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHmacSha256 } from '../src/hmac-sha256.ts'

const bytes = fc.uint8Array({ maxLength: 200 })

describe('HMAC-SHA-256', () => {
  // RFC 4231 sections 4.2, 4.3 and 4.7: a key as long as a digest, a short one, one longer than a block.
  it.each([
    [
      '0b'.repeat(20),
      'Hi There',
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    ],
    [
      '4a656665',
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      'aa'.repeat(131),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ])('under the key %s', (key, message, expected) => {
    const authenticate = createHmacSha256(Buffer.from(key, 'hex'))
    expect(Buffer.from(authenticate(message)).toString('hex')).toBe(expected)
    expect(Buffer.from(authenticate(Buffer.from(message))).toString('hex')).toBe(expected)
  })

  it('is that of OpenSSL for any key and any messages one after another', () => {
    const messages = fc.array(
      fc.oneof(
        bytes,
        fc.constantFrom(4_031, 4_032, 4_033, 20_000).map((length) => Buffer.alloc(length, 7)),
      ),
      { minLength: 1, maxLength: 4 },
    )
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          fc.constantFrom(63, 64, 65).map((length) => Buffer.alloc(length, 3)),
        ),
        messages,
        (key, all) => {
          const authenticate = createHmacSha256(key)
          for (const message of all) {
            const expected = createHmac('sha256', key).update(message).digest()
            expect(Buffer.from(authenticate(message)).equals(expected)).toBe(true)
            const text = Buffer.from(message).toString('latin1')
            expect(Buffer.from(authenticate(text)).equals(expected)).toBe(true)
          }
        },
      ),
    )
  })
})
