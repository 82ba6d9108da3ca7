/** What a field's name means to this server. Pseudo-header fields come last. */
export const fieldKind = {
  /** Checked, and not read. */
  plain: 0,
  te: 1,
  contentType: 2,
  timeout: 3,
  encoding: 4,
  contentLength: 5,
  /** Not a name, or one that HTTP/2 forbids (RFC 9113 sections 8.2.1 and 8.2.2). */
  forbidden: 6,
  method: 7,
  path: 8,
  scheme: 9,
  authority: 10,
  /** Not defined for requests (RFC 9113 section 8.3). */
  unknownPseudo: 11,
} as const

/** The first kind that is a pseudo-header field. */
export const firstPseudo = fieldKind.method

/** `Field.number` of a `:method`. */
export const method = { post: 1, head: 2, connect: 3, options: 4, other: 5 } as const

/** What is added to the octets of a field (RFC 7541 section 4.1, RFC 9113 section 6.5.2). */
export const fieldOverhead = 32

/** What a field means, as it is read; its octets are not kept. */
export interface Field {
  kind: number
  nameLength: number
  /** As RFC 7541 section 4.1 counts it. */
  size: number
  /** Whether the value may be one of its name's. */
  sound: boolean
  /**
   * By kind: which method; 1 of a path that is `*`; 1 of a content type that is gRPC's; ms of a
   * timeout, NaN if it is not one; octets of a content length.
   */
  number: number
  /** By kind: the path, the encoding. */
  text: string
}

export function createField(): Field {
  return { kind: 0, nameLength: 0, size: fieldOverhead, sound: true, number: 0, text: '' }
}

/** A field's size, soundness and kind as one integer. */
export function tagOf({ kind, size, sound }: Field): number {
  return (size << tagSizeShift) | (sound ? 0 : tagFault) | kind
}

/** The part of a tag that is the kind. */
export const tagKind = 15
/** The bit of a tag that says that the value may not be one of its name's. */
export const tagFault = 16
/** What a tag has to be shifted by to be the size. */
export const tagSizeShift = 5
