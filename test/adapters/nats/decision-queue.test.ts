import { describe, expect, it } from 'vitest'
import { createDecisionQueue } from '../../../src/adapters/nats/decision-queue.ts'

function queue() {
  const gone: string[] = []
  const made = createDecisionQueue({ maxBytes: 1_000, onGone: ({ line }) => void gone.push(line) })
  const waiting = (): string[] => {
    const { first, next } = made.range()
    return Array.from({ length: next - first }, (_, index) => made.at(first + index)).flatMap(
      (line) => (line === undefined || line.stored ? [] : [line.line]),
    )
  }
  return { ...made, gone, waiting }
}

describe('policies that wait for a stream', () => {
  it('stay with the one before, under which decisions may still come', () => {
    const { put, putPolicy, waiting } = queue()
    for (const policy of ['P0', 'P1', 'P2', 'P3']) putPolicy(policy, policy)
    put('d', 'decision of P2')
    expect(waiting()).toEqual(['P2', 'P3', 'decision of P2'])
  })

  it('stay each where decisions stand between them', () => {
    const { put, putPolicy, waiting } = queue()
    for (const policy of ['P0', 'P1']) {
      putPolicy(policy, policy)
      put(policy, `decision of ${policy}`)
    }
    putPolicy('P2', 'P2')
    expect(waiting()).toEqual(['P0', 'decision of P0', 'P1', 'decision of P1', 'P2'])
  })

  it('are bounded in number, and what gave way leaves the queue', () => {
    const { bytes, gone, putPolicy, range, settle, waiting } = queue()
    for (let number = 0; number < 5_000; number += 1) putPolicy('id', 'P')
    expect([waiting(), bytes()]).toEqual([['P', 'P'], 2])
    expect(gone).toHaveLength(4_998)
    const { first, next } = range()
    for (let number = first; number < next; number += 1) settle(number)
    expect([waiting(), bytes(), gone.length]).toEqual([[], 0, 5_000])
  })
})
