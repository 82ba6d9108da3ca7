import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWorkerPool } from '../../src/application/worker-pool.ts'
import type { WorkerDeath } from '../../src/application/worker-slot.ts'
import type { News, Question } from '../../src/application/worker-talk.ts'
import {
  fakeWorkers,
  readyState,
  type FakeProcess,
  type FakeStart,
} from '../support/fake-workers.ts'
import { virtualTime } from '../support/virtual-time.ts'

const drainMs = 5_000

/** A pool of so many fake processes; which of them hang is told by `hanging`. */
function poolOf(count: number) {
  const time = virtualTime()
  const hanging = new Set<FakeProcess>()
  const workers = fakeWorkers((process, { kind }: Question) =>
    hanging.has(process)
      ? undefined
      : kind === 'state'
        ? readyState('v1')
        : kind === 'drain'
          ? { kind, value: true }
          : undefined,
  )
  const deaths: WorkerDeath[] = []
  const farewells: number[] = []
  let readied = 0
  const pool = createWorkerPool<FakeStart>({
    count,
    startProcess: workers.startProcess,
    startOf: (index, address) => ({ index, address, version: 'v1' }),
    schedule: time.schedule,
    monotonicNow: time.nowMs,
    drainMs,
    stopMs: 3_000,
    onDied: (death) => void deaths.push(death),
    onFarewell: (index) => void farewells.push(index),
    onEnded: () => undefined,
    onReady: () => void (readied += 1),
  })
  return { pool, time, workers, hanging, deaths, farewells, readied: () => readied }
}

/** A pool that has started. */
async function started(count: number) {
  const all = poolOf(count)
  const starting = all.pool.start()
  await all.time.pass(100)
  expect(await starting).toEqual(Array.from({ length: count }, (_, index) => `:${index}`))
  return all
}

const drains = ({ orders }: FakeProcess): boolean =>
  orders.some((order) => order.type === 'ask' && order.question.kind === 'drain')

describe('a pool', () => {
  it('is ready once, when all are', async () => {
    const { pool, readied, time, workers } = poolOf(2)
    workers.healthy = false
    const starting = pool.start()
    await time.pass(50)
    workers.healthy = true
    workers.all[0]?.tell({ type: 'listening', address: ':0' })
    await time.pass(500)
    expect(readied()).toBe(0)
    workers.all[1]?.tell({ type: 'listening', address: ':1' })
    await time.pass(500)
    expect([await starting, readied()]).toEqual([[':0', ':1'], 1])
  })

  it('does not start where one cannot, and says why', async () => {
    const { pool, time, workers } = poolOf(2)
    workers.healthy = false
    const starting = pool.start()
    workers.all[1]?.tell({ type: 'failed', code: 'CONFIG_INVALID', message: 'the port is taken' })
    await expect(starting).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'the port is taken',
    })
    const stopping = pool.stop()
    for (const process of workers.living()) process.end('exited with status 0')
    await time.pass(60_000)
    await stopping
    expect(workers.all).toHaveLength(2)
  })

  it('does not start where one ends without a word', async () => {
    const { pool, workers } = poolOf(2)
    workers.healthy = false
    const starting = pool.start()
    workers.all[0]?.end('was ended by SIGSEGV')
    await expect(starting).rejects.toThrow('worker 0 ended at its start: was ended by SIGSEGV')
  })

  it('starts one that died again at its address, at once where it had worked', async () => {
    const { deaths, time, workers } = await started(2)
    await time.pass(20_000)
    workers.living(1)[0]?.end('was ended by SIGKILL')
    await time.pass(0)
    expect(deaths).toEqual([{ index: 1, how: 'was ended by SIGKILL', againInMs: 0 }])
    expect(workers.living(1)[0]?.start).toEqual({ index: 1, address: ':1', version: 'v1' })
    expect(workers.all).toHaveLength(3)
  })

  it('waits ever longer for one that dies at once, and not once it works again', async () => {
    const { deaths, time, workers } = await started(1)
    for (let times = 0; times < 10; times += 1) {
      workers.living(0)[0]?.end('exited with status 1')
      await time.pass(deaths.at(-1)?.againInMs ?? 0)
    }
    expect(deaths.map(({ againInMs }) => againInMs)).toEqual([
      ...[100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000],
    ])
    await time.pass(60_000)
    workers.living(0)[0]?.end('exited with status 1')
    expect(deaths.at(-1)?.againInMs).toBe(0)
  })

  it('ends one that does not answer any more, and one that never listens', async () => {
    const { deaths, hanging, time, workers } = await started(2)
    const [hung] = workers.living(0)
    if (hung !== undefined) hanging.add(hung)
    await time.pass(60_000)
    expect(deaths).toMatchObject([{ index: 0, how: 'was ended by SIGKILL: it does not answer' }])
    workers.healthy = false
    workers.living(1)[0]?.end('was ended by SIGKILL')
    await time.pass(31_000)
    expect(deaths.map(({ how }) => how)).toContain(
      'was ended by SIGKILL: it did not listen in time',
    )
  })

  it('lets one that was asked to end drain, and replaces it', async () => {
    const { farewells, time, workers } = await started(2)
    const [leaving] = workers.living(1)
    leaving?.tell({ type: 'leaving' })
    await time.pass(drainMs - 200)
    expect([leaving && drains(leaving), leaving?.alive()]).toEqual([true, true])
    await time.pass(500)
    expect([leaving?.alive(), workers.living(1).length, farewells]).toEqual([false, 1, [1]])
  })
})

describe('what a process says out of turn', () => {
  it.each<[string, News]>([
    ['that it listens, again', { type: 'listening', address: ':9' }],
    ['that it leaves, again', { type: 'leaving' }],
  ])('%s, does not keep it from being replaced', async (_title, news) => {
    const { pool, time, workers } = await started(2)
    const [leaving] = workers.living(1)
    leaving?.tell({ type: 'leaving' })
    await time.pass(drainMs - 200)
    leaving?.tell(news)
    await time.pass(500)
    expect([leaving?.alive(), pool.places[1]?.address()]).toEqual([false, ':1'])
  })
})

describe('replacing all', () => {
  it('does not begin where one is not ready', async () => {
    const { hanging, pool, time, workers } = await started(2)
    const begin = workers.living()
    workers.living(1).forEach((one) => hanging.add(one))
    await time.pass(3_000)
    workers.healthy = false
    const outcome = expect(pool.replaceAll()).rejects.toThrow('not all workers are ready')
    await time.pass(61_000)
    await outcome
    expect(begin.some(drains)).toBe(false)
  })

  it('drains the next one only when all are ready again', async () => {
    const { pool, time, workers } = await started(3)
    const first = workers.living()
    const replacing = pool.replaceAll()
    for (let step = 0; step < 60; step += 1) {
      await time.pass(500)
      expect(workers.living().filter(drains).length).toBeLessThanOrEqual(1)
      expect(workers.living().length).toBeGreaterThanOrEqual(2)
    }
    await replacing
    expect(first.map((one) => [drains(one), one.alive()])).toEqual(Array(3).fill([true, false]))
    expect(workers.living()).toHaveLength(3)
  })

  it('stops where a new one does not get ready, and leaves the others alone', async () => {
    const { pool, time, workers } = await started(2)
    const [, second] = workers.living()
    const replacing = pool.replaceAll()
    const outcome = expect(replacing).rejects.toThrow('worker 0 was replaced, and is not ready')
    await time.pass(drainMs - 100)
    workers.healthy = false
    await time.pass(100)
    workers.living(0)[0]?.end('exited with status 0')
    await time.pass(90_000)
    await outcome
    // It is asked how it is, as before, and nothing else.
    expect(second && drains(second)).toBe(false)
  })

  it('is refused while it is under way, and ends when the service does', async () => {
    const { pool, time, workers } = await started(2)
    const replacing = pool.replaceAll()
    await expect(pool.replaceAll()).rejects.toThrow('already')
    const outcome = expect(replacing).rejects.toThrow()
    pool.drain()
    await outcome
    const stopping = pool.stop()
    await time.pass(20_000)
    await stopping
    expect(workers.living()).toEqual([])
  })
})

describe('stopping', () => {
  it('drains all at once, ends them, and kills who does not end', async () => {
    const { pool, time, workers } = await started(2)
    pool.drain()
    await time.pass(10)
    expect(workers.living().map(drains)).toEqual([true, true])
    workers.healthy = false
    const stopping = pool.stop()
    await time.pass(2_900)
    expect(workers.living()).toHaveLength(2)
    await time.pass(200)
    await stopping
    expect([workers.living(), workers.all.length]).toEqual([[], 2])
  })
})

type Step = (all: Awaited<ReturnType<typeof started>>) => void
const place = fc.nat({ max: 2 })
/** What may happen to a pool, in any order. */
const step: fc.Arbitrary<readonly [string, Step]> = fc.oneof(
  place.map((at): [string, Step] => [
    `${at} dies`,
    ({ workers }) => workers.living(at)[0]?.end('was ended by SIGKILL'),
  ]),
  place.map((at): [string, Step] => [
    `${at} leaves`,
    ({ workers }) => workers.living(at)[0]?.tell({ type: 'leaving' }),
  ]),
  place.map((at): [string, Step] => [
    `${at} hangs`,
    ({ hanging, workers }) => workers.living(at).forEach((one) => hanging.add(one)),
  ]),
  place.map((at): [string, Step] => [
    `${at} fails`,
    ({ workers }) => {
      workers.living(at)[0]?.tell({ type: 'failed', code: 'CONFIG_INVALID', message: 'why' })
      workers.living(at)[0]?.end('exited with status 1')
    },
  ]),
  place.map((at): [string, Step] => [
    `${at} says again that it listens`,
    ({ workers }) => workers.living(at)[0]?.tell({ type: 'listening', address: ':9' }),
  ]),
  fc
    .boolean()
    .map((healthy): [string, Step] => [
      healthy ? 'processes work' : 'processes do nothing',
      ({ workers }) => void (workers.healthy = healthy),
    ]),
  fc.constant<[string, Step]>([
    'all are replaced',
    ({ pool }) => void pool.replaceAll().catch(() => undefined),
  ]),
  fc
    .constantFrom(1, 90, 600, 5_000, 40_000)
    .map((ms): [string, Step] => [`${ms}`, () => undefined]),
)

describe('whatever dies when', () => {
  it('the wanted number comes back, never two at one address, and none stays at the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const all = await started(3)
        const { pool, time, workers } = all
        for (const [what, act] of steps) {
          act(all)
          await time.pass(/^\d+$/.test(what) ? Number(what) : 5)
          expect(workers.living().length).toBeLessThanOrEqual(3)
        }
        workers.healthy = true
        await time.pass(400_000)
        expect(pool.places.map(({ address }) => address())).toEqual([':0', ':1', ':2'])
        expect(pool.workers().map(({ index, serving }) => [index, serving])).toEqual([
          ...[0, 1, 2].map((index) => [index, true]),
        ])
        const stopping = pool.stop()
        await time.pass(60_000)
        await stopping
        const made = workers.all.length
        await time.pass(60_000)
        expect([workers.living(), workers.all.length]).toEqual([[], made])
      }),
      { numRuns: 150 },
    )
  })
})
