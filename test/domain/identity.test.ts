import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readIdentity, type ClaimRules, type Identity } from '../../src/domain/identity.ts'
import { nowMs, nowS, tokenOf, uncheckedRules } from '../support/builders.ts'

type Claims = Readonly<Record<string, unknown>>

const read = (
  claims: Claims = {},
  header: Claims = {},
  rules: ClaimRules = uncheckedRules,
): ReturnType<typeof readIdentity> => readIdentity(tokenOf(claims, header), rules, nowMs)

function identityOf(claims: Claims = {}, header: Claims = {}): Identity {
  const reading = read(claims, header)
  if ('refusal' in reading) throw new Error(reading.why)
  return reading.identity
}

/** Claims as a JSON parser gives them: own properties, whatever they are called. */
const parsed = (json: string): Claims => JSON.parse(json) as Claims

it('an identity is all that a token says of its subject', () => {
  const claims = { orgRole: 'staff, viewer', role: 'user', iat: nowS - 60, exp: nowS + 60 }
  expect(identityOf(claims, { kid: 'k1', alg: 'EdDSA' })).toEqual({
    subject: 'u1',
    organization: 'org-a',
    organizationRoles: ['staff', 'viewer'],
    platformRoles: ['user'],
    issuedAtS: nowS - 60,
    expiresAtS: nowS + 60,
    notBeforeS: null,
    algorithm: 'EdDSA',
    keyId: 'k1',
  })
})

describe('an identity is read', () => {
  it.each<[string, Claims, Partial<Identity>]>([
    ['without an organization', { organizationId: undefined }, { organization: null }],
    ['with organizationId null as absent', { organizationId: null }, { organization: null }],
    ['with a sub of one character', { sub: '1' }, { subject: '1' }],
    ['with a sub of 255 characters', { sub: 's'.repeat(255) }, { subject: 's'.repeat(255) }],
    ['with a sub that objects have', { sub: '__proto__' }, { subject: '__proto__' }],
    ['without iat', { iat: undefined }, { issuedAtS: null }],
    ['with iat null as absent', { iat: null }, { issuedAtS: null }],
    ['with iat 5 s ahead', { iat: nowS + 5 }, { issuedAtS: nowS + 5 }],
    ['with a fractional iat', { iat: nowS - 0.5 }, { issuedAtS: nowS - 0.5 }],
    ['with iat long ago', { iat: 0 }, { issuedAtS: 0 }],
    ['with nbf null as absent', { nbf: null }, {}],
    ['with nbf 5 s ahead', { nbf: nowS + 5 }, {}],
    ['with nbf now', { nbf: nowS }, {}],
    ['with a moment left until exp', { exp: nowS + 0.001 }, { expiresAtS: nowS + 0.001 }],
    ['without orgRole', { orgRole: undefined }, { organizationRoles: [] }],
    ['with orgRole null as absent', { orgRole: null }, { organizationRoles: [] }],
    [
      'with orgRole as a list',
      { orgRole: ['a', ' b ', 'a', ''] },
      { organizationRoles: ['a', 'b'] },
    ],
    [
      'with orgRole as a list of comma strings',
      { orgRole: ['a,b'] },
      { organizationRoles: ['a', 'b'] },
    ],
    ['with orgRole as an empty list', { orgRole: [] }, { organizationRoles: [] }],
    ['with orgRole as an empty text', { orgRole: '' }, { organizationRoles: [] }],
    ['with role as a list', { role: ['user', 'admin'] }, { platformRoles: ['user', 'admin'] }],
    ['with role null as absent', { role: null }, { platformRoles: [] }],
    ['with role as a comma string', { role: 'user,admin' }, { platformRoles: ['user', 'admin'] }],
    ['with iss and aud unchecked', { iss: 'x', aud: ['y'] }, {}],
    [
      'with claims that it does not know',
      { email: { a: 1 }, activeOrganizationId: 'org-b' },
      { organization: 'org-a' },
    ],
  ])('%s', (_title, claims, expected) => {
    expect(identityOf(claims)).toMatchObject(expected)
  })
})

describe('a token is refused as invalid', () => {
  it.each<[string, Claims]>([
    ['without exp', { exp: undefined }],
    ['with exp null', { exp: null }],
    ['with exp as a text', { exp: String(nowS + 60) }],
    ['with exp as true', { exp: true }],
    ['with exp as a list', { exp: [nowS + 60] }],
    ['with exp as an object', { exp: {} }],
    ['with exp beyond all numbers', parsed('{"exp":1e400}')],
    ['with exp below all numbers', parsed('{"exp":-1e400}')],
    ['with exp that is no number', { exp: NaN }],
    ['with nbf more than 5 s ahead', { nbf: nowS + 5.001 }],
    ['with nbf as a text', { nbf: '0' }],
    ['with nbf as false', { nbf: false }],
    ['with nbf below all numbers', parsed('{"nbf":-1e400}')],
    ['with nbf beyond all numbers', parsed('{"nbf":1e400}')],
    ['with iat more than 5 s ahead', { iat: nowS + 5.001 }],
    ['with iat as a text', { iat: '0' }],
    ['with iat as an object', { iat: {} }],
    ['with iat below all numbers', parsed('{"iat":-1e400}')],
    ['with iat beyond all numbers', parsed('{"iat":1e400}')],
    ['without sub', { sub: undefined }],
    ['with sub null', { sub: null }],
    ['with an empty sub', { sub: '' }],
    ['with sub as a number', { sub: 1 }],
    ['with sub as a list', { sub: ['u1'] }],
    ['with sub as an object', { sub: { id: 'u1' } }],
    ['with a sub of 256 characters', { sub: 's'.repeat(256) }],
    ['with a comma in sub', { sub: 'u1,u2' }],
    ['with a space in sub', { sub: 'u 1' }],
    ['with a line break in sub', { sub: 'u1\r\nx-user-id: root' }],
    ['with a character beyond ASCII in sub', { sub: 'ü1' }],
    ['with an empty organizationId', { organizationId: '' }],
    ['with organizationId as a number', { organizationId: 1 }],
    ['with organizationId as a list', { organizationId: ['org-a'] }],
    ['with organizationId false', { organizationId: false }],
    ['with organizationId 0', { organizationId: 0 }],
    ['with a comma in organizationId', { organizationId: 'org-a,org-b' }],
    ['with a space in organizationId', { organizationId: 'org a' }],
    ['with an organizationId of 256 characters', { organizationId: 'o'.repeat(256) }],
    ['with orgRole as an object', { orgRole: { staff: true } }],
    ['with orgRole as a number', { orgRole: 1 }],
    ['with orgRole true', { orgRole: true }],
    ['with orgRole as a list with a number', { orgRole: ['staff', 1] }],
    ['with orgRole as a list with null', { orgRole: ['staff', null] }],
    ['with orgRole as a list of lists', { orgRole: [['staff']] }],
    ['with role as an object', { role: {} }],
    ['with role as a number', { role: 7 }],
    ['with role as a list with an object', { role: [{}] }],
    ['with role false', { role: false }],
  ])('%s', (_title, claims) => {
    expect(read(claims)).toMatchObject({ refusal: 'invalid_token' })
  })
})

describe('a token has expired', () => {
  it.each([
    ['at exp itself', nowS],
    ['a moment after exp', nowS - 0.001],
    ['within 5 s after exp, which has no leeway', nowS - 4],
    ['at 0', 0],
    ['before the epoch', -1],
  ])('%s', (_title, exp) => {
    expect(read({ exp })).toMatchObject({ refusal: 'expired_token' })
  })
})

describe('typ', () => {
  it.each([undefined, 'JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/jwt', 'Application/AT+JWT'])(
    '%s is that of an access token',
    (typ) => {
      expect(read({}, { typ })).toHaveProperty('identity')
    },
  )

  it.each(
    [
      ['', null, 1, ['JWT'], 'JWS', 'id+jwt', 'logout+jwt', 'dpop+jwt', 'at+jwt2', ' JWT', 'JWT '],
      [
        'application/',
        'application/application/jwt',
        'text/jwt',
        'better-auth.session',
        'secevent+jwt',
      ],
    ].flat(),
  )('%j is not', (typ) => {
    expect(read({}, { typ })).toMatchObject({ refusal: 'invalid_token' })
  })
})

describe('crit', () => {
  it.each([
    ['a list of an extension', ['b64']],
    ['an empty list', []],
    ['exp, which is no extension', ['exp']],
    ['null', null],
    ['a text', 'exp'],
  ])('is refused as %s', (_title, crit) => {
    expect(read({}, { crit })).toMatchObject({ refusal: 'invalid_token' })
  })
})

describe('iss and aud', () => {
  const rules: ClaimRules = { issuers: ['https://a', 'https://b'], audiences: ['api', 'web'] }
  const good = { iss: 'https://a', aud: 'api' }

  it.each<[string, Claims]>([
    ['one of the issuers', { iss: 'https://b' }],
    ['one of the audiences', { aud: 'web' }],
    ['a list with one of the audiences', { aud: ['other', 'api'] }],
  ])('are accepted with %s', (_title, claims) => {
    expect(read({ ...good, ...claims }, {}, rules)).toHaveProperty('identity')
  })

  it.each<[string, Claims]>([
    ['another issuer', { iss: 'https://c' }],
    ['an issuer that only begins alike', { iss: 'https://a.evil' }],
    ['an issuer with a slash more', { iss: 'https://a/' }],
    ['an issuer in another case', { iss: 'https://A' }],
    ['no issuer', { iss: undefined }],
    ['an issuer that is null', { iss: null }],
    ['a list of issuers', { iss: ['https://a'] }],
    ['an empty issuer', { iss: '' }],
    ['another audience', { aud: 'other' }],
    ['no audience', { aud: undefined }],
    ['an audience that is null', { aud: null }],
    ['an empty list of audiences', { aud: [] }],
    ['a list of others', { aud: ['other'] }],
    ['a list with what is no text', { aud: ['api', 1] }],
    ['audiences in one text', { aud: 'api,web' }],
    ['audiences as an object', { aud: { api: true } }],
  ])('are refused with %s', (_title, claims) => {
    expect(read({ ...good, ...claims }, {}, rules)).toMatchObject({ refusal: 'invalid_token' })
  })
})

describe('claims that objects inherit', () => {
  it('are not taken from the prototype of the claims', () => {
    const claims = Object.create({ sub: 'u1', exp: nowS + 60 }) as Claims
    expect(readIdentity({ header: {}, claims }, uncheckedRules, nowMs)).toHaveProperty('refusal')
  })

  it('are not taken from a claim named __proto__', () => {
    const claims = parsed(
      `{"sub":"u1","exp":${nowS + 60},"__proto__":{"organizationId":"org-b","orgRole":"owner"}}`,
    )
    const reading = readIdentity({ header: {}, claims }, uncheckedRules, nowMs)
    expect(reading).toMatchObject({ identity: { organization: null, organizationRoles: [] } })
  })

  it('do no harm as roles', () => {
    expect(identityOf({ orgRole: ['constructor', '__proto__'] }).organizationRoles).toEqual([
      'constructor',
      '__proto__',
    ])
  })
})

describe('whatever the claims', () => {
  const value = fc.oneof(
    fc.constantFrom(
      undefined,
      null,
      '',
      'u1',
      'org-a',
      'a,b',
      0,
      nowS,
      nowS + 60,
      nowS - 60,
      Infinity,
      -Infinity,
      NaN,
    ),
    fc.constantFrom(true, false, [], ['a'], ['a', 1], {}, 'é', ' ', nowS + 5, nowS + 6),
  )
  const name = fc.constantFrom('sub', 'exp', 'iat', 'nbf', 'organizationId', 'orgRole', 'role')
  /** Good claims with a few exchanged for anything. */
  const claims = fc
    .dictionary(name, value, { maxKeys: 3 })
    .map((changed): Claims => ({ ...tokenOf().claims, ...changed }))
  const isNumberOrAbsent = (claim: unknown): boolean => claim == null || Number.isFinite(claim)
  const areRolesOrAbsent = (claim: unknown): boolean =>
    claim == null || [claim].flat().every((one) => typeof one === 'string')

  it('an identity is given only where every rule of step 6 holds', () => {
    let given = 0
    fc.assert(
      fc.property(claims, (claims) => {
        if ('refusal' in read(claims)) return
        given++
        expect(claims['sub']).toMatch(/^[!-+\--~]{1,255}$/)
        expect(claims['exp']).toBeGreaterThan(nowS)
        expect(Number.isFinite(claims['exp'])).toBe(true)
        expect(claims['organizationId'] ?? 'x').toMatch(/^[!-+\--~]{1,255}$/)
        for (const claim of [claims['iat'], claims['nbf']]) {
          expect(isNumberOrAbsent(claim)).toBe(true)
          expect(claim ?? 0).toBeLessThanOrEqual(nowS + 5)
        }
        expect(areRolesOrAbsent(claims['orgRole'])).toBe(true)
        expect(areRolesOrAbsent(claims['role'])).toBe(true)
      }),
      { numRuns: 5000 },
    )
    expect(given).toBeGreaterThan(200)
  })
})
