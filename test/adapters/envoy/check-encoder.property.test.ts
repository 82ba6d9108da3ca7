import fc from 'fast-check'
import { expect, it } from 'vitest'
import { allAnswerAlike, answers } from '../../support/codec-properties.ts'

it('an answer says what proto-loader writes of the plain one, whatever was decided', async () => {
  let passed = 0
  await fc.assert(
    fc.asyncProperty(answers, async (all) => {
      passed += await allAnswerAlike(all)
    }),
    { numRuns: 400 },
  )
  expect(passed).toBeGreaterThan(500)
})
