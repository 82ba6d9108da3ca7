import { expect, it } from 'vitest'
import { createProgress } from '../../src/commands/replay-progress.ts'

const long = 5_000_000_000

function progressOn(isTTY: boolean) {
  const written: string[] = []
  let nowMs = 0
  const stream = { isTTY, write: (text: string) => written.push(text) > 0 }
  const progress = createProgress(stream, () => nowMs)
  return { written, progress, wait: (ms: number) => (nowMs += ms) }
}

it('a bar is drawn in its place, ten times a second, and taken away', () => {
  const { progress, wait, written } = progressOn(true)
  progress.show(0, long)
  progress.show(1, long)
  wait(100)
  progress.show(long / 2, long)
  progress.clear()
  expect(written).toEqual([
    `\r${'░'.repeat(30)} 0 % of 5000 MB`,
    `\r${'█'.repeat(15)}${'░'.repeat(15)} 50 % of 5000 MB`,
    '\r\u001b[2K',
  ])
})

it.each([
  ['nobody looks', false, long],
  ['the input is short', true, 1_000_000],
])('nothing is drawn where %s', (_title, isTTY, of) => {
  const { progress, written } = progressOn(isTTY)
  progress.show(of / 2, of)
  progress.clear()
  expect(written).toEqual([])
})
