import { describe, expect, it } from 'vitest'
import { isId } from '../../src/domain/id.ts'

describe('isId', () => {
  it.each([
    ['one character', 'a'],
    ['255 characters', 'a'.repeat(255)],
    ['every kind of visible ASCII', '!"#$%&\'()*+-./09:;<=>?@AZ[\\]^_`az{|}~'],
    ['a name that objects have', '__proto__'],
  ])('takes %s', (_title, id) => {
    expect(isId(id)).toBe(true)
  })

  it.each([
    ['nothing', ''],
    ['256 characters', 'a'.repeat(256)],
    ['a comma', 'a,b'],
    ['a space', 'a b'],
    ['a line break', 'a\nb'],
    ['a line break at the end', 'a\n'],
    ['a DEL', 'a\x7f'],
    ['a character beyond ASCII', 'é'],
    ['a number', 1],
    ['a list of one id', ['a']],
    ['an object with a text', { toString: () => 'a' }],
    ['null', null],
    ['undefined', undefined],
  ])('does not take %s', (_title, id) => {
    expect(isId(id)).toBe(false)
  })
})
