import { expect, it } from 'vitest'
import { watchDatabase } from '../../src/application/watch-database.ts'

/** A watch whose timers run only when told to. */
function controlled(answers: (count: number) => boolean) {
  const scheduled: { task: () => void; afterMs: number; cancelled: boolean }[] = []
  const changes: boolean[] = []
  let probes = 0
  let settled = Promise.resolve()
  const watch = watchDatabase({
    probe: () => {
      probes += 1
      return answers(probes) ? Promise.resolve() : Promise.reject(new Error('refused'))
    },
    onAnswer: () => undefined,
    onFailure: () => undefined,
    onChange: (answered) => void changes.push(answered),
    schedule(task, afterMs) {
      const entry = { task, afterMs, cancelled: false }
      scheduled.push(entry)
      return { cancel: () => (entry.cancelled = true) }
    },
  })
  /** Lets the probe under way end, then runs the timer it set. */
  const next = async (): Promise<number> => {
    await new Promise<void>((resolve) => setImmediate(resolve))
    const entry = scheduled.at(-1)
    entry?.task()
    settled = new Promise<void>((resolve) => setImmediate(resolve))
    await settled
    return entry?.afterMs ?? 0
  }
  return { watch, next, changes, probes: () => probes, scheduled }
}

it('asks again with back-off while there is no answer, calmly while there is', async () => {
  const { next, changes } = controlled((count) => count > 5)
  const waits: number[] = []
  for (let round = 0; round < 7; round += 1) waits.push(await next())
  expect(waits).toEqual([200, 400, 800, 1_000, 1_000, 10_000, 10_000])
  expect(changes).toEqual([false, true])
})

it('looks at once when asked while it answers, and never more often while it does not', async () => {
  let up = true
  const { watch, next, changes, probes } = controlled(() => up)
  await next()
  const before = probes()
  up = false
  watch.look()
  await new Promise<void>((resolve) => setImmediate(resolve))
  expect([probes() - before, changes]).toEqual([1, [true, false]])
  for (let asked = 0; asked < 1_000; asked += 1) watch.look()
  expect(probes() - before).toBe(1)
})

it('says and plans nothing more where it is closed while it asks', async () => {
  const { watch, scheduled, changes } = controlled(() => true)
  watch.close() // the first probe is under way
  await new Promise<void>((resolve) => setImmediate(resolve))
  expect([scheduled.length, changes]).toEqual([0, []])
})

it('stops when it is closed', async () => {
  const { watch, scheduled, probes } = controlled(() => true)
  await new Promise<void>((resolve) => setImmediate(resolve))
  watch.close()
  expect(scheduled.every(({ cancelled }) => cancelled)).toBe(true)
  watch.look()
  expect(probes()).toBe(1)
})
