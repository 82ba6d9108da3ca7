import { beforeEach, describe, expect, it } from 'vitest'
import type { Fact } from '../../src/domain/fact.ts'
import {
  factRecord,
  keepNote,
  noteOf,
  RememberedFact,
  rememberFact,
  standingAfter,
} from '../../src/domain/remembered-fact.ts'
import { standingOf, type Standing } from '../../src/domain/standing.ts'
import { factOf, nowMs } from '../support/builders.ts'

const note = { of: 'a fact' }
const staff = standingOf(factOf(['staff']))
const owner = standingOf(factOf(['owner']))

/** What memory keeps of a subject, as it goes on. */
let holder: { standing: Standing; note: unknown }
const held = (verifiedAtMs = nowMs): Fact =>
  new RememberedFact(holder.standing, verifiedAtMs, holder)

beforeEach(() => {
  holder = { standing: staff, note: undefined }
})

describe('what was worked out of a fact', () => {
  it('is found with whatever says the same of the subject', () => {
    keepNote(held(), note)
    expect(noteOf(held(nowMs + 5_000))).toBe(note)
  })

  it('is not found with what was held before, once memory holds something else', () => {
    const before = held()
    holder.standing = owner
    keepNote(held(), note)
    expect([noteOf(before), noteOf(held())]).toEqual([undefined, note])
  })

  it('is not kept of what memory holds no longer', () => {
    const before = held()
    holder.standing = owner
    keepNote(before, note)
    expect(holder.note).toBeUndefined()
  })

  it('is kept of nothing that memory did not hold', () => {
    const stranger = factOf(['staff'])
    keepNote(stranger, note)
    expect(noteOf(stranger)).toBeUndefined()
  })

  it('is of one subject, also where others say the same', () => {
    const [one, other] = [rememberFact(factOf(['staff'])), rememberFact(factOf(['staff']))]
    keepNote(one, note)
    expect([noteOf(one), noteOf(other)]).toEqual([note, undefined])
  })
})

describe('a fact of memory', () => {
  it('says what was read, and that it is from memory', () => {
    const fact = factOf(['staff', 'viewer'], { banned: true, platformRoles: ['support'] })
    expect(rememberFact(fact)).toMatchObject({ ...fact, source: 'memory' })
  })

  it('stays as it was found, whatever memory holds later', () => {
    const found = held(nowMs - 40)
    holder.standing = owner
    expect(factRecord(found, nowMs)).toMatchObject({ rows: [['staff']], age_ms: 40 })
  })

  it('says the same as before, or something else', () => {
    expect(standingAfter(staff, factOf(['staff'], { verifiedAtMs: 1 }))).toBe(staff)
    expect(standingAfter(owner, factOf(['staff']))).toBe(staff)
    expect(standingAfter(undefined, held())).toBe(staff)
    const dynamic = new Map([['made', ['leave:read']]])
    const made = standingOf(factOf(['staff'], { dynamic }))
    expect(standingAfter(made, factOf(['staff'], { dynamic }))).not.toBe(made)
  })
})
