import type { StoredMsg, StreamInfo } from '@nats-io/jetstream'
import { describe, expect, it } from 'vitest'
import { continues, unsuitable, vouchedSince } from '../../../src/adapters/nats/stream-history.ts'

const at = (ms: number) => new Date(ms).toISOString()
const day = 86_400_000
const nowMs = 100 * day

/** A stream of 100 messages, the last a second old, in which nothing was ever removed. */
function infoOf({ config = {}, state = {}, created = at(0) } = {}): StreamInfo {
  return {
    created,
    config: {
      subjects: ['member.>'],
      max_age: 0,
      max_msgs_per_subject: -1,
      retention: 'limits',
      ...config,
    },
    state: {
      messages: 100,
      first_seq: 1,
      first_ts: at(day),
      last_seq: 100,
      last_ts: at(nowMs - 1_000),
      ...state,
    },
  } as unknown as StreamInfo
}

describe('vouchedSince', () => {
  const fromMs = nowMs - 60_000
  it.each([
    ['the start, where all is there', {}, fromMs],
    ['after the creation', { created: at(nowMs - 30_000) }, nowMs - 25_000],
    ['now, where it was made just now', { created: at(nowMs - 1_000) }, nowMs],
    [
      'after the first left, where some were removed',
      { state: { first_seq: 51, messages: 50, first_ts: at(nowMs - 20_000) } },
      nowMs - 15_000,
    ],
    [
      'the start, where only older ones were removed',
      { state: { first_seq: 51, messages: 50 } },
      fromMs,
    ],
    [
      'after the last there was, where all were removed',
      {
        state: {
          first_seq: 101,
          messages: 0,
          first_ts: '0001-01-01T00:00:00Z',
          last_ts: at(nowMs - 40_000),
        },
      },
      nowMs - 35_000,
    ],
    ['what its age keeps, and the margin', { config: { max_age: 30_000 * 1e6 } }, nowMs - 25_000],
    ['now, where one in between is missing', { state: { messages: 99 } }, nowMs],
    ['now, where a time cannot be read', { created: 'x' }, nowMs],
  ])('is %s', (_title, info, since) => {
    expect(vouchedSince(infoOf(info), { nowMs, fromMs, marginMs: 5_000 })).toBe(since)
  })
})

describe('continues', () => {
  const storedAtMs = nowMs - 5_000
  const position = { created: at(0), sequence: 90, storedAtMs }
  const there = async (seq: number) => ({ seq, time: new Date(storedAtMs) }) as StoredMsg

  it('where the message of the position is still there', async () => {
    expect(await continues(position, infoOf(), there)).toBe(true)
  })

  it('where nothing came since, without reading', async () => {
    const end = { created: at(0), sequence: 100, storedAtMs: nowMs - 1_000 }
    const read = () => Promise.reject(new Error('no permission'))
    expect(await continues(end, infoOf(), read)).toBe(true)
    expect(await continues({ ...end, storedAtMs: 5 }, infoOf(), read)).toBe(false)
  })

  it('where nothing was ever in it', async () => {
    const empty = { ...position, sequence: 0, storedAtMs: 0 }
    expect(await continues(empty, infoOf(), there)).toBe(true)
    expect(await continues(empty, infoOf({ state: { first_seq: 2, messages: 99 } }), there)).toBe(
      false,
    )
  })

  it.each([
    ['it was made anew', { created: at(1) }],
    ['it ends earlier', { state: { last_seq: 89, messages: 89 } }],
    ['the next message is gone', { state: { first_seq: 92, messages: 9 } }],
    ['one in between is missing', { state: { messages: 99 } }],
  ])('not where %s', async (_title, info) => {
    expect(await continues(position, infoOf(info), there)).toBe(false)
  })

  it.each<[string, () => Promise<StoredMsg | null>]>([
    ['is another', async () => ({ time: new Date(storedAtMs + 1) }) as StoredMsg],
    ['is gone', async () => null],
  ])('not where its message %s', async (_title, read) => {
    expect(await continues(position, infoOf(), read)).toBe(false)
  })
})

describe('unsuitable', () => {
  it.each([
    ['nothing', {}, undefined],
    ['a mirror', { mirror: { name: 'x' } }, /copies/],
    ['sources', { sources: [{ name: 'x' }] }, /copies/],
    [
      'other subjects than were published',
      { subject_transform: { src: '>', dest: 'x.>' } },
      /changes subjects/,
    ],
    ['a limit a subject', { max_msgs_per_subject: 10 }, /max_msgs_per_subject/],
    ['a queue of work', { retention: 'workqueue' }, /retention/],
    ['what interest keeps', { retention: 'interest' }, /retention/],
  ])('names %s', (_title, config, why) => {
    const found = unsuitable(infoOf({ config }))
    if (why === undefined) expect(found).toBeUndefined()
    else expect(found).toMatch(why)
  })
})
