import { describe, expect, it, onTestFinished } from 'vitest'
import {
  examineKeys,
  publicKeyCheck,
  type KeyDoctorDeps,
} from '../../../src/adapters/jose/doctor.ts'
import { createJwksUrl } from '../../../src/adapters/jose/jwks-url.ts'
import { complaints, isDocumented } from '../../support/doctor.ts'
import { startHttpServer } from '../../support/http-server.ts'

const good: KeyDoctorDeps = {
  secrets: ['a-secret-of-more-than-thirty-two-characters'],
  jwks: undefined,
  issuers: ['https://auth.example.com'],
  audiences: ['https://auth.example.com'],
}

describe('keys', () => {
  it.each<[string, Partial<KeyDoctorDeps>, readonly string[]]>([
    ['as they should be', {}, []],
    ['public ones alone', { secrets: [], jwks: 'https://a.example.com/jwks' }, []],
    ['a short secret', { secrets: [...good.secrets, 'short'] }, ['warn keys.secret']],
    ['no issuer', { issuers: [] }, ['warn keys.issuer']],
    ['no audience', { audiences: [] }, ['warn keys.audience']],
    ['a JWKS in the clear', { jwks: 'http://a.example.com/jwks' }, ['warn keys.transport']],
    ['a JWKS in the clear on this machine', { jwks: 'http://127.0.0.1:3005/jwks' }, []],
    ['a JWKS of the database', { jwks: 'postgres' }, []],
  ])('%s', (_title, deps, expected) => {
    const findings = examineKeys({ ...good, ...deps })
    expect(complaints(findings)).toEqual(expected)
    expect(findings.filter(({ name }) => !isDocumented(name))).toEqual([])
    expect(JSON.stringify(findings)).not.toContain('short"')
  })
})

describe('public keys', () => {
  const x = 'A'.repeat(43)
  const check = async (body: string, status = 200) => {
    const server = await startHttpServer((_request, response) => {
      response.statusCode = status
      response.end(body)
    })
    onTestFinished(server.close)
    return publicKeyCheck(createJwksUrl(server.url), 'the JWKS URL').run()
  }

  it('are counted, with their algorithms', async () => {
    const [finding] = await check(
      JSON.stringify({
        keys: [
          { kty: 'OKP', crv: 'Ed25519', x },
          { kty: 'oct', k: x },
        ],
      }),
    )
    expect(finding).toMatchObject({
      status: 'ok',
      message: 'the JWKS URL: 1 usable key (EdDSA)',
    })
  })

  it('of no use are an error', async () => {
    const findings = await check(JSON.stringify({ keys: [{ kty: 'oct', k: x }] }))
    expect(complaints(findings)).toEqual(['error keys.jwks'])
    expect(findings[0]?.message).toContain('1 key, none of use')
  })

  it('that cannot be read reject, so that the doctor tells it', async () => {
    await expect(check('', 404)).rejects.toMatchObject({ code: 'KEYS_UNAVAILABLE' })
    expect(publicKeyCheck({ load: async () => [] }, 'x').doubt).toBe('error')
  })
})
