import fc from 'fast-check'
import { expect, it } from 'vitest'
import { anyMessages, loadedMessages } from '../../support/check-messages.ts'
import { readsAlike, readsWhatIsWritten } from '../../support/codec-properties.ts'

it('what proto-loader writes is read as proto-loader reads it', () => {
  fc.assert(fc.property(loadedMessages, readsWhatIsWritten), { numRuns: 2_000 })
})

it('any bytes are read as a plain reader reads them, or refused where it gives up', () => {
  const told = { refused: 0, read: 0, 'read by all': 0 }
  fc.assert(
    fc.property(anyMessages, (bytes) => {
      told[readsAlike(bytes)] += 1
    }),
    { numRuns: 6_000 },
  )
  // Else it was no test of either.
  expect(told.refused).toBeGreaterThan(1_000)
  expect(told['read by all']).toBeGreaterThan(1_000)
})
