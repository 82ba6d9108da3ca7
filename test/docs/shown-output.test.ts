import { describe, expect, it } from 'vitest'
import { commandsOf, fencedBlocks, section, tableRows } from '../support/markdown.ts'
import { differenceFromShown, isShown } from '../support/shown-output.ts'

describe('what a page shows of an output', () => {
  it.each([
    ['a\nb\n', 'a\nb\n'],
    ['a … c', 'a b c\n'],
    ['…\nc\n', 'a\nb\nc\n'],
    ['a\n…\nc', 'a\nc'],
    ['a\n…', 'a\n'],
    ['a.b (c) | *', 'a.b (c) | *'],
  ])('%j is %j', (shown, output) => {
    expect(differenceFromShown(shown, output)).toBeUndefined()
  })

  it.each([
    ['a', 'a\nb'],
    ['a\nb', 'a'],
    ['b', 'a\nb'],
    ['a … c', 'a b'],
    ['a.b', 'acb'],
    ['a\n…\nc', 'a\nb'],
    ['', 'a'],
  ])('%j is not %j', (shown, output) => {
    expect(differenceFromShown(shown, output)).toContain('written')
  })
})

describe('what a page shows of JSON', () => {
  it.each<[unknown, unknown]>([
    [{ a: '…' }, { a: { b: 1 } }],
    [{ a: 'x:…' }, { a: 'x:y' }],
    [
      { a: 1, '…': '…' },
      { a: 1, b: 2 },
    ],
    [
      [1, null],
      [1, null],
    ],
  ])('%j is %j', (shown, value) => {
    expect(isShown(shown, value)).toBe(true)
  })

  it.each<[unknown, unknown]>([
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1, b: 2 }, { a: 1 }],
    [{ a: 'x:…' }, { a: 'y:x' }],
    [{ a: 'x:…' }, { a: 1 }],
    [[1], [1, 2]],
    [[], {}],
    [{}, null],
    [1, '1'],
  ])('%j is not %j', (shown, value) => {
    expect(isShown(shown, value)).toBe(false)
  })
})

describe('a page', () => {
  const page =
    '# A\n\n```sh\n# says\na \\\n  b\n\nc\n```\n\n```text\nd\n```\n\n| x | `a\\|b` |\n| - | - |\n## B\nb\n# C\n'

  it('has blocks, and a block follows another where nothing stands between', () => {
    const blocks = fencedBlocks(page)
    expect(blocks.map(({ follows, language, line }) => [language, line, follows])).toEqual([
      ['sh', 3, false],
      ['text', 11, true],
    ])
    expect(commandsOf(blocks[0]?.text ?? '')).toEqual(['a b', 'c'])
  })

  it('has rows, and sections', () => {
    expect(tableRows(page)).toEqual([['x', '`a|b`']])
    expect(section(page, '## B')).toBe('b')
    expect(section(page, '# A')).toContain('## B')
    expect(() => section(page, '# D')).toThrow('no heading')
  })
})
