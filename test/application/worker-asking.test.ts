import { expect, it } from 'vitest'
import { createWorkerAsking } from '../../src/application/worker-asking.ts'
import { virtualTime } from '../support/virtual-time.ts'

function asking() {
  const time = virtualTime()
  const sent: number[] = []
  const one = createWorkerAsking({ send: (id) => void sent.push(id), schedule: time.schedule })
  return { ...one, time, sent }
}
const metrics = { kind: 'metrics' } as const

it('an answer goes to its question, in any order', async () => {
  const { answered, ask, sent } = asking()
  const both = [ask(metrics, 100), ask({ kind: 'commit', version: 'v' }, 100)]
  answered(sent[1] ?? 0, { kind: 'commit', value: true })
  answered(sent[0] ?? 0, { kind: 'metrics', value: 'text' })
  expect(await Promise.all(both)).toEqual(['text', true])
})

it('what answers another kind, or nothing that was asked, is no answer', async () => {
  const { answered, ask, sent, time } = asking()
  const asked = ask({ kind: 'commit', version: 'v' }, 100)
  answered(sent[0] ?? 0, { kind: 'prepare', value: true })
  answered(99, { kind: 'commit', value: true })
  await time.pass(100)
  expect(await asked).toBeUndefined()
})

it('a late answer does no harm, and one that stands still is not sent ever more', async () => {
  const { answered, ask, sent, time } = asking()
  for (let count = 0; count < 200; count += 1) void ask(metrics, 10)
  await time.pass(10)
  expect([sent.length, await ask(metrics, 10)]).toEqual([64, undefined])
  answered(sent[0] ?? 0, { kind: 'metrics', value: 'late' })
  const asked = ask(metrics, 10)
  answered(sent.at(-1) ?? 0, { kind: 'metrics', value: 'now' })
  expect(await asked).toBe('now')
})

it('who has ended answers nothing', async () => {
  const { ask, close, sent } = asking()
  const asked = ask(metrics, 10)
  close()
  expect([await asked, await ask(metrics, 10), sent.length]).toEqual([undefined, undefined, 1])
})
