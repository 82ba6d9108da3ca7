import { type Field, fieldKind, method } from './hpack-field.ts'

const space = 0x20
const tab = 0x09
const zero = 0x30
const slash = 0x2f
const semicolon = 0x3b
const plus = 0x2b

/**
 * 1 for control bytes but the tab, which no value holds: RFC 9110 section 5.5. RFC 9113 section
 * 8.2.1 asks for a part of them; no gRPC client sends the others.
 */
const controls = new Uint8Array(256).fill(1, 0, space)
controls[tab] = 0
controls[0x7f] = 1

/** Whether octets may be a value: no control bytes, no white space around (RFC 9113, 8.2.1). */
export function isValue(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return true
  let found = 0
  for (let at = start; at < end; at += 1) found |= controls[bytes[at] as number] as number
  return found === 0 && !isBlank(bytes[start]) && !isBlank(bytes[end - 1])
}

function isBlank(byte: number | undefined): boolean {
  return byte === space || byte === tab
}

/** ms in each unit of `grpc-timeout`, by its character. */
const timeoutUnits = new Float64Array(128)
for (const [unit, ms] of Object.entries({ H: 3.6e6, M: 6e4, S: 1e3, m: 1, u: 1e-3, n: 1e-6 })) {
  timeoutUnits[unit.charCodeAt(0)] = ms
}
const maxTimeoutDigits = 8
/** Longest number that is a safe integer whatever its digits. */
const maxLengthDigits = 15

/** The decimal number that the octets are, or -1. */
function decimal(bytes: Uint8Array, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at += 1) {
    const digit = (bytes[at] as number) - zero
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** ms of a `grpc-timeout`, NaN if it is not one: 1 to 8 digits and a unit (gRPC over HTTP/2). */
function timeoutOf(bytes: Uint8Array, start: number, end: number): number {
  const digits = end - 1 - start
  if (digits < 1 || digits > maxTimeoutDigits) return Number.NaN
  const unitMs = timeoutUnits[(bytes[end - 1] as number) & 127] as number
  const value = decimal(bytes, start, end - 1)
  return unitMs > 0 && value >= 0 && (bytes[end - 1] as number) < 128 ? value * unitMs : Number.NaN
}

/** Whether the octets begin with lower-case `text`, in any case. */
function beginsWith(bytes: Uint8Array, start: number, text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const byte = bytes[start + at] as number
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    if (lower !== text.charCodeAt(at)) return false
  }
  return true
}

const grpc = 'application/grpc'

/** `application/grpc`, with a `+` suffix or parameters or without, in any case. */
function isGrpc(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start
  if (length < grpc.length || !beginsWith(bytes, start, grpc)) return false
  const next = bytes[start + grpc.length]
  return length === grpc.length || next === plus || next === semicolon || next === space
}

function isText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false
  for (let at = 0; at < text.length; at += 1) {
    if (bytes[start + at] !== text.charCodeAt(at)) return false
  }
  return true
}

const methods = ['POST', 'HEAD', 'CONNECT', 'OPTIONS'] as const
const encodings = ['identity', 'gzip', 'deflate'] as const

function methodOf(bytes: Uint8Array, start: number, end: number): number {
  const place = methods.findIndex((name) => isText(bytes, start, end, name))
  return place < 0 ? method.other : place + 1
}

/** The octets as a string; the usual encodings without making one. */
function encodingOf(bytes: Uint8Array, start: number, end: number): string {
  const known = encodings.find((name) => isText(bytes, start, end, name))
  return known ?? latin1(bytes, start, end)
}

export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}

/**
 * Reads the value `bytes[start..end)` into a field whose kind is set; `sound` says if it may be a
 * value of that name. That one is not gRPC's, or is a wrong timeout, is no fault of HTTP/2.
 */
export function readValue(field: Field, bytes: Uint8Array, start: number, end: number): void {
  const empty = start === end
  field.sound = isValue(bytes, start, end)
  switch (field.kind) {
    case fieldKind.te:
      // RFC 9113 section 8.2.2: nothing but "trailers"
      if (end - start !== 8 || !beginsWith(bytes, start, 'trailers')) field.sound = false
      return
    case fieldKind.contentType:
      field.number = isGrpc(bytes, start, end) ? 1 : 0
      return
    case fieldKind.timeout:
      field.number = timeoutOf(bytes, start, end)
      return
    case fieldKind.encoding:
      field.text = encodingOf(bytes, start, end)
      return
    case fieldKind.contentLength:
      field.number = decimal(bytes, start, end)
      if (empty || end - start > maxLengthDigits || field.number < 0) field.sound = false
      return
    case fieldKind.method:
      field.number = methodOf(bytes, start, end)
      if (empty) field.sound = false
      return
    case fieldKind.path:
      // RFC 9113 section 8.3.1: it begins with "/", or is the "*" of OPTIONS
      field.number = isText(bytes, start, end, '*') ? 1 : 0
      field.text = latin1(bytes, start, end)
      if (field.number === 0 && (empty || bytes[start] !== slash)) field.sound = false
      return
    case fieldKind.scheme:
      if (empty) field.sound = false
      return
    default:
  }
}
