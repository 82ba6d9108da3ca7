import { expect, it } from 'vitest'
import { encodeFields } from '../../../src/adapters/http2/fields.ts'
import { createReferenceDecoder } from '../../support/hpack-reference.ts'

it.each([0, 1, 126, 127, 128, 254, 255, 20_000])('a value of %d octets is encoded', (length) => {
  const fields = [
    [':status', '200'],
    [':status', '405'],
    ['name', 'v'.repeat(length)],
    ['n'.repeat(length + 1), 'last'],
  ] as const
  expect(createReferenceDecoder().decode(encodeFields(fields))).toEqual(fields)
})
