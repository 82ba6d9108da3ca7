import fc from 'fast-check'
import { expect, it } from 'vitest'
import { plainBlock } from '../../support/hpack-encoder.ts'
import {
  frameOf,
  messageOf,
  prefaceOctets,
  requestFields,
  requestOf,
  settingsAck,
  settingsOf,
  uint32,
  windowUpdateOf,
} from '../../support/http2-frames.ts'
import { openSession } from '../../support/http2-session.ts'

const fields = plainBlock(requestFields('/test.Echo/Echo'))
const streamId = fc.integer({ min: 0, max: 9 })
const methods = fc.constantFrom('Echo', 'Never', 'Missing', 'Throw')

/** A frame that is often right, and says something wherever it comes. */
const frame = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(streamId, methods, fc.string({ maxLength: 40 }))
      .map(([id, method, text]) => requestOf(id, method, text)),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ flags: fc.integer({ min: 0, max: 63 }), streamId })
      .map((options) => frameOf('headers', { ...options, payload: fields })),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        flags: fc.integer({ min: 0, max: 15 }),
        streamId,
        payload: fc.uint8Array({ maxLength: 30 }),
      })
      .map((options) => frameOf('data', options)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(streamId, fc.nat(20))
      .map(([id, size]) => frameOf('data', { streamId: id, payload: messageOf('y'.repeat(size)) })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(streamId, fc.integer({ min: 0, max: 100_000 }))
      .map(([id, size]) => windowUpdateOf(id, size)),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 100 }).map((window) => settingsOf({ 4: window })),
  },
  {
    weight: 1,
    arbitrary: streamId.map((id) => frameOf('rstStream', { streamId: id, payload: uint32(8) })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ flags: fc.nat(255), streamId, payload: fc.uint8Array({ maxLength: 20 }) })
      .chain((options) => fc.nat(12).map((type) => frameOf(type, options))),
  },
)

/** What is said to the same octets, cut into reads of the sizes given, over and over. */
function answers(octets: Buffer, sizes: readonly number[]): string[] {
  const { send, said, faults } = openSession({ settings: null })
  for (let at = 0, n = 0; at < octets.length; n += 1) {
    const size = sizes[n % sizes.length] ?? octets.length
    send(octets.subarray(at, at + size))
    at += size
  }
  expect(faults.filter((fault) => !String(fault).includes('a bug of the handler'))).toEqual([])
  return said()
}

it('what is said does not depend on how frames are cut into reads', () => {
  const greeting = Buffer.concat([prefaceOctets, settingsOf(), settingsAck])
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 12 }),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 300 })), {
        minLength: 1,
        maxLength: 8,
      }),
      (frames, sizes) => {
        const octets = Buffer.concat([greeting, ...frames])
        expect(answers(octets, sizes)).toEqual(answers(octets, [octets.length]))
      },
    ),
    { numRuns: 400 },
  )
})

it('any octets are answered without a fault', () => {
  const greeting = Buffer.concat([prefaceOctets, settingsOf(), settingsAck])
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 6 }),
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(400),
      (frames, noise, at) => {
        const octets = Buffer.concat([greeting, ...frames])
        octets.set(noise.subarray(0, Math.max(0, octets.length - at)), Math.min(at, octets.length))
        answers(octets, [octets.length])
      },
    ),
    { numRuns: 400 },
  )
})
