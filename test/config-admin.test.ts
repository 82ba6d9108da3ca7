import { describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'

const env = {
  BETTER_AUTH_SECRET: 'a secret of thirty-two characters or more',
  DATABASE_URL: 'postgres://localhost/app',
}

describe('TENANTGATE_ADMIN_DECISIONS', () => {
  it.each([
    [undefined, 10_000],
    ['', 10_000],
    ['0', 0],
    ['100000', 100_000],
  ])('%s keeps %i decisions', (value, kept) => {
    const reading = readConfig({ ...env, TENANTGATE_ADMIN_DECISIONS: value })
    expect(reading).toMatchObject({ config: { adminDecisions: kept } })
  })

  it.each(['-1', '1.5', '1e3', '100001', 'all'])('%s is refused', (value) => {
    const reading = readConfig({ ...env, TENANTGATE_ADMIN_DECISIONS: value })
    expect(reading).toMatchObject({ faults: [{ variable: 'TENANTGATE_ADMIN_DECISIONS' }] })
  })
})
