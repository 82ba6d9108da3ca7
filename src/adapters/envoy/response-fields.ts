import { fieldSize, type ProtobufWriter } from './protobuf-writer.ts'

/** Tags of CheckResponse (envoy/service/auth/v3/external_auth.proto). */
export const deniedTag = 0x12
export const okTag = 0x1a
export const metadataTag = 0x22

/** Tags of OkHttpResponse and of DeniedHttpResponse. */
const headerTag = 0x12
export const bodyTag = 0x1a
const headerToRemoveTag = 0x2a

/**
 * HeaderValueOption.append_action: OVERWRITE_IF_EXISTS_OR_ADD. The action is always named: what Envoy
 * does without one has differed between releases (envoy issue 43310), and a header of the client must
 * never survive beside ours.
 */
export const overwrite = '\x18\x02'

/** Sizes of a header's messages: HeaderValue, and the option around it. Names are ASCII. */
function headerSizes(name: string, valueBytes: number): readonly [number, number] {
  const header = fieldSize(name.length) + fieldSize(valueBytes)
  return [header, fieldSize(header) + overwrite.length]
}

/** The whole size of a header. */
export function headerSize(name: string, value: string): number {
  return fieldSize(headerSizes(name, Buffer.byteLength(value))[1])
}

/** A header up to its value, which has to follow, and then `overwrite`. */
export function openHeader(writer: ProtobufWriter, name: string, valueBytes: number): void {
  const [header, option] = headerSizes(name, valueBytes)
  writer.open(headerTag, option)
  writer.open(0x0a, header) // HeaderValueOption.header
  writer.open(0x0a, name.length) // HeaderValue.key
  writer.ascii(name)
  writer.open(0x12, valueBytes) // HeaderValue.value
}

/** A header that Envoy sets, whatever the client or the upstream sent under its name. */
export function writeHeader(writer: ProtobufWriter, name: string, value: string): void {
  openHeader(writer, name, Buffer.byteLength(value))
  writer.text(value)
  writer.raw(overwrite)
}

/** A header that Envoy removes. */
export function writeRemoval(writer: ProtobufWriter, name: string): void {
  writer.open(headerToRemoveTag, name.length)
  writer.ascii(name)
}

/** An entry of the dynamic metadata up to its text, which has to follow. */
export function openMetadata(writer: ProtobufWriter, name: string, valueBytes: number): void {
  const value = fieldSize(valueBytes)
  writer.open(0x0a, fieldSize(name.length) + fieldSize(value)) // Struct.fields
  writer.open(0x0a, name.length)
  writer.ascii(name)
  writer.open(0x12, value)
  writer.open(0x1a, valueBytes) // Value.string_value
}

/** An entry of the dynamic metadata; what is absent or empty is left out. */
export function writeMetadata(
  writer: ProtobufWriter,
  name: string,
  value: string | null | undefined,
): void {
  if (value === undefined || value === null || value === '') return
  openMetadata(writer, name, Buffer.byteLength(value))
  writer.text(value)
}
