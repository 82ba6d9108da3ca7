import { expect, it } from 'vitest'
import { readWorkerStart } from '../src/worker-start.ts'

it.each<[string, unknown, boolean]>([
  ['the same release', { version: '1.2.3', index: 0 }, true],
  ['another release, whose words may mean something else', { version: '1.2.4', index: 0 }, false],
  ['nobody', undefined, false],
  ['nothing', null, false],
])('a worker starts for %s or not', (_who, start, starts) => {
  expect(readWorkerStart(start, '1.2.3') !== undefined).toBe(starts)
})
