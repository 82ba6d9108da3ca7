import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { denyReasons, statusOf } from '../../src/domain/decision.ts'
import { textsOf } from '../support/declarations.ts'
import { codeSpans, section, tableRows } from '../support/markdown.ts'

interface Property {
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly const?: unknown
  readonly $ref?: string
  readonly oneOf?: readonly Property[]
  readonly properties?: Readonly<Record<string, Property>>
}
interface Schema extends Property {
  readonly $defs: Readonly<Record<string, Property>>
}

const page = readFileSync('docs/policy.md', 'utf8')
const schema = JSON.parse(readFileSync('schema/policy.schema.json', 'utf8')) as Schema

const tables = [
  {
    heading: '## Top level',
    properties: schema.properties ?? {},
    keys: textsOf('src/domain/validate-policy.ts', 'policyKeys'),
  },
  {
    heading: '## Routes',
    properties: schema.$defs['route']?.properties ?? {},
    keys: textsOf('src/domain/validate-route.ts', 'routeKeys'),
  },
]

const rowsUnder = (heading: string): readonly (readonly string[])[] =>
  tableRows(section(page, heading)).slice(1)

/** The words that a value may be: of `enum` and `const`, here and in what is referred to. */
function wordsOf(property: Property): readonly string[] {
  const { $ref = '', oneOf = [] } = property
  const referred = schema.$defs[$ref.replace('#/$defs/', '')]
  const words = property.enum ?? (typeof property.const === 'string' ? [property.const] : [])
  return [...words, ...[...oneOf, ...(referred ? [referred] : [])].flatMap(wordsOf)]
}

/** The keys of objects that a value may be. */
function keysOf({ $ref = '', oneOf = [], properties = {} }: Property): readonly string[] {
  const referred = schema.$defs[$ref.replace('#/$defs/', '')]
  const inner = [...oneOf, ...(referred ? [referred] : [])].flatMap(keysOf)
  return [...Object.keys(properties), ...inner]
}

describe.each(tables)('docs/policy.md, $heading', ({ heading, keys, properties }) => {
  const rows = rowsUnder(heading)
  const textOf = (key: string, among = rows): string =>
    among.filter(([first = '']) => codeSpans(first).includes(key)).join(' ')

  it('has every key that the loader takes, once, and no other, as the schema does', () => {
    const documented = rows.flatMap(([first = '']) => codeSpans(first))
    expect(documented.toSorted()).toEqual(keys.toSorted())
    expect(Object.keys(properties).sort()).toEqual(keys.toSorted())
  })

  it('has every word that a value may be, and every key within it', () => {
    for (const [key, property] of Object.entries(properties)) {
      // `mode: shadow` is told by what it differs in.
      for (const word of wordsOf(property).filter((one) => one !== property.default)) {
        expect(textOf(key), `${key}: ${word}`).toContain(`\`${word}\``)
      }
      // A key that overrides the one of the top level is told there.
      const everywhere = textOf(key, tableRows(page))
      for (const inner of keysOf(property)) {
        expect(everywhere, `${key}: ${inner}`).toMatch(new RegExp(`\`[^\`]*\\b${inner}\\b[^\`]*\``))
      }
    }
  })

  it('names the default of each key that has one', () => {
    for (const [key, property] of Object.entries(properties)) {
      if (property.default === undefined || property.enum === undefined) continue
      const said = /Default `(\w+)`|`(\w+)` \(default/.exec(textOf(key)) ?? []
      expect([key, said[1] ?? said[2] ?? property.default]).toEqual([key, property.default])
    }
  })
})

it('docs/policy.md has every key of a case and of its subject', () => {
  const cases = section(page, '## Cases')
  const spans = codeSpans(cases.replaceAll('```', '')).flatMap((code) => code.split(/[^A-Za-z]+/))
  const example = /```yaml\n(.*?)```/s.exec(cases)?.[1] ?? ''
  const named = new Set([...spans, ...example.split(/[^A-Za-z]+/)])
  const keys = [
    ...textsOf('src/application/policy-cases.ts', 'caseKeys'),
    ...textsOf('src/application/subject.ts', 'subjectKeys'),
  ]
  expect(keys.filter((key) => !named.has(key))).toEqual([])
})

it('docs/policy.md has every reason of a refusal, with its status, and no other', () => {
  const documented = rowsUnder('## Reasons').flatMap(([reasons = '', status]) =>
    codeSpans(reasons).map((reason) => [reason, status] as const),
  )
  expect(documented).toEqual(denyReasons.map((reason) => [reason, String(statusOf(reason))]))
})
