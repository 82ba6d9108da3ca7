/** Messages of Protocol Buffers, written by hand: also in shapes that no serializer writes. */

export function varint(value: number, length = 1): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push((rest & 0x7f) | 0x80)
    rest = Math.floor(rest / 128)
  } while (rest > 0 || bytes.length < length)
  bytes.push((bytes.pop() ?? 0) & 0x7f)
  return Buffer.from(bytes)
}

export const tag = (number: number, wireType: number): Buffer => varint(number * 8 + wireType)

/** A field with a length: a text, bytes, or a message of the fields given. */
export function field(number: number, ...content: readonly (string | Uint8Array)[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => Buffer.from(part)))
  return Buffer.concat([tag(number, 2), varint(bytes.length), bytes])
}

export const varintField = (number: number, value: number): Buffer =>
  Buffer.concat([tag(number, 0), varint(value)])

export const group = (number: number, ...content: readonly Uint8Array[]): Buffer =>
  Buffer.concat([tag(number, 3), ...content, tag(number, 4)])

/** A CheckRequest whose `attributes.request.http` has these fields. */
export const httpMessage = (...fields: readonly Uint8Array[]): Buffer =>
  field(1, field(4, field(2, ...fields)))

/** An entry of a map from texts to texts. */
export const entry = (number: number, key: string | Uint8Array, value: string): Buffer =>
  field(number, field(1, key), field(2, value))
