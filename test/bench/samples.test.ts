import { expect, it } from 'vitest'
import { addSample, interleave, median, medianOf } from '../../bench/harness/samples.ts'

it('takes the middle of an odd number, and the mean of the two of an even one', () => {
  expect(median([9, 1, 10])).toBe(9)
  expect(median([10, 1, 2, 9])).toBe(5.5)
  expect(median([])).toBeNaN()
})

it('keeps each round of each measure', () => {
  const samples = {}
  addSample(samples, 'a', { cpu: 3, rate: 10 })
  addSample(samples, 'a', { cpu: 1, rate: 30 })
  addSample(samples, 'b', { cpu: 5 })
  expect(samples).toEqual({ a: { cpu: [3, 1], rate: [10, 30] }, b: { cpu: [5] } })
  expect(medianOf(samples, 'a', 'cpu')).toBe(2)
  expect(medianOf(samples, 'b', 'rate')).toBeUndefined()
  expect(medianOf(samples, 'c', 'cpu')).toBeUndefined()
})

it('takes turns', async () => {
  const turns: string[] = []
  await interleave(2, ['a', 'b'], async (one, round) => {
    await Promise.resolve()
    turns.push(`${one}${round}`)
  })
  expect(turns).toEqual(['a1', 'b1', 'a2', 'b2'])
})
