import { expect, it } from 'vitest'
import { fuzzHttp2 } from '../../support/http2-fuzz.ts'

/** `node bench/fuzz-http2.ts` goes on where this ends. */
const seeds = 600

it('keeps to the protocol whatever is sent: no fault, nothing left, the next call answered', () => {
  const outcomes = Array.from({ length: seeds }, (_, seed) => fuzzHttp2(seed))
  for (const outcome of ['undamaged', 'survived', 'ended']) {
    expect(outcomes.filter((other) => other === outcome).length).toBeGreaterThan(40)
  }
})

it('writes nothing to a socket that it has given up', () => {
  expect(fuzzHttp2(30_077_443)).toBe('ended')
})
