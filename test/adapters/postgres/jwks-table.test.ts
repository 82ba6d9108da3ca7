import { describe, expect, it, onTestFinished } from 'vitest'
import { createJwksTable } from '../../../src/adapters/postgres/jwks-table.ts'
import {
  betterAuthTables,
  runSql,
  timeFromNow,
  type TableFlavour,
} from '../../support/better-auth-tables.ts'
import { eventually } from '../../support/eventually.ts'
import { openAdapters } from '../../support/postgres-tables.ts'
import { freshDatabase } from '../../support/servers.ts'
import {
  issuerKey,
  keyRingOn,
  signedBy,
  verdictOn,
  verifierOf,
  type IssuerKey,
} from '../../support/tokens.ts'

const flavours: readonly TableFlavour[] = [
  { adapter: 'built-in', ids: 'text' },
  { adapter: 'drizzle', ids: 'text' },
]
const day = 86_400

/** Better Auth keeps the public JWK as JSON text, without kid, and its id is the kid. */
const publicKeyText = ({ jwk }: IssuerKey): string => {
  return JSON.stringify({ ...jwk, kid: undefined, alg: undefined, use: undefined })
}

async function keyTable(flavour: TableFlavour) {
  const url = await freshDatabase('jwks')
  await runSql(url, betterAuthTables(flavour))
  const { database, schema } = openAdapters(url)
  onTestFinished(database.close)
  const table = flavour.adapter === 'drizzle' ? 'jwkss' : 'jwks'
  const add = (id: string, publicKey: string, alg: string | null, expiresInS?: number) =>
    runSql(
      url,
      `INSERT INTO ${table} (id, public_key, private_key, created_at, alg, expires_at)
       VALUES ($1, $2, 'secret', ${timeFromNow(flavour, 0)}, $3,
         ${expiresInS === undefined ? 'NULL' : timeFromNow(flavour, expiresInS)})`,
      [id, publicKey, alg],
    )
  return { url, table, add, source: createJwksTable({ database, schema }) }
}

describe.each(flavours)('the key table of the $adapter tables', (flavour) => {
  it('gives the keys that tokens of Better Auth verify with', async () => {
    const { add, source } = await keyTable(flavour)
    const keys = await Promise.all(
      ['EdDSA', 'ES256', 'RS256'].map((alg) => issuerKey(alg, `kid-${alg}`)),
    )
    for (const key of keys) await add(key.kid, publicKeyText(key), key.alg)
    const { ring } = keyRingOn(source)
    onTestFinished(ring.close)
    const verifier = verifierOf(ring)
    for (const key of keys) {
      expect(await verdictOn(verifier, await signedBy(key))).toMatchObject({
        header: { alg: key.alg, kid: key.kid },
        claims: { sub: 'u1' },
      })
    }
    const stranger = await issuerKey('EdDSA', 'kid-EdDSA')
    expect(await verdictOn(verifier, await signedBy(stranger))).toHaveProperty('why')
  })

  it.each([
    ['that never expires', undefined, true],
    ['that has not expired', 60, true],
    ['that expired just now', -1, true],
    ['that expired 29 days ago', -29 * day, true],
    ['that expired some minutes less than 30 days ago', -30 * day + 300, true],
    ['that expired some minutes more than 30 days ago', -30 * day - 300, false],
    ['that expired a year ago', -365 * day, false],
  ])('gives a key %s: %s s from now', async (_title, expiresInS, given) => {
    const { add, source, url } = await keyTable(flavour)
    await runSql(
      url,
      `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET TimeZone = 'Asia/Tokyo'`,
    )
    await add('k1', '{"kty":"OKP"}', 'EdDSA', expiresInS)
    expect(await source.load()).toEqual(given ? [{ kty: 'OKP', alg: 'EdDSA', kid: 'k1' }] : [])
  })

  it('skips what is no JWK and gives the others', async () => {
    const { add, source } = await keyTable(flavour)
    for (const [id, text] of Object.entries({ a: '', b: '{', c: 'null', d: '7', e: '"x"' })) {
      await add(id, text, 'EdDSA')
    }
    await add('good', '{"kty":"OKP"}', null)
    expect(await source.load()).toEqual([{ kty: 'OKP', kid: 'good' }])
  })

  it('names a key by its id and its algorithm, whatever the JWK says', async () => {
    const { add, source } = await keyTable(flavour)
    await add('the id', '{"kty":"OKP","kid":"another","alg":"HS256"}', 'EdDSA')
    expect(await source.load()).toEqual([{ kty: 'OKP', kid: 'the id', alg: 'EdDSA' }])
  })

  it('never gives anything of a private key', async () => {
    const { add, source } = await keyTable(flavour)
    await add('k1', '{"kty":"OKP"}', 'EdDSA')
    expect(JSON.stringify(await source.load())).not.toContain('secret')
  })

  it('is read without the columns that older releases lack', async () => {
    const { add, source, url, table } = await keyTable(flavour)
    await add('k1', '{"kty":"OKP","alg":"EdDSA"}', null)
    await runSql(
      url,
      `ALTER TABLE ${table} DROP COLUMN alg, DROP COLUMN expires_at, DROP COLUMN crv`,
    )
    expect(await source.load()).toEqual([{ kty: 'OKP', alg: 'EdDSA', kid: 'k1' }])
  })

  it('that lost those columns meanwhile is read again without a restart', async () => {
    const { add, source, url, table } = await keyTable(flavour)
    await add('k1', '{"kty":"OKP","alg":"EdDSA"}', null)
    expect(await source.load()).toHaveLength(1)
    await runSql(url, `ALTER TABLE ${table} DROP COLUMN expires_at`)
    await eventually(async () => (await source.load()).length === 1, { withinMs: 2_000 })
  })

  it('that comes later is found without a restart', async () => {
    const { source, url, table, add } = await keyTable(flavour)
    await runSql(url, `ALTER TABLE ${table} RENAME TO later`)
    await expect(source.load()).rejects.toMatchObject({
      code: 'KEYS_UNAVAILABLE',
      message: expect.stringContaining('jwks') as string,
    })
    await runSql(url, `ALTER TABLE later RENAME TO ${table}`)
    await add('k1', '{"kty":"OKP"}', 'EdDSA')
    await eventually(async () => (await source.load()).length === 1, { withinMs: 2_000 })
  })
})
