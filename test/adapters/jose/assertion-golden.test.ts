import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { createAssertionSigner } from '../../../src/adapters/jose/assertion-signer.ts'
import { claimsOf } from '../../../src/domain/assertion.ts'
import { nowMs, nowS } from '../../support/builders.ts'

/**
 * What the Go module's tests verify is what is signed here, byte for byte: Ed25519 signs the same
 * text always alike. After a change that is meant: `UPDATE_GOLDEN=1 npx vitest run` this file.
 */
it('the assertion that the Go module is tested with is one of ours', async () => {
  const signer = createAssertionSigner({
    secrets: ['a secret of the golden files, 32 characters and more'],
    rotationMs: 86_400_000,
  })
  const identity = {
    userId: 'u1',
    organizationId: 'org-a',
    organizationRoles: ['staff', 'chef de café'],
    platformRoles: ['user'],
    audience: 'leave',
  }
  const assertion = signer.sign(claimsOf(identity, 'decision-1', nowMs))
  const golden = { at: nowS, assertion, jwks: { keys: signer.published(nowMs).keys } }
  const file = new URL('../../../go/testdata/assertion.json', import.meta.url)
  if (process.env['UPDATE_GOLDEN'] !== undefined) {
    const { writeFile } = await import('node:fs/promises')
    await writeFile(file, `${JSON.stringify(golden, null, 2)}\n`)
  }
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(golden)
})
