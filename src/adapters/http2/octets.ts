// The casts say what the callers have checked: that the octets are there.

/** An unsigned integer of 16 bits in network order. */
export function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

/** An unsigned integer of 24 bits. */
export function readUint24(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)
  )
}

/** The lower 31 bits of four octets: the highest one is reserved, and to be ignored. */
export function readUint31(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) & 0x7f) << 24) | readUint24(bytes, at + 1)
}

/** An unsigned integer of 32 bits. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 0x100_0000 + readUint24(bytes, at + 1)
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** Writes the header of a frame whose length and stream are filled in by `patchFrame`. */
export function writeFrameKind(bytes: Uint8Array, at: number, type: number, flags: number): void {
  bytes[at + 3] = type
  bytes[at + 4] = flags
}

/** Writes length and stream id into a frame header (RFC 9113 section 4.1). */
export function patchFrame(bytes: Uint8Array, at: number, length: number, streamId: number): void {
  bytes[at] = length >>> 16
  bytes[at + 1] = length >>> 8
  bytes[at + 2] = length
  writeUint32(bytes, at + 5, streamId)
}
