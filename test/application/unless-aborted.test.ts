import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { unlessAborted } from '../../src/application/unless-aborted.ts'

const never = (): Promise<string> => new Promise(() => undefined)
const aborted = (): string => 'aborted'
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

describe('work under a signal', () => {
  it.each(['told', 'late'])('settles as it does where nothing aborts: %s', async (told) => {
    const { signal } = new AbortController()
    const { promise, reject, resolve } = Promise.withResolvers<string>()
    const settled = unlessAborted(promise, signal, aborted)
    expect(listeners(signal)).toBe(1)
    if (told === 'told') resolve(told)
    else reject(new Error(told))
    await expect(settled.catch((cause: unknown) => (cause as Error).message)).resolves.toBe(told)
    expect(listeners(signal)).toBe(0) // one signal may see thousands of them
  })

  it('is given up at once when the signal aborts', async () => {
    const aborter = new AbortController()
    const settled = unlessAborted(never(), aborter.signal, aborted)
    aborter.abort()
    expect(await settled).toBe('aborted')
  })

  it('is given up where the signal has aborted already', async () => {
    expect(await unlessAborted(never(), AbortSignal.abort(), aborted)).toBe('aborted')
  })

  it('counts all the same where it was done before that', async () => {
    expect(await unlessAborted(Promise.resolve('done'), AbortSignal.abort(), aborted)).toBe('done')
    const failed = unlessAborted(Promise.reject(new Error('why')), AbortSignal.abort(), aborted)
    await expect(failed).rejects.toThrow('why')
  })

  it.each([
    ['when it aborts', (aborter: AbortController) => aborter.abort()],
    ['where it has aborted', undefined],
  ])('rejects with what is thrown %s', async (_title, abort) => {
    const aborter = new AbortController()
    if (abort === undefined) aborter.abort()
    const settled = unlessAborted(never(), aborter.signal, () => {
      throw new Error('too late')
    })
    abort?.(aborter)
    await expect(settled).rejects.toThrow('too late')
  })

  it('may fail later without anybody to hear it', async () => {
    const aborter = new AbortController()
    const { promise, reject } = Promise.withResolvers<string>()
    const settled = unlessAborted(promise, aborter.signal, aborted)
    aborter.abort()
    expect(await settled).toBe('aborted')
    reject(new Error('nobody listens')) // unhandled, it would fail the test
    await new Promise((resolve) => setImmediate(resolve))
  })
})
