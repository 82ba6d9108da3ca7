import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCredential, usualHeader } from '../../src/domain/credential.ts'

const token = 'eyJh.eyJz.c2ln_-'
const tokenOfLength = (length: number): string => `a.b.${'c'.repeat(length - 4)}`

describe('readCredential reads', () => {
  it.each([
    ['a bearer token', `Bearer ${token}`, token],
    ['the scheme in lower case', `bearer ${token}`, token],
    ['the scheme in upper case', `BEARER ${token}`, token],
    ['the scheme in mixed case', `bEaReR ${token}`, token],
    ['several spaces', `Bearer   ${token}`, token],
    ['space around it', `  Bearer ${token} `, token],
    ['a token with an empty signature, which its verifier refuses', 'Bearer a.b.', 'a.b.'],
    ['a token of 16384 characters', `Bearer ${tokenOfLength(16_384)}`, tokenOfLength(16_384)],
  ])('%s', (_title, header, token) => {
    expect(readCredential(header)).toEqual({ token })
  })
})

describe('readCredential finds', () => {
  it.each([
    ['no header', undefined, 'missing_credential'],
    ['an empty header', '', 'missing_credential'],
    ['a header of space', '  \t', 'missing_credential'],
    ['another scheme', `Basic ${token}`, 'malformed_credential'],
    ['DPoP', `DPoP ${token}`, 'malformed_credential'],
    ['a token without a scheme', token, 'malformed_credential'],
    ['a scheme without a token', 'Bearer', 'malformed_credential'],
    ['a scheme and a space', 'Bearer ', 'malformed_credential'],
    ['a scheme that only begins alike', `Bearers ${token}`, 'malformed_credential'],
    ['a colon after the scheme', `Bearer: ${token}`, 'malformed_credential'],
    ['a tab after the scheme', `Bearer\t${token}`, 'malformed_credential'],
    ['two headers joined with a comma', `Bearer ${token},Bearer ${token}`, 'malformed_credential'],
    [
      'two headers joined with comma and space',
      `Bearer ${token}, Bearer ${token}`,
      'malformed_credential',
    ],
    ['a second header that is empty', `Bearer ${token},`, 'malformed_credential'],
    ['a first header that is empty', `,Bearer ${token}`, 'malformed_credential'],
    ['another scheme joined', `Bearer ${token},Basic x`, 'malformed_credential'],
    ['two tokens', `Bearer ${token} ${token}`, 'malformed_credential'],
    ['an opaque token', 'Bearer 0123456789abcdef', 'malformed_credential'],
    ['two parts', 'Bearer a.b', 'malformed_credential'],
    ['four parts', 'Bearer a.b.c.d', 'malformed_credential'],
    ['five parts, which is JWE', 'Bearer a.b.c.d.e', 'malformed_credential'],
    ['an empty header part', 'Bearer .b.c', 'malformed_credential'],
    ['an empty payload', 'Bearer a..c', 'malformed_credential'],
    ['padding', 'Bearer a.b.c=', 'malformed_credential'],
    ['the alphabet of plain base64', 'Bearer a+.b/.c', 'malformed_credential'],
    ['a line break in it', 'Bearer a.b\n.c', 'malformed_credential'],
    ['a token of 16385 characters', `Bearer ${tokenOfLength(16_385)}`, 'malformed_credential'],
    ['what is long without being a token', 'x'.repeat(20_000), 'malformed_credential'],
  ])('%s', (_title, header, refusal) => {
    expect(readCredential(header)).toMatchObject({ refusal })
  })
})

it('a header that holds a comma never gives a token', () => {
  const part = fc.constantFrom(`Bearer ${token}`, token, 'Bearer', ' ', ',', 'a.b.c')
  fc.assert(
    fc.property(fc.array(part), fc.array(part), (before, after) => {
      expect(readCredential(`${before.join('')},${after.join('')}`)).not.toHaveProperty('token')
    }),
  )
})

describe('usualHeader', () => {
  it.each([
    ['as it came', `Bearer ${token}`],
    ['in another case', `bearer ${token}`],
    ['with more space', `Bearer  ${token}`],
    ['of another token that is as long', `Bearer ${token.replace('c2ln', 'b2ln')}`],
    ['absent', undefined],
  ])('is the same for a header %s', (_title, header) => {
    expect(usualHeader(token, header)).toBe(`Bearer ${token}`)
  })
})
