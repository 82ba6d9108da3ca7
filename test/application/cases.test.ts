import { describe, expect, it } from 'vitest'
import { runPolicyCases } from '../../src/application/policy-cases.ts'
import { nowMs } from '../support/builders.ts'
import { loadCaseFiles } from '../support/case-files.ts'

describe.each(loadCaseFiles())('the policy $name', ({ policy, cases }) => {
  it.each(cases)('$name', async (one) => {
    const [result] = await runPolicyCases(policy, [one], nowMs)
    expect(result?.actual).toBe(result?.expected)
  })

  it('has cases of grants and of several refusals', () => {
    const outcomes = new Set(cases.map(({ expected }) => JSON.stringify(expected)))
    expect(outcomes).toContain('"allow"')
    expect(outcomes.size).toBeGreaterThan(5)
  })
})
