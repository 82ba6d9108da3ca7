import { expect, it } from 'vitest'
import { createBurst } from '../../../src/application/burst.ts'
import type { MethodHandler, Stream } from '../../../src/adapters/http2/stream.ts'
import { requestOf, resetOf } from '../../support/http2-frames.ts'
import { openSession } from '../../support/http2-session.ts'

const path = '/test.Echo/Kept'
const okMessage = Buffer.from('hello')

/** A session with a method that answers all that was read together at the end of it. */
function openKeeping(atEnd: (kept: readonly Stream[]) => void = answerAll) {
  const burst = createBurst()
  let kept: Stream[] = []
  const keep: MethodHandler = (stream) => {
    if (!burst.isOpen()) throw new Error('what is handed over was not read together')
    if (kept.push(stream) > 1) return
    burst.atEnd(() => {
      const all = kept
      kept = []
      atEnd(all)
    })
  }
  return { ...openSession({ burst, methods: new Map([[path, keep]]) }), burst }
}

function answerAll(kept: readonly Stream[]): void {
  for (const stream of kept) stream.reply(okMessage, okMessage.length)
}

/** The streams that were answered to their end, in one read each. */
const answeredBy = (said: readonly string[]): readonly string[] =>
  said.filter((frame) => frame.endsWith(' end')).map((frame) => frame.split(' ')[1] ?? '')

it('requests that were read together are answered at the end of the read', () => {
  const { burst, said, send } = openKeeping()
  said()
  send(requestOf(1, 'Kept', 'hello'), requestOf(3, 'Kept', 'hello'))
  expect(answeredBy(said())).toEqual(['1', '3'])
  send(requestOf(5, 'Kept', 'hello'))
  expect(answeredBy(said())).toEqual(['5'])
  expect(burst.isOpen()).toBe(false)
})

it('one that is reset before that is not answered, the others are', () => {
  const { said, send } = openKeeping()
  said()
  send(requestOf(1, 'Kept', 'hello'), resetOf(1), requestOf(3, 'Kept', 'hello'))
  expect(answeredBy(said())).toEqual(['3'])
})

it('a connection that ends in the same read answers nobody, and keeps no burst open', () => {
  const { burst, said, send } = openKeeping()
  said()
  send(requestOf(1, 'Kept', 'hello'), Buffer.from('00000100000000000100', 'hex'))
  expect(answeredBy(said())).toEqual([])
  expect(burst.isOpen()).toBe(false)
})

it('a fault at the end of a read is told, and the connection goes on', () => {
  let times = 0
  const { faults, said, send } = openKeeping((kept) => {
    times += 1
    if (times === 1) throw new Error('a bug')
    answerAll(kept)
  })
  said()
  send(requestOf(1, 'Kept', 'hello'))
  expect(faults).toMatchObject([{ message: 'a bug' }])
  send(requestOf(3, 'Kept', 'hello'))
  expect(answeredBy(said())).toEqual(['3'])
})
