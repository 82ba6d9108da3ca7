import { describe, expect, it } from 'vitest'
import type { Fact } from '../../src/domain/fact.ts'
import { factRecord, keepNote, noteOf, rememberFact } from '../../src/domain/remembered-fact.ts'
import { factOf, nowMs } from '../support/builders.ts'

const note = { of: 'a fact' }
const rows = [['staff', 'viewer'], ['staff']]

function noted(fact: Partial<Fact> = {}): Fact {
  const remembered = rememberFact(factOf([], { rows, ...fact }))
  keepNote(remembered, note)
  return remembered
}

describe('what was worked out of a fact', () => {
  it('stays where the fact was read again and says the same', () => {
    const again = factOf([], { rows: structuredClone(rows), verifiedAtMs: nowMs + 5_000 })
    const renewed = rememberFact(again, noted())
    expect(noteOf(renewed)).toBe(note)
    expect(renewed).toMatchObject({ rows, source: 'memory', verifiedAtMs: nowMs + 5_000 })
    expect(factRecord(renewed, nowMs + 6_000).age_ms).toBe(1_000)
  })

  it.each<[string, Partial<Fact>]>([
    ['a role is another', { rows: [['staff', 'owner'], ['staff']] }],
    ['a role is gone', { rows: [['staff'], ['staff']] }],
    ['a role came', { rows: [['staff', 'viewer', 'owner'], ['staff']] }],
    ['roles are in another order', { rows: [['viewer', 'staff'], ['staff']] }],
    ['rows are in another order', { rows: [['staff'], ['staff', 'viewer']] }],
    ['a row is gone', { rows: [['staff', 'viewer']] }],
    ['a row came', { rows: [...rows, ['staff']] }],
    ['the subject is banned', { banned: true }],
    ['the subject does not exist', { user: false }],
    ['a platform role is another', { platformRoles: ['superadmin'] }],
    ['a dynamic role came', { dynamic: new Map([['made', ['leave:read']]]) }],
  ])('is worked out anew where %s', (_title, fact) => {
    expect(noteOf(rememberFact(factOf([], { rows, ...fact }), noted()))).toBeUndefined()
    expect(noteOf(rememberFact(factOf([], { rows }), noted(fact)))).toBeUndefined()
  })

  it('is worked out anew where dynamic roles are there, which may be any', () => {
    const dynamic = new Map([['made', ['leave:read']]])
    expect(noteOf(rememberFact(factOf([], { rows, dynamic }), noted({ dynamic })))).toBeUndefined()
  })

  it('is never taken from what memory did not hold', () => {
    expect(noteOf(rememberFact(factOf([], { rows }), factOf([], { rows })))).toBeUndefined()
  })
})
