import { fieldKind } from './hpack-field.ts'

/** Names with a meaning. All others that are names at all are `plain`. */
const kinds: Readonly<Record<string, number>> = {
  te: fieldKind.te,
  'content-type': fieldKind.contentType,
  'grpc-timeout': fieldKind.timeout,
  'grpc-encoding': fieldKind.encoding,
  'content-length': fieldKind.contentLength,
  // RFC 9113 section 8.2.2: what belongs to a connection of HTTP/1.1
  connection: fieldKind.forbidden,
  'proxy-connection': fieldKind.forbidden,
  'keep-alive': fieldKind.forbidden,
  'transfer-encoding': fieldKind.forbidden,
  upgrade: fieldKind.forbidden,
  ':method': fieldKind.method,
  ':path': fieldKind.path,
  ':scheme': fieldKind.scheme,
  ':authority': fieldKind.authority,
}

interface KnownName {
  readonly bytes: Uint8Array
  readonly kind: number
}

/** The names with a meaning by their length, so that hardly any other is compared with them. */
const byLength: KnownName[][] = []
for (const [name, kind] of Object.entries(kinds)) {
  ;(byLength[name.length] ??= []).push({ bytes: Buffer.from(name), kind })
}

/** 1 for what a name is made of: RFC 9110 section 5.6.2, without upper case (RFC 9113, 8.2.1). */
const nameBytes = new Uint8Array(256)
for (const byte of Buffer.from("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")) {
  nameBytes[byte] = 1
}

const colon = 0x3a

/** The kind of field that `bytes[start..end)` names. */
export function kindOfName(bytes: Uint8Array, start: number, end: number): number {
  const known = byLength[end - start]
  if (known !== undefined) {
    for (const name of known) if (startsWith(bytes, start, name.bytes)) return name.kind
  }
  if (start === end) return fieldKind.forbidden
  if (bytes[start] === colon) return fieldKind.unknownPseudo
  for (let at = start; at < end; at += 1) {
    if (nameBytes[bytes[at] as number] === 0) return fieldKind.forbidden
  }
  return fieldKind.plain
}

/** Whether `wanted` is at `start`; the caller knows that there are as many octets. */
export function startsWith(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let at = 0; at < wanted.length; at += 1) if (bytes[start + at] !== wanted[at]) return false
  return true
}
