import { endOfString } from './huffman-code.ts'
import { codePairs, longCode, shortCodes } from './huffman-tables.ts'

/**
 * Decodes a Huffman-coded string into `into`, which has room for twice its length and 2 more. Returns
 * how many bytes it came to, or -1 where it is not valid (RFC 7541 section 5.2): an end of string
 * inside, padding of 8 bits or more, or padding that is not all ones.
 */
export function decodeHuffman(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
): number {
  let window = 0 // the next bits, left-aligned, zeros behind them
  let bits = 0
  let at = start
  let length = 0
  for (;;) {
    if (bits <= 16 && at + 1 < end) {
      const two = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
      window |= two << (16 - bits)
      bits += 16
      at += 2
    }
    const pair = codePairs[window >>> 20] as number
    const pairSize = (pair >>> 16) & 15
    if (pair !== 0 && pairSize <= bits) {
      into[length] = pair
      into[length + 1] = pair >>> 8
      length += pair >>> 20
      window <<= pairSize
      bits -= pairSize
      continue
    }
    // Near the end, or a long code: one at a time.
    for (; bits <= 24 && at < end; bits += 8) window |= (bytes[at++] as number) << (24 - bits)
    const short = shortCodes[window >>> 24] as number
    // A long code may need bits of one more octet.
    const next = at < end ? (bytes[at] as number) : 0
    const code =
      short === 0
        ? longCode((window | (next >>> (bits - 24))) >>> 0)
        : ((short >>> 8) << 16) | (short & 255)
    const size = code >>> 16
    if (size > (at < end ? bits + 8 : bits)) break
    if ((code & 0xffff) === endOfString) return -1
    into[length++] = code
    if (size > bits) {
      window = next << (24 + size - bits)
      bits += 8 - size
      at += 1
    } else {
      window <<= size
      bits -= size
    }
  }
  const padding = bits === 0 ? 0 : window >>> (32 - bits)
  return bits < 8 && padding === (1 << bits) - 1 ? length : -1
}
