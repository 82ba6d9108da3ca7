import { describe, expect, it } from 'vitest'
import { createAttempt } from '../../../src/adapters/nats/attempt.ts'
import { during } from '../../support/eventually.ts'
import { until } from '../../support/poll.ts'

function opened() {
  const ends: string[] = []
  return { ends, ...createAttempt((why) => void ends.push(why)) }
}
const never = new Promise<never>(() => undefined)

describe('an attempt', () => {
  it('ends once, at once, and undoes all', async () => {
    const { end, ended, ends, onEnd } = opened()
    const undone: string[] = []
    onEnd(() => undone.push('a'))
    end('first')
    end('second')
    onEnd(() => undone.push('late'))
    expect({ ended: ended(), ends, undone }).toEqual({
      ended: true,
      ends: ['first'],
      undone: ['a', 'late'],
    })
  })

  it('lets all that waits on it go when it ends, and what comes after', async () => {
    const { end, pause, within } = opened()
    const waiting = [within(never, 60_000, 'x'), pause(60_000)]
    end('the end')
    for (const one of [
      ...waiting,
      within(never, 60_000, 'x'),
      pause(60_000),
      within(Promise.reject(new Error('no')), 1, 'x'),
    ]) {
      await expect(one).rejects.toThrow('the end')
    }
  })

  it('gives what the work gives', async () => {
    const { ends, within } = opened()
    expect(await within(Promise.resolve(1), 1_000, 'x')).toBe(1)
    await expect(within(Promise.reject(new Error('no')), 1_000, 'x')).rejects.toThrow('no')
    expect(ends).toEqual([])
  })

  it('ends when no answer comes in time', async () => {
    const { ends, within } = opened()
    await expect(within(never, 20, 'ping')).rejects.toThrow('ping: no answer within 20 ms')
    expect(ends).toHaveLength(1)
  })

  it('reads an answer that lay there while the process stood still', async () => {
    const { ends, within } = opened()
    const answer = new Promise((resolve) => setImmediate(resolve, 'there'))
    const waiting = within(answer, 20, 'ping')
    const until = performance.now() + 60
    while (performance.now() < until); // the process stands still
    expect(await waiting).toBe('there')
    expect(ends).toEqual([])
  })

  it('ends when its watchdog is not fed', async () => {
    const { ends, watchdog } = opened()
    const feed = watchdog(150, 'silence')
    await during(400, feed, 10)
    expect(ends).toEqual([])
    await until(() => ends.length > 0, { what: 'the end', withinMs: 1_000 })
    expect(ends).toEqual(['silence'])
    feed()
  })
})
