import { startsWith } from './hpack-name.ts'
import { encodeHuffman } from './huffman-encode.ts'

interface KnownPath {
  readonly text: string
  readonly raw: Uint8Array
  /** Its one Huffman coding: equal octets are a valid coding of this path. */
  readonly coded: Uint8Array
}

/** Finds the path that a literal holds among the few that are served, without decoding it. */
export type FindPath = (
  bytes: Uint8Array,
  start: number,
  length: number,
  huffman: boolean,
) => string | undefined

/** Builds it; the path that was found last is tried first. */
export function createFindPath(paths: readonly string[]): FindPath {
  const known = paths.map((text): KnownPath => {
    const raw = Buffer.from(text, 'latin1')
    return { text, raw, coded: encodeHuffman(raw) }
  })
  let latest = 0
  return (bytes, start, length, huffman) => {
    for (let tried = 0; tried < known.length; tried += 1) {
      const path = known[latest] as KnownPath
      const wanted = huffman ? path.coded : path.raw
      if (wanted.length === length && startsWith(bytes, start, wanted)) return path.text
      latest = latest + 1 < known.length ? latest + 1 : 0
    }
    return undefined
  }
}
