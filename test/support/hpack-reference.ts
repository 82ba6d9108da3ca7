import { huffmanCodes, huffmanLengths } from '../../src/adapters/http2/huffman-code.ts'

/** A field with its octets as latin1 text. */
export type HeaderField = readonly [name: string, value: string]

/** RFC 7541, appendix A. */
export const staticFields: readonly HeaderField[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((code) => [':status', code] as const),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...[
    ...['accept-language', 'accept-ranges', 'accept', 'access-control-allow-origin', 'age'],
    ...['allow', 'authorization', 'cache-control', 'content-disposition', 'content-encoding'],
    ...['content-language', 'content-length', 'content-location', 'content-range'],
    ...['content-type', 'cookie', 'date', 'etag', 'expect', 'expires', 'from', 'host'],
    ...['if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since'],
    ...['last-modified', 'link', 'location', 'max-forwards', 'proxy-authenticate'],
    ...['proxy-authorization', 'range', 'referer', 'refresh', 'retry-after', 'server'],
    ...['set-cookie', 'strict-transport-security', 'transfer-encoding', 'user-agent', 'vary'],
    ...['via', 'www-authenticate'],
  ].map((name) => [name, ''] as const),
]

const symbols = new Map<string, number>()
for (const [symbol, code] of huffmanCodes.entries()) {
  symbols.set(code.toString(2).padStart(huffmanLengths[symbol] ?? 0, '0'), symbol)
}

/** Bit by bit, as RFC 7541 section 5.2 says it. */
export function referenceHuffman(octets: Uint8Array): string {
  let text = ''
  let code = ''
  for (const octet of octets) {
    for (const bit of octet.toString(2).padStart(8, '0')) {
      code += bit
      const symbol = symbols.get(code)
      if (symbol === undefined) continue
      if (symbol === 256) throw new Error('end of string')
      text += String.fromCharCode(symbol)
      code = ''
    }
  }
  if (code.length > 7 || code.includes('0')) throw new Error('padding')
  return text
}

/**
 * A decoder as one writes it down from RFC 7541, for comparison: lists of strings, and a table that
 * is an array.
 */
export function createReferenceDecoder(maxTableBytes = 4096): {
  readonly decode: (block: Uint8Array) => HeaderField[]
} {
  let table: HeaderField[] = []
  let limit = maxTableBytes

  const sizeOf = ([name, value]: HeaderField): number => name.length + value.length + 32
  function evict(): void {
    while (table.reduce((sum, field) => sum + sizeOf(field), 0) > limit) table = table.slice(0, -1)
  }
  function fieldAt(index: number): HeaderField {
    const field = [...staticFields, ...table][index - 1]
    if (field === undefined) throw new Error(`no index ${index}`)
    return field
  }

  function decode(block: Uint8Array): HeaderField[] {
    let at = 0
    const octet = (): number => {
      const next = block[at]
      if (next === undefined) throw new Error('cut off')
      at += 1
      return next
    }
    const integer = (bits: number): number => {
      const mask = 2 ** bits - 1
      let value = octet() & mask
      if (value < mask) return value
      for (let power = 0; power < 4; power += 1) {
        const next = octet()
        value += (next & 127) * 128 ** power
        if (next < 128) return value
      }
      throw new Error('integer')
    }
    const text = (): string => {
      const coded = (block[at] ?? 0) >= 128
      const length = integer(7)
      if (at + length > block.length) throw new Error('cut off')
      const octets = block.subarray(at, at + length)
      at += length
      return coded ? referenceHuffman(octets) : Buffer.from(octets).toString('latin1')
    }
    const literal = (bits: number): HeaderField => {
      const index = integer(bits)
      const name = index === 0 ? text() : fieldAt(index)[0]
      return [name, text()]
    }

    const fields: HeaderField[] = []
    while (at < block.length) {
      const first = block[at] ?? 0
      if (first & 0x80) fields.push(fieldAt(integer(7)))
      else if (first & 0x40) {
        const field = literal(6)
        fields.push(field)
        table = [field, ...table]
        evict()
      } else if (first & 0x20) {
        if (fields.length > 0) throw new Error('size update after a field')
        limit = integer(5)
        if (limit > maxTableBytes) throw new Error('size update')
        evict()
      } else fields.push(literal(4))
    }
    return fields
  }
  return { decode }
}
