import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { compareToBaseline, decides, ratiosOf, type Ratios } from '../../bench/harness/baseline.ts'

const baseline = { service: 2, decode: 0.4 }

it.each([
  ['as it was', { service: 2, decode: 0.4 }, []],
  ['better', { service: 1, decode: 0.1 }, []],
  ['worse within what is allowed', { service: 2.5, decode: 0.5 }, []],
  ['worse than that', { service: 2.51, decode: 0.4 }, ['service: 2.51 instead of 2.00, 25 % more']],
  ['not measured', { service: 2 }, ['decode: not measured']],
  ['no number', { service: NaN, decode: 0.4 }, ['service: not measured']],
  ['something new beside it', { service: 2, decode: 0.4, encode: 9 }, []],
])('%s', (_title, measured: Readonly<Record<string, number>>, losses) => {
  expect(compareToBaseline(baseline, measured)).toEqual(losses)
})

it('what decides is the whole service; parts only say where to look', () => {
  const baseline = JSON.parse(
    readFileSync(new URL('../../bench/baseline.json', import.meta.url), 'utf8'),
  ) as Ratios
  expect(Object.keys(ratiosOf(baseline, decides))).toEqual([
    'service, lean, log off',
    'service, lean, log on',
  ])
  expect(Object.keys(ratiosOf(baseline, (name) => !decides(name))).length).toBeGreaterThan(5)
})
