import { expect, it } from 'vitest'
import { createRecorder, WrongAnswer } from '../../bench/harness/recorder.ts'

const values = (cpu: number) => () => Promise.resolve({ cpu })
const failing =
  (...faults: readonly (Error | undefined)[]) =>
  () => {
    const fault = faults[calls]
    calls += 1
    return fault === undefined ? Promise.resolve({ cpu: 1 }) : Promise.reject(fault)
  }
let calls = 0
const recorder = () => {
  calls = 0
  return createRecorder(() => undefined)
}

it('keeps each round', async () => {
  const { result, take } = recorder()
  await take('a', values(1))
  await take('a', values(2))
  expect(result()).toEqual({ samples: { a: { cpu: [1, 2] } }, leftOut: {} })
})

it('tries a fault once more', async () => {
  const { isLeftOut, result, take } = recorder()
  await take('a', failing(new Error('a port was taken')))
  expect(result()).toEqual({ samples: { a: { cpu: [1] } }, leftOut: {} })
  expect(isLeftOut('a')).toBe(false)
})

it('leaves out who fails twice, with what was measured before', async () => {
  const { isLeftOut, result, take } = recorder()
  await take('a', values(1))
  await take('a', failing(new Error('one'), new Error('two\nlines')))
  await take('a', values(3))
  await take('b', values(4))
  expect(result()).toEqual({ samples: { b: { cpu: [4] } }, leftOut: { a: 'two lines' } })
  expect(isLeftOut('a')).toBe(true)
})

it('leaves out who answers wrongly at once', async () => {
  const { result, take } = recorder()
  await take('a', failing(new WrongAnswer('Wbad: allowed')))
  expect(calls).toBe(1)
  expect(result().leftOut).toEqual({ a: 'Wbad: allowed' })
})
