import fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { DurationHistogram } from '../../../src/adapters/prometheus/duration-histogram.ts'

const buckets = [0.001, 0.01, 0.1]
const value = fc.oneof(fc.constantFrom(0, ...buckets), fc.double({ min: 0, max: 0.2, noNaN: true }))

it('exposes what prom-client does of the same values', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(value), async (values) => {
      const [own, theirs] = [new Registry(), new Registry()]
      const named = { name: 'd_seconds', help: 'h', buckets: [...buckets] }
      const quick = new DurationHistogram({ ...named, registers: [own] })
      const usual = new Histogram({ ...named, registers: [theirs] })
      for (const one of values) {
        quick.count(one)
        usual.observe(one)
      }
      expect(await own.metrics()).toBe(await theirs.metrics())
      expect((await quick.get()).values).toMatchObject(
        (await usual.get()).values.map(({ labels, value }) => ({ labels, value })),
      )
    }),
  )
})
