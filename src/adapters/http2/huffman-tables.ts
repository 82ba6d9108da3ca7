import { huffmanCodes, huffmanLengths, symbolsByCode } from './huffman-code.ts'

/** Longest code that one look-up of the next 8 bits finds; nearly all of a header is shorter. */
const shortBits = 8
/** Two codes of the commonest symbols: of 5 and 7, or 6 and 6 bits. */
const pairBits = 12

/** By the next 8 bits: length of the code << 8 | symbol; 0: a longer code. */
export const shortCodes = new Uint16Array(1 << shortBits)

/**
 * By the next 12 bits: number of symbols, 1 or 2, << 20 | length of their codes << 16 | second
 * symbol << 8 | first symbol; 0: a code of more than 8 bits comes first.
 */
export const codePairs = new Uint32Array(1 << pairBits)

/** Per length of the longer codes, ascending. */
const longLengths: number[] = []
/** The first left-aligned value above the codes of that length. */
const longLimits: number[] = []
/** What a code of that length, right-aligned, is off from its place in `symbolsByCode`. */
const longOffsets: number[] = []

for (const [place, symbol] of symbolsByCode.entries()) {
  const code = huffmanCodes[symbol] as number
  const length = huffmanLengths[symbol] as number
  if (length <= shortBits) {
    const spare = shortBits - length
    shortCodes.fill((length << 8) | symbol, code << spare, (code + 1) << spare)
    continue
  }
  if (longLengths.at(-1) !== length) {
    longLengths.push(length)
    longOffsets.push(place - code)
  }
  longLimits[longLengths.length - 1] = (code + 1) * 2 ** (32 - length)
}

for (let bits = 0; bits < codePairs.length; bits += 1) {
  const first = shortCodes[bits >> (pairBits - shortBits)] as number
  if (first === 0) continue
  const length = first >> 8
  const second = shortCodes[((bits << length) >> (pairBits - shortBits)) & 0xff] as number
  const both = length + (second >> 8)
  codePairs[bits] =
    second === 0 || both > pairBits
      ? (1 << 20) | (length << 16) | (first & 0xff)
      : (2 << 20) | (both << 16) | ((second & 0xff) << 8) | (first & 0xff)
}

/** The code of more than 8 bits at the top of 32: its length << 16 | symbol. */
export function longCode(window: number): number {
  let row = 0
  // The limit of the longest is more than a window can be.
  while (window >= (longLimits[row] as number)) row += 1
  const length = longLengths[row] as number
  const place = (window >>> (32 - length)) + (longOffsets[row] as number)
  return (length << 16) | (symbolsByCode[place] as number)
}
