import { huffmanCodes, huffmanLengths } from './huffman-code.ts'

/** Encodes a string (RFC 7541 section 5.2); there is one encoding of each. For starting up. */
export function encodeHuffman(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  let pending = 0n
  let bits = 0n
  for (const byte of bytes) {
    const length = BigInt(huffmanLengths[byte] as number)
    pending = (pending << length) | BigInt(huffmanCodes[byte] as number)
    bits += length
    for (; bits >= 8n; bits -= 8n) out.push(Number((pending >> (bits - 8n)) & 255n))
    pending &= (1n << bits) - 1n
  }
  if (bits > 0n) out.push(Number((pending << (8n - bits)) | ((1n << (8n - bits)) - 1n)))
  return Uint8Array.from(out)
}
