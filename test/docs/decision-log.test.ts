import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { extensionKeys } from '../../src/domain/extension.ts'
import { membersOf } from '../support/declarations.ts'
import { codeSpans, section, tableRows } from '../support/markdown.ts'

const declared = membersOf('src/domain/record.ts', 'DecisionRecord')
const rows = tableRows(
  section(readFileSync('docs/decision-log.md', 'utf8'), '## What a line says'),
).slice(1)
const meaningOf = (field: string): string =>
  rows.find(([first = '']) => codeSpans(first).includes(field))?.[1] ?? ''

describe('docs/decision-log.md', () => {
  it('has every field of a line, once, and no other', () => {
    const documented = rows.flatMap(([first = '']) => codeSpans(first))
    expect(documented.toSorted()).toEqual(Object.keys(declared).sort())
    expect(documented.length).toBeGreaterThan(20)
  })

  it.each(['token', 'fact'])('has every field of `%s`, and no other', (field) => {
    expect(declared[field]?.length).toBeGreaterThan(5)
    expect(codeSpans(meaningOf(field)).toSorted()).toEqual(declared[field]?.toSorted())
  })

  it('has the keys of `extensions`', () => {
    expect(codeSpans(meaningOf('extensions')).toSorted()).toEqual([...extensionKeys].sort())
  })

  it('has the words of `mode`', () => {
    expect(codeSpans(meaningOf('mode'))).toEqual(['enforce', 'shadow'])
  })
})
