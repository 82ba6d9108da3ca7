import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineSplitter } from '../../../src/adapters/replay/line-splitter.ts'

function split(chunks: readonly Buffer[], begin?: number): unknown[] {
  const seen: unknown[] = []
  const splitter = createLineSplitter(
    {
      value: (value, at) => seen.push([at, value]),
      broken: (at) => seen.push([at, 'broken']),
    },
    begin,
  )
  for (const chunk of chunks) splitter.push(chunk)
  splitter.end()
  return seen
}
const one = (text: string | Buffer): unknown[] => split([Buffer.from(text as string)])

describe('lines are read', () => {
  it.each<[string, string | Buffer, unknown[]]>([
    [
      'with a line end each',
      '{"a":1}\n{"a":2}\n',
      [
        [0, { a: 1 }],
        [8, { a: 2 }],
      ],
    ],
    [
      'without one at the end',
      '1\n2',
      [
        [0, 1],
        [2, 2],
      ],
    ],
    [
      'with Windows line ends',
      '{"a":1}\r\n2\r\n',
      [
        [0, { a: 1 }],
        [9, 2],
      ],
    ],
    [
      'after a byte order mark',
      '\ufeff{"a":1}\n2\n',
      [
        [0, { a: 1 }],
        [11, 2],
      ],
    ],
    [
      'but not one in the middle',
      '1\n\ufeff2\n',
      [
        [0, 1],
        [2, 'broken'],
      ],
    ],
    ['of which some are empty', '\n\n1\n \n\t\r\n', [[2, 1]]],
    ['of which none is there', '', []],
    [
      'of which one is cut off',
      '1\n{"type":"deci',
      [
        [0, 1],
        [2, 'broken'],
      ],
    ],
    [
      'that hold two values',
      '1 2\n3\n',
      [
        [0, 'broken'],
        [4, 3],
      ],
    ],
    [
      'with NUL bytes before them',
      '\0\0\n1\n',
      [
        [0, 'broken'],
        [3, 1],
      ],
    ],
    [
      'that are not UTF-8',
      Buffer.from('"\xff"\n1\n', 'latin1'),
      [
        [0, 'broken'],
        [4, 1],
      ],
    ],
    ['with a replacement character that was written', '"\ufffd"\n', [[0, '\ufffd']]],
    [
      'with characters of several bytes',
      '"Jörg 🐘"\n1\n',
      [
        [0, 'Jörg 🐘'],
        [13, 1],
      ],
    ],
  ])('%s', (_title, text, expected) => expect(one(text)).toEqual(expected))

  it('from wherever they begin', () => {
    expect(split([Buffer.from('1\n2\n')], 100)).toEqual([
      [100, 1],
      [102, 2],
    ])
  })

  it('the same however the bytes are cut, also where the buffer is used again', () => {
    const bytes = Buffer.from('\ufeff{"a":"Jörg"}\r\n\nbroken\n{"b":[1,2]}\n"last"')
    const whole = split([bytes])
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 20 }), (cuts) => {
        const bounds = [0, ...cuts, bytes.length].sort((a, b) => a - b)
        const seen: unknown[] = []
        const splitter = createLineSplitter({
          value: (value, at) => seen.push([at, value]),
          broken: (at) => seen.push([at, 'broken']),
        })
        const reused = Buffer.alloc(bytes.length)
        for (const [index, to] of bounds.entries()) {
          const length = bytes.copy(reused, 0, bounds[index - 1] ?? 0, to)
          splitter.push(reused.subarray(0, length))
          reused.fill(0x78)
        }
        splitter.end()
        expect(seen).toEqual(whole)
      }),
    )
  })

  it('a line without an end is broken, and does not fill memory', () => {
    const megabyte = Buffer.alloc(1024 * 1024, 0x61)
    const chunks = Array.from({ length: 64 }, () => megabyte)
    const before = process.memoryUsage().arrayBuffers
    let peak = 0
    const seen: unknown[] = []
    const splitter = createLineSplitter({
      value: (value) => seen.push(value),
      broken: () => seen.push('broken'),
    })
    for (const chunk of chunks) {
      splitter.push(chunk)
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
    }
    splitter.push(Buffer.from('\n1\n'))
    expect(seen).toEqual(['broken', 1])
    expect(peak).toBeLessThan(20 * 1024 * 1024)
  })

  it('a line of up to 8 MiB is read, a longer one is not', () => {
    const line = (length: number): Buffer => Buffer.from(`"${'a'.repeat(length - 2)}"\n1\n`)
    const limit = 8 * 1024 * 1024
    expect(split([line(limit)])).toHaveLength(2)
    expect(split([line(limit)])[0]).not.toEqual([0, 'broken'])
    expect(split([line(limit + 1)])[0]).toEqual([0, 'broken'])
  })
})
