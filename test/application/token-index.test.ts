import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TokenIndex, type IndexedToken } from '../../src/application/token-index.ts'

const tokenOf = (text: string): IndexedToken => ({ text, slot: -1, hash: 0 })
const tail = '.the-same-end'

function find(index: TokenIndex<IndexedToken>, text: string | Buffer, at = 3) {
  const bytes = Buffer.concat([Buffer.alloc(at, 'x'), Buffer.from(text), Buffer.from('more')])
  return index.find(bytes, at, bytes.length - 4)
}

describe('the index of tokens', () => {
  it('finds a token by all of its bytes, wherever they stand', () => {
    const index = new TokenIndex(1)
    const token = tokenOf(`Bearer a${tail}`)
    index.add(token)
    index.add(token)
    for (const at of [0, 1, 700]) expect(find(index, token.text, at)).toBe(token)
    const others = ['Bearer b', 'bearer a', 'Bearer aa', 'Bearer', ' Bearer a', 'Bearer a\0', '']
    for (const begin of others) expect(find(index, begin + tail)).toBeUndefined()
    expect(find(index, token.text.slice(0, -1))).toBeUndefined()
    expect(find(index, token.text.slice(1))).toBeUndefined()
    index.remove(token)
    expect(find(index, token.text)).toBeUndefined()
  })

  it('finds no text by another that begins, or goes on, as it does', () => {
    const index = new TokenIndex(1)
    const found = (): readonly number[] =>
      Array.from({ length: 30 }, (_, number) => 12 + number).filter(
        (length) => find(index, 'a'.repeat(length)) !== undefined,
      )
    const longer = tokenOf('a'.repeat(40))
    index.add(longer)
    expect(found()).toEqual([40])
    index.remove(longer)
    // Where the end of the other one still lies behind it.
    index.add(tokenOf('a'.repeat(20)))
    expect(found()).toEqual([20])
  })

  it('holds what was added and not removed, whatever shares a place', () => {
    // Many have the same last bytes, and so the same hash.
    const name = fc.tuple(fc.nat(40), fc.constantFrom(tail, '.another-end!', '.a-third--end'))
    const steps = fc.array(fc.tuple(name, fc.boolean()), { maxLength: 120 })
    fc.assert(
      fc.property(steps, fc.integer(), (some, seed) => {
        const index = new TokenIndex(seed)
        const held = new Map<string, IndexedToken>()
        const all = some.map(([[number, end], adds]) => [`Bearer ${number}${end}`, adds] as const)
        for (const [text, adds] of all) {
          const token = held.get(text)
          if (adds && token === undefined) {
            const added = tokenOf(text)
            index.add(added)
            held.set(text, added)
          } else if (!adds && token !== undefined) {
            index.remove(token)
            held.delete(text)
          }
        }
        for (const [text] of all) expect(find(index, text)).toBe(held.get(text))
      }),
    )
  })

  it('goes on finding them as they become many, and again after most have left', () => {
    const index = new TokenIndex(7)
    const tokens = Array.from({ length: 20_000 }, (_, number) =>
      tokenOf(`Bearer ${'x'.repeat(number % 900)}.${String(number * 2_654_435_761).padStart(20)}`),
    )
    for (const token of tokens) index.add(token)
    for (const token of tokens)
      if (find(index, token.text) !== token) expect.unreachable(token.text)
    const [gone, left] = [tokens.slice(0, 19_000), tokens.slice(19_000)]
    for (const token of gone) index.remove(token)
    for (const token of gone) if (find(index, token.text)) expect.unreachable(token.text)
    for (const token of left) if (find(index, token.text) !== token) expect.unreachable(token.text)
    for (const token of gone) index.add(tokenOf(`${token.text}'`))
    for (const token of left) if (find(index, token.text) !== token) expect.unreachable(token.text)
  })

  it('keeps their bytes in the places of those that left', () => {
    const index = new TokenIndex(7)
    const slots = new Set<number>()
    for (let number = 0; number < 10_000; number += 1) {
      const token = tokenOf(`Bearer ${number}${tail}`)
      index.add(token)
      slots.add(token.slot)
      index.remove(token)
    }
    expect([...slots]).toEqual([0])
  })

  it('gives up where more share a place than it looks at, and loses none by that', () => {
    const index = new TokenIndex(7)
    const tokens = Array.from({ length: 400 }, (_, number) => tokenOf(`Bearer ${number}${tail}`))
    for (const token of tokens) index.add(token)
    const found = tokens.filter((token) => find(index, token.text) === token)
    expect(found).toEqual(tokens.slice(0, 64))
    for (const token of found) index.remove(token)
    expect(tokens.filter((token) => find(index, token.text)).length).toBe(64)
  })

  it.each<[string, string]>([
    ['too short to be told apart', 'a'.repeat(11)],
    ['too long', 'a'.repeat(1_023)],
    ['one byte a character, but no ASCII', `Bearer é${tail}`],
    ['more than a byte a character', `Bearer \u{142}${tail}`],
  ])('leaves out what is %s', (_title, text) => {
    const index = new TokenIndex(7)
    const token = tokenOf(text)
    index.add(token)
    for (const bytes of [Buffer.from(text), Buffer.from(text, 'latin1')]) {
      expect(find(index, bytes)).toBeUndefined()
    }
    index.remove(token)
  })

  it.each([12, 13, 255, 256, 1_021, 1_022])('finds a text of %i bytes', (length) => {
    const index = new TokenIndex(7)
    const token = tokenOf('a'.repeat(length))
    index.add(token)
    expect(find(index, token.text)).toBe(token)
  })

  it('puts the same tokens elsewhere in another process', () => {
    const hashes = [1, 2].map((seed) => {
      const token = tokenOf(`Bearer a${tail}`)
      new TokenIndex(seed).add(token)
      return token.hash
    })
    expect(new Set(hashes).size).toBe(2)
  })
})
