import { describe, expect, it } from 'vitest'
import { readTraceParent } from '../../src/domain/trace-context.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

describe('a traceparent', () => {
  it.each([
    ['00', '01', true],
    ['00', '00', false],
    ['00', '03', true],
    ['00', 'fe', false],
    ['01', '01', true],
  ])('of version %s and flags %s is read', (version, flags, sampled) => {
    const header = `${version}-${traceId}-${spanId}-${flags}`
    expect(readTraceParent(header)).toEqual({ traceId, spanId, sampled })
  })

  it('of a later version may say more', () => {
    expect(readTraceParent(`01-${traceId}-${spanId}-01-more`)).toBeDefined()
  })

  it.each([
    ['absent', undefined],
    ['empty', ''],
    ['short', `00-${traceId}-${spanId}`],
    ['in capitals', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['of version ff', `ff-${traceId}-${spanId}-01`],
    ['of version 00 with more', `00-${traceId}-${spanId}-01-more`],
    ['of a later version that runs on', `01-${traceId}-${spanId}-01more`],
    ['with a trace of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['with a span of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['sent twice', `00-${traceId}-${spanId}-01,00-${traceId}-${spanId}-01`],
    ['with white space', ` 00-${traceId}-${spanId}-01`],
  ])('%s says nothing', (_name, header) => {
    expect(readTraceParent(header)).toBeUndefined()
  })
})
