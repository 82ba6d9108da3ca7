/**
 * A header block of literals that no table keeps (RFC 7541 section 6.2.2): what it says depends on
 * nothing that was sent before, so that it can be prepared. Names are in lower case, all is ASCII.
 */
export function encodeFields(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) => {
      const known = name === ':status' && value === '200'
      if (known) return indexedStatus200
      return Buffer.concat([Buffer.of(0), encodeString(name), encodeString(value)])
    }),
  )
}

/** `:status 200` is entry 8 of the static table (appendix A). */
const indexedStatus200 = Buffer.of(0x88)

/** A string without Huffman coding (section 5.2): it costs the peer less to read. */
function encodeString(text: string): Buffer {
  return Buffer.concat([encodeLength(text.length), Buffer.from(text, 'latin1')])
}

/** An integer with a prefix of 7 bits (section 5.1). */
function encodeLength(length: number): Buffer {
  if (length < 127) return Buffer.of(length)
  const octets = [127]
  let left = length - 127
  for (; left >= 128; left >>>= 7) octets.push((left & 127) | 128)
  octets.push(left)
  return Buffer.from(octets)
}
