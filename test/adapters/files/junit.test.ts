import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { junitXml, type CaseSuite } from '../../../src/adapters/files/junit.ts'

interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly text: string
  readonly children: readonly Element[]
}

/** Reads documents with expat, which refuses whatever is not well-formed. */
function parsed(documents: readonly string[]): readonly (Element | string)[] {
  const script = `
import json, sys, xml.etree.ElementTree as tree
def told(e): return {'name': e.tag, 'attributes': e.attrib, 'text': e.text or '', 'children': [told(c) for c in e]}
def read(text):
    try: return told(tree.fromstring(text.encode('utf-8')))
    except Exception as error: return str(error)
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)`
  const input = JSON.stringify(documents)
  const output = execFileSync('python3', ['-c', script], { input, maxBuffer: 1 << 28 })
  return JSON.parse(output.toString()) as readonly (Element | string)[]
}

function only(document: string): Element {
  const [root] = parsed([document])
  if (root === undefined || typeof root === 'string')
    throw new Error(`not well-formed: ${root ?? ''}`)
  return root
}

const failed = (name: string) => ({
  name,
  passed: false,
  expected: 'allow',
  actual: 'deny (banned)',
})
const passed = (name: string) => ({ name, passed: true, expected: 'allow', actual: 'allow' })

describe('a JUnit report', () => {
  it('tells suites, cases, and what failed and why', () => {
    const root = only(
      junitXml([
        { name: 'a.yaml', cases: [passed('one'), failed('two')] },
        { name: 'b.yaml', cases: [] },
      ]),
    )
    expect(root).toMatchObject({
      name: 'testsuites',
      attributes: { tests: '2', failures: '1', errors: '0', skipped: '0' },
      children: [
        {
          name: 'testsuite',
          attributes: { name: 'a.yaml', tests: '2', failures: '1' },
          children: [
            { name: 'testcase', attributes: { classname: 'a.yaml', name: 'one' }, children: [] },
            {
              name: 'testcase',
              attributes: { name: 'two' },
              children: [
                {
                  name: 'failure',
                  attributes: { message: 'expected allow, was deny (banned)' },
                  text: 'expected allow, was deny (banned)',
                },
              ],
            },
          ],
        },
        { attributes: { name: 'b.yaml', tests: '0', failures: '0' }, children: [] },
      ],
    })
  })

  it('is well-formed without a suite', () => {
    expect(only(junitXml([]))).toMatchObject({ attributes: { tests: '0' }, children: [] })
  })

  it.each([
    '"/><testcase name="forged',
    ']]></failure>',
    '<!-- -->',
    '&amp; & &#0; <?pi?>',
    `'"<>&`,
    'büro 日本 🙂',
  ])('keeps a name as it is: %s', (name) => {
    const root = only(junitXml([{ name, cases: [failed(name)] }]))
    const [suite] = root.children
    expect(suite?.attributes['name']).toBe(name)
    expect(suite?.children).toHaveLength(1)
    expect(suite?.children[0]?.attributes).toMatchObject({ classname: name, name })
  })

  it.each(['\0', '\x1b[31m', '\x08', '\ufffe', '\uffff', '\ud800', 'a\udc00b'])(
    'replaces what XML has no place for: %j',
    (name) => {
      const root = only(junitXml([{ name, cases: [passed(name)] }]))
      expect(root.children[0]?.attributes['name']).toContain('\ufffd')
    },
  )

  it('is well-formed whatever the names', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('<', '>', '&', '"', "'", ']', '\0', '\r\n', '\t', '\ud800'),
      }),
      fc.array(fc.nat({ max: 0xffff })).map((units) => String.fromCharCode(...units)),
    )
    const result = fc.record({ name, passed: fc.boolean(), expected: name, actual: name })
    const suite: fc.Arbitrary<CaseSuite> = fc.record({
      name,
      cases: fc.array(result, { maxLength: 3 }),
    })
    const samples = fc.sample(fc.array(suite, { maxLength: 3 }), 500)
    const roots = parsed(samples.map(junitXml))
    for (const [index, root] of roots.entries()) {
      if (typeof root === 'string') throw new Error(`${root}: ${JSON.stringify(samples[index])}`)
      expect(root.children).toHaveLength(samples[index]?.length ?? -1)
    }
  })
})
