import { expect, it } from 'vitest'
import { at, FactNumbers } from '../../src/application/fact-numbers.ts'

it('each fact has numbers of its own, until it gives them back', () => {
  const rows = new FactNumbers()
  const taken = Array.from({ length: 10_000 }, () => rows.take())
  const write = (row: number, value: number): void => {
    for (const number of Object.values(at)) rows.of(row)[rows.startOf(row) + number] = value
  }
  taken.forEach(write)
  const read = (row: number): readonly number[] =>
    Object.values(at).map((number) => rows.of(row)[rows.startOf(row) + number] ?? Number.NaN)
  taken.forEach((row, value) => expect(new Set(read(row))).toEqual(new Set([value])))
  rows.give(taken[5_000] ?? -1)
  expect(rows.take()).toBe(taken[5_000])
  expect(taken).not.toContain(rows.take())
})
