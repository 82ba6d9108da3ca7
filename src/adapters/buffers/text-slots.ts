import type { TextSlots } from '../../ports/text-slots.ts'

/** Bytes of a place: an id, a host, a path of usual length and the id of its request. */
const slotBytes = 384
/** The most that UTF-8 takes for a character. */
const longestCharacter = 4

/** Makes places for texts of ASCII in one piece of memory (`CreateTextSlots`); untouched, it costs none. */
export function createTextSlots(count: number): TextSlots {
  const bytes = Buffer.allocUnsafeSlow(count * slotBytes)
  return {
    write(slot, text) {
      if (text.length > slotBytes - longestCharacter) return false
      // Only of ASCII every character is one byte; what is cut off at the end comes to more.
      return bytes.write(text, slot * slotBytes, slotBytes, 'utf8') === text.length
    },
    read(slot, length) {
      const start = slot * slotBytes
      return bytes.toString('latin1', start, start + length)
    },
  }
}
