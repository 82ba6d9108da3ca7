import { signJWT } from 'better-auth/crypto'
import { describe, expect, it } from 'vitest'
import { goodClaims, hmacToken, readingOf, verdictOn, verifierWith } from '../../support/tokens.ts'

const secret = 'a-secret-of-better-auth-that-is-long-enough'
const older = 'the-secret-before-it-that-is-long-enough-too'

describe('a token that a secret signed holds', () => {
  it.each<[string, readonly string[], string]>([
    ['with the one secret', [secret], hmacToken(secret)],
    ['with the first of several', [secret, older], hmacToken(secret)],
    ['with the last of several, during a rotation', [secret, older], hmacToken(older)],
    ['whatever its kid', [secret], hmacToken(secret, { header: { kid: 'anything' } })],
    ['with a secret beyond ASCII, as its UTF-8 bytes', ['gehöim-日本'], hmacToken('gehöim-日本')],
    ['with a secret of one character', ['x'], hmacToken('x')],
  ])('%s', async (_title, secrets, token) => {
    expect(await verdictOn(verifierWith(undefined, secrets), token)).toEqual({
      header: expect.objectContaining({ alg: 'HS256' }) as unknown,
      claims: goodClaims,
    })
  })

  it('as Better Auth itself signs it', async () => {
    const token = await signJWT({ sub: 'u1', organizationId: 'org-a' }, secret, 60)
    expect(await verdictOn(verifierWith(undefined, [older, secret]), token)).toMatchObject({
      header: { alg: 'HS256' },
      claims: { sub: 'u1', organizationId: 'org-a' },
    })
  })
})

describe('a token is refused', () => {
  const [head = '', body = '', signature = ''] = hmacToken(secret).split('.')
  const other = hmacToken(secret, { claims: { ...goodClaims, sub: 'root' } }).split('.')
  it.each<[string, readonly string[] | undefined, string]>([
    ['that another secret signed', [secret], hmacToken('another')],
    ['of a secret that is no longer in force', [secret], hmacToken(older)],
    ['where no secret is in force', undefined, hmacToken(secret)],
    ['that the empty secret signed', [secret], hmacToken('')],
    ['without a signature', [secret], `${head}.${body}.`],
    ['with half a signature', [secret], `${head}.${body}.${signature.slice(0, 20)}`],
    ['with a byte more of signature', [secret], `${head}.${body}.${signature}AA`],
    ['with the payload of another', [secret], `${head}.${other[1] ?? ''}.${signature}`],
    ['with the header of another', [secret], `${other[0] ?? ''}.${other[1] ?? ''}.${signature}`],
    ['as HS512', [secret], hmacToken(secret, { header: { alg: 'HS512' }, hash: 'sha512' })],
    ['as HS384', [secret], hmacToken(secret, { header: { alg: 'HS384' }, hash: 'sha384' })],
    ['as hs256 in lower case', [secret], hmacToken(secret, { header: { alg: 'hs256' } })],
    ['without alg', [secret], hmacToken(secret, { header: { alg: undefined } })],
    ['with alg null', [secret], hmacToken(secret, { header: { alg: null } })],
    ['with alg as a list', [secret], hmacToken(secret, { header: { alg: ['HS256'] } })],
    [
      'whose header is no JSON',
      [secret],
      `${Buffer.from('{').toString('base64url')}.${body}.${signature}`,
    ],
    [
      'whose header is a list',
      [secret],
      `${Buffer.from('[]').toString('base64url')}.${body}.${signature}`,
    ],
    ['that is no token', [secret], 'a.b.c'],
    ['that has two parts', [secret], `${head}.${body}`],
    ['that has five parts', [secret], `${head}.${body}.${signature}.a.b`],
    ['that is empty', [secret], ''],
  ])('%s', async (_title, secrets, token) => {
    expect(await verdictOn(verifierWith(undefined, secrets), token)).toEqual({
      why: expect.any(String) as string,
    })
  })

  it.each(['none', 'None', 'NONE', 'nOnE'])('with alg %s', async (alg) => {
    const [header, payload] = hmacToken(secret, { header: { alg } }).split('.')
    for (const tail of ['', 'AA', signature]) {
      const token = `${header ?? ''}.${payload ?? ''}.${tail}`
      expect(await verdictOn(verifierWith([], [secret]), token)).toHaveProperty('why')
    }
  })

  it.each<[string, string]>([
    ['that is no JSON', 'not json'],
    ['that is a list', '[{"sub":"u1"}]'],
    ['that is null', 'null'],
    ['that is a text', '"u1"'],
    ['that is a number', '7'],
    ['that is empty', ''],
  ])('whose payload, rightly signed, is one %s', async (_title, claims) => {
    const verdict = await verdictOn(
      verifierWith(undefined, [secret]),
      hmacToken(secret, { claims }),
    )
    expect(verdict).toEqual({ why: expect.stringContaining('payload') as string })
  })

  it('whose payload, rightly signed, is no UTF-8', async () => {
    const bytes = Buffer.from('{"sub":"u\xff","exp":9999999999}', 'latin1')
    const input = `${head}.${bytes.toString('base64url')}`
    const { createHmac } = await import('node:crypto')
    const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    expect(await verdictOn(verifierWith(undefined, [secret]), token)).toHaveProperty('why')
  })
})

describe('a header that asks for more than a signature is refused', () => {
  it.each<[string, object]>([
    ['crit with an extension', { crit: ['x-unknown'], 'x-unknown': true }],
    ['crit with a claim', { crit: ['exp'], exp: 1 }],
    ['an empty crit', { crit: [] }],
    ['crit that is no list', { crit: 'b64' }],
    ['crit that names what is not there', { crit: ['b64'] }],
    ['crit with b64 true', { crit: ['b64'], b64: true }],
  ])('%s', async (_title, header) => {
    const reading = await readingOf(
      verifierWith(undefined, [secret]),
      hmacToken(secret, { header }),
    )
    expect(reading).toMatchObject({ refusal: 'invalid_token' })
  })

  it.each<[string, object]>([
    ['with crit', { crit: ['b64'], b64: false }],
    ['without crit', { b64: false }],
  ])('an unencoded payload (RFC 7797) %s', async (_title, header) => {
    const { createHmac } = await import('node:crypto')
    const head = Buffer.from(JSON.stringify({ alg: 'HS256', ...header })).toString('base64url')
    // A payload that is JSON and base64url alphabet at once, so that it can be a compact JWS.
    for (const payload of ['7', JSON.stringify(goodClaims)]) {
      const signature = createHmac('sha256', secret)
        .update(`${head}.${payload}`)
        .digest('base64url')
      const token = `${head}.${payload}.${signature}`
      expect(await readingOf(verifierWith(undefined, [secret]), token)).toMatchObject({
        refusal: 'invalid_token',
      })
    }
  })

  it.each<[string, object]>([
    ['jwk', { jwk: { kty: 'oct', k: Buffer.from('evil').toString('base64url') } }],
    ['jku', { jku: 'http://127.0.0.1:1/jwks' }],
    ['x5u', { x5u: 'http://127.0.0.1:1/cert' }],
  ])('%s does not bring a key along', async (_title, header) => {
    const token = hmacToken('evil', { header })
    expect(await verdictOn(verifierWith([], [secret]), token)).toHaveProperty('why')
  })
})

describe('the session cookie cache of Better Auth, signed with the same secret, is no access token', () => {
  const session = { id: 's1', token: 't', userId: 'u1', activeOrganizationId: 'org-a' }
  const user = { id: 'u1', email: 'u1@example.com', role: 'admin' }
  it.each<[string, object]>([
    ['as 1.7 writes it', { session, user, updatedAt: 1, version: '1' }],
    ['with a session that has a sub', { session: { ...session, sub: 'u1' }, user, updatedAt: 1 }],
  ])('%s', async (_title, payload) => {
    const cookie = await signJWT({ ...payload }, secret, 300)
    const reading = await readingOf(verifierWith(undefined, [secret]), cookie)
    expect(reading).toMatchObject({
      refusal: 'invalid_token',
      why: expect.stringMatching('sub|iat') as string,
    })
  })

  it('also at the very time it is made', async () => {
    const exp = goodClaims.exp
    const cookie = hmacToken(secret, { claims: { session, user, iat: goodClaims.iat, exp } })
    expect(await readingOf(verifierWith(undefined, [secret]), cookie)).toMatchObject({
      refusal: 'invalid_token',
      why: 'sub is missing or no id',
    })
  })
})
