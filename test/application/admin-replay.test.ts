import { describe, expect, it } from 'vitest'
import type { AdminJobMessage } from '../../src/application/admin-job.ts'
import { createAdminReplay, type RunningJob } from '../../src/application/admin-replay.ts'
import { createOnePlace } from '../../src/application/one-place.ts'

const request = { source: 'log', policy: null, filter: {} } as const
const progress: AdminJobMessage = { type: 'progress', bytes: 0, of: null }

/** A replay whose job tells what it is told to, and then waits for its end, or fails. */
function replayOf(messages: readonly AdminJobMessage[], fault?: Error) {
  let stopped = 0
  const ended = Promise.withResolvers<undefined>()
  async function* told(): AsyncGenerator<AdminJobMessage> {
    yield* messages
    if (fault !== undefined) throw fault
    await ended.promise
  }
  const place = createOnePlace()
  const replay = createAdminReplay({
    start: (): RunningJob => ({
      send: () => undefined,
      messages: told(),
      async stop() {
        stopped += 1
        ended.resolve(undefined)
      },
    }),
    place,
    pages: undefined,
    file: 'decisions.log',
    definitions: () => new Map(),
    nextTurn: () => Promise.resolve(),
  })
  const isFree = () => {
    const leave = place()
    leave?.()
    return leave !== undefined
  }
  return { replay, isFree, stopped: () => stopped }
}

const all = async (messages: AsyncIterable<unknown> | undefined) => {
  const told: unknown[] = []
  for await (const message of messages ?? []) told.push(message)
  return told
}

describe('the place of a replay is free again', () => {
  it('when nobody reads it and its client has gone away', async () => {
    const { isFree, replay, stopped } = replayOf([progress])
    const gone = new AbortController()
    const running = replay.run(request, gone.signal)
    expect(await running?.begun).toBeUndefined()
    expect([isFree(), replay.run(request, gone.signal)]).toEqual([false, undefined])
    gone.abort()
    await expect.poll(isFree).toBe(true)
    expect(stopped()).toBeGreaterThan(0)
  })

  it('when its reader stops early', async () => {
    const { isFree, replay } = replayOf([progress, progress])
    const running = replay.run(request, new AbortController().signal)
    for await (const message of running?.messages ?? []) {
      expect(message).toEqual(progress)
      break
    }
    expect(isFree()).toBe(true)
  })

  it('when the candidate does not load', async () => {
    const faults = { type: 'faults', faults: [] } as const
    const { isFree, replay } = replayOf([faults])
    expect(await replay.run(request, new AbortController().signal)?.begun).toEqual(faults)
    expect(isFree()).toBe(true)
  })

  it.each([
    ['at once', []],
    ['on the way', [progress]],
  ])('when the thread fails %s, and that is an outage', async (_name, messages) => {
    const { isFree, replay } = replayOf(messages, new Error('out of memory'))
    const running = replay.run(request, new AbortController().signal)
    const begun = running?.begun.then(() => all(running.messages)) ?? Promise.resolve()
    await expect(begun).rejects.toMatchObject({ code: 'SERVER_UNAVAILABLE' })
    expect(isFree()).toBe(true)
  })
})
