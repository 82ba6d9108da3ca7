import { expect, it } from 'vitest'
import { createLineQueue, type LineQueue } from '../../../src/adapters/pino/line-queue.ts'

function linesOf(queue: LineQueue): readonly string[] {
  const lines: string[] = []
  for (let chunk = queue.take(); chunk !== undefined; chunk = queue.take()) {
    lines.push(...chunk.bytes.toString().trimEnd().split('\n'))
    queue.settle(chunk)
  }
  return lines
}

it('keeps the last two of several policies: under the first of them checks may still be made', () => {
  const queue = createLineQueue(1e6)
  for (const policy of ['p1', 'p2', 'p3', 'p4']) queue.putPolicy(policy)
  expect(queue.lines()).toBe(2)
  queue.put('d3')
  expect(linesOf(queue)).toEqual(['p3', 'p4', 'd3'])
  expect([queue.lines(), queue.bytes()]).toEqual([0, 0])
})

it('keeps every policy that decisions stand behind', () => {
  const queue = createLineQueue(1e6)
  for (const line of ['p1', 'd1', 'p2', 'd2', 'p3', 'd3']) {
    if (line.startsWith('p')) queue.putPolicy(line)
    else queue.put(line)
  }
  expect(linesOf(queue)).toEqual(['p1', 'd1', 'p2', 'd2', 'p3', 'd3'])
})
