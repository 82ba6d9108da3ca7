import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  createDifferential,
  differences,
  type Differential,
} from '../../support/http2-differential.ts'

const requests = 60

let differential: Differential
beforeAll(async () => {
  differential = await createDifferential()
})
afterAll(() => differential.close())

// The last has two messages of which the first is unreadable, which hardly any other seed has.
it.each([1, 2, 3, 4, 5, 6, 30_056_200])(
  'answers as the transport on grpc-js does, but for what is listed (seed %d)',
  async (seed) => {
    expect(await differential.run(seed, requests)).toEqual([])
  },
)

it('has seen all that is listed, and twice as often nothing of it', () => {
  const { seen } = differential
  expect(differences.filter(({ why }) => !seen.has(why))).toEqual([])
  expect(seen.get('')).toBeGreaterThan(150)
})
