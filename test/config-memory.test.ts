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

describe('TENANTGATE_MAX_SUBJECTS', () => {
  it.each([
    [undefined, 65_536],
    ['1000', 1_000],
    ['10000000', 10_000_000],
  ])('%s keeps %i subjects', (value, kept) => {
    const reading = readConfig({ ...env, TENANTGATE_MAX_SUBJECTS: value })
    expect(reading).toMatchObject({ config: { maxSubjects: kept } })
  })

  it.each(['0', '999', '10000001', '1e6', 'all'])('%s is refused', (value) => {
    const reading = readConfig({ ...env, TENANTGATE_MAX_SUBJECTS: value })
    expect(reading).toMatchObject({ faults: [{ variable: 'TENANTGATE_MAX_SUBJECTS' }] })
  })
})
