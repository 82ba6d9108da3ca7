import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFirstCalm, type FirstCalm } from '../src/first-calm.ts'

let calm: FirstCalm
let isReached: boolean
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate'] })
  calm = createFirstCalm()
  isReached = false
  void calm.come().then(() => (isReached = true))
})
afterEach(() => vi.useRealTimers())

const afterMs = async (ms: number): Promise<boolean> => {
  await vi.advanceTimersByTimeAsync(ms)
  return isReached
}

describe('the first calm', () => {
  it('comes once PostgreSQL was heard of, but in a turn of its own', async () => {
    expect(await afterMs(50)).toBe(false)
    calm.databaseTold()
    for (let i = 0; i < 20; i += 1) await Promise.resolve()
    expect([isReached, await afterMs(0)]).toEqual([false, true])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits a little for a first check where PostgreSQL was heard of early', async () => {
    calm.databaseTold()
    expect(await afterMs(20)).toBe(false)
    calm.checksWaiting(1)
    expect(await afterMs(20)).toBe(false)
    calm.checksWaiting(0)
    expect(await afterMs(0)).toBe(true)
  })

  it('comes without a check', async () => {
    calm.databaseTold()
    expect([await afterMs(20), await afterMs(20)]).toEqual([false, true])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits for the checks that wait', async () => {
    calm.checksWaiting(1)
    calm.databaseTold()
    expect(await afterMs(50)).toBe(false)
    calm.checksWaiting(2)
    calm.checksWaiting(1)
    expect(await afterMs(50)).toBe(false)
    calm.checksWaiting(0)
    expect(await afterMs(0)).toBe(true)
  })

  it('does not come with the end of a check alone', async () => {
    calm.checksWaiting(1)
    calm.checksWaiting(0)
    expect(await afterMs(50)).toBe(false)
  })

  it.each([
    ['PostgreSQL does not say anything', false],
    ['there is always a check that waits', true],
  ])('comes all the same where %s', async (_case, checks) => {
    if (checks) {
      calm.checksWaiting(1)
      calm.databaseTold()
    }
    expect([await afterMs(200), await afterMs(100)]).toEqual([false, true])
    calm.checksWaiting(0)
    calm.databaseTold()
    expect(vi.getTimerCount()).toBe(0)
  })
})
