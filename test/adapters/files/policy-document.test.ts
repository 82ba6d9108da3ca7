import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicyDocument } from '../../../src/adapters/files/policy-document.ts'
import { parseYaml } from '../../../src/adapters/files/yaml-document.ts'

/** What a text came to: its value, or its faults with their places. */
const readingOf = (text: string, parse = parsePolicyDocument): unknown => {
  const { faults, value } = parse(text)
  return faults.length > 0 ? faults : { value }
}

/** Texts of JSON, now and then with a key that stands twice. */
const { value: jsonText } = fc.letrec<{ readonly value: string; readonly key: string }>((tie) => ({
  key: fc.oneof(
    fc.constantFrom('"a"', String.raw`"\u0061"`, '"__proto__"', '"a:b"', String.raw`"\":"`),
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  ),
  value: fc.oneof(
    { maxDepth: 4 },
    fc
      .oneof(fc.string({ unit: 'binary' }), fc.double(), fc.constantFrom(true, false, null))
      .map((value) => JSON.stringify(value)),
    fc.array(tie('value'), { maxLength: 4 }).map((values) => `[${values.join(' , ')}]`),
    fc
      .array(fc.tuple(tie('key'), tie('value')), { maxLength: 4 })
      .map((members) => `{\n${members.map(([key, value]) => `\t${key}: ${value}`).join(',\n')}\n}`),
  ),
}))

describe('a policy document of JSON', () => {
  it('comes to what it is as YAML, with every fault where it stands', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        expect(readingOf(text)).toEqual(readingOf(text, parseYaml))
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['a key that stands twice', '{"a": 1, "b": 2, "a": 1}'],
    ['a key that stands twice, once with an escape', String.raw`{"a": 1, "\u0061": 1}`],
    ['a key that stands twice far inside', '{"a": [{"b": {"c": 1, "c": 1}}]}'],
    ['a key that stands twice, where a text holds a colon', '{"a": ":", "a": ":"}'],
    ['a key that stands twice, where a text ends in a backslash', '{"a": "\\\\", "a": "\\\\"}'],
    ['a comma too many for JSON', '{"a": 1,,}'],
    ['no end', '{"a": [1'],
  ])('has a fault: %s', (_case, text) => {
    expect(parsePolicyDocument(text).faults).toEqual(parseYaml(text).faults)
    expect(parsePolicyDocument(text).faults).not.toEqual([])
  })

  it('tells where its values stand', () => {
    const text = '{\n  "version": 1,\n  "roles": {\n    "a": ["x", "y"]\n  }\n}'
    for (const path of [['version'], ['roles', 'a', 1], ['roles', 'b'], []]) {
      expect(parsePolicyDocument(text).locate(path)).toEqual(parseYaml(text).locate(path))
    }
    expect(parsePolicyDocument(text).locate(['roles', 'a', 1])).toEqual({ line: 4, column: 16 })
  })

  it('is read without the YAML library, which takes long to load', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenantgate-test-'))
    const loadsOf = (text: string): string => {
      const file = join(folder, 'loads')
      const program = new URL('../../../src/adapters/files/policy-document.ts', import.meta.url)
        .href
      const { status } = spawnSync(
        process.execPath,
        [
          ...['--import', new URL('../../support/record-loads.ts', import.meta.url).href],
          ...['--input-type=module', '-e'],
          `(await import(${JSON.stringify(program)})).parsePolicyDocument(${JSON.stringify(text)})`,
        ],
        { env: { RECORD_LOADS: file } },
      )
      expect(status).toBe(0)
      const loads = readFileSync(file, 'utf8')
      rmSync(file)
      return loads
    }
    try {
      expect(loadsOf('{"version": 1}')).not.toContain('/node_modules/yaml/')
      expect(loadsOf('version: 1')).toContain('/node_modules/yaml/')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
