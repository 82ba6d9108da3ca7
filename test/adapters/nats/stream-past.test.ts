import type { StreamInfo } from '@nats-io/jetstream'
import { describe, expect, it } from 'vitest'
import type { Position } from '../../../src/adapters/nats/stream-history.ts'
import { createStreamPast } from '../../../src/adapters/nats/stream-past.ts'
import { createStreamProof } from '../../../src/adapters/nats/stream-proof.ts'
import { recordingListener } from '../../support/recording-listener.ts'

const nowMs = 10_000_000
const clock = () => ({ monotonicMs: 0, wallMs: nowMs })
const position = { created: 'then', sequence: 50, storedAtMs: 0 }

/** A look at a stream of old messages. */
function look(
  first_seq: number,
  last_seq: number,
  more: { holes?: number; created?: string; firstMs?: number; filters?: string[] } = {},
) {
  const {
    holes = 0,
    created = new Date(0).toISOString(),
    firstMs = 0,
    filters = ['member.>'],
  } = more
  const messages = last_seq - first_seq + 1 - holes
  const first_ts = new Date(firstMs).toISOString()
  const info = {
    created,
    config: { max_age: 0 },
    state: { first_seq, last_seq, messages, first_ts, last_ts: first_ts },
  }
  return { info: info as unknown as StreamInfo, filters }
}

function past(resumeAt?: Position) {
  const told = recordingListener()
  const opened = createStreamPast({
    ...{ first: look(10, 100), resumeAt, startedMs: nowMs, windowMs: 1_000, marginMs: 100 },
    ...{ prefix: '', clock, told, onGap: () => undefined },
  })
  opened.begin()
  return { ...opened, told }
}

const replaying = { reached: 0, proved: false }

describe('a session that begins anew', () => {
  it('starts the margin before what it tells as its beginning', () => {
    const { start, told } = past()
    expect(start).toEqual({ timeMs: nowMs - 1_100 })
    expect(told.of('began').map(({ sinceWallMs }) => sinceWallMs)).toEqual([nowMs - 1_000])
  })

  it('vouches for less where the stream drops young messages during the replay', () => {
    const { judge, told } = past()
    expect(judge(look(11, 100), replaying)).toBeUndefined()
    expect(judge(look(60, 100, { firstMs: nowMs - 500 }), replaying)).toBeUndefined()
    expect(judge(look(60, 100, { holes: 1 }), replaying)).toBeUndefined()
    expect(told.of('began').map(({ sinceWallMs }) => sinceWallMs)).toEqual([
      ...[nowMs - 1_000, nowMs - 400, nowMs],
    ])
  })

  it('takes no offence at what is dropped after it was handed over', () => {
    const { judge, told } = past()
    expect(judge(look(10, 100), { reached: 100, proved: true })).toBeUndefined()
    expect(judge(look(101, 100), { reached: 100, proved: true })).toBeUndefined()
    expect(told.outline()).toEqual(['began'])
  })

  it('is lost where messages are gone that were perhaps not handed over', () => {
    const why = 'the stream removed messages before they were read'
    const { judge } = past()
    judge(look(10, 100), { reached: 100, proved: true })
    // What was reached since then may have skipped what is gone.
    expect(judge(look(103, 105), { reached: 105, proved: true })).toBe(why)
    const other = past()
    other.judge(look(10, 100), { reached: 100, proved: true })
    expect(other.judge(look(10, 105, { holes: 1 }), { reached: 105, proved: true })).toBe(why)
  })

  it.each([
    ['was made anew', look(1, 1, { created: 'now' })],
    ['takes other subjects', look(10, 100, { filters: ['user.>'] })],
  ])('is lost where the stream %s', (_title, now) => {
    expect(past().judge(now, replaying)).toBeDefined()
  })
})

describe('a session that resumes', () => {
  it('starts after its position and tells so', () => {
    const { start, told } = past(position)
    expect(start).toEqual({ sequence: 51 })
    expect(told.outline()).toEqual(['resumed'])
  })

  it.each([
    ['the next message went before it was handed over', look(52, 100)],
    ['one in between went', look(10, 100, { holes: 1 })],
  ])('is lost where %s', (_title, now) => {
    expect(past(position).judge(now, replaying)).toBeDefined()
  })

  it('goes on where only older ones went', () => {
    expect(past(position).judge(look(51, 100), replaying)).toBeUndefined()
  })
})

describe('a proof', () => {
  const at = (monotonicMs: number) => ({ monotonicMs, wallMs: monotonicMs })
  const end = (sequence: number) => ({ ...position, sequence })

  function opened() {
    const proved: number[] = []
    let reached = 0
    const proof = createStreamProof({
      reached: () => reached,
      onProved: ({ monotonicMs }) => void proved.push(monotonicMs),
    })
    const reach = (sequence: number) => {
      reached = sequence
      proof.settle()
    }
    return { ...proof, proved, reach }
  }

  it('waits until all up to the end of then is handed over', () => {
    const { expect: ask, given, proved, reach } = opened()
    ask(at(1), end(5))
    ask(at(2), end(7))
    reach(4)
    expect(proved).toEqual([])
    expect(given()).toBe(false)
    reach(6)
    expect(proved).toEqual([1])
    reach(7)
    expect(proved).toEqual([1, 2])
    ask(at(3), end(7))
    expect(proved).toEqual([1, 2, 3])
  })

  it('is given for the newest moment, and once', () => {
    const { expect: ask, proved, reach } = opened()
    for (const moment of [1, 2, 3]) ask(at(moment), end(moment))
    reach(9)
    reach(10)
    expect(proved).toEqual([3])
  })

  it('forgets the oldest moments when there are many', () => {
    const { expect: ask, proved, reach } = opened()
    for (let moment = 1; moment <= 17; moment += 1) ask(at(moment), end(moment))
    reach(1)
    expect(proved).toEqual([])
    reach(2)
    expect(proved).toEqual([2])
  })
})
