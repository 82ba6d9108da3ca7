import { type Field, fieldOverhead, tagOf, tagSizeShift } from './hpack-field.ts'
import { staticTable } from './hpack-static-table.ts'

/**
 * What the dynamic table may hold, in bytes: the value that applies before and without
 * SETTINGS_HEADER_TABLE_SIZE (RFC 9113 section 6.5.2). Another one must not be announced: clients
 * begin with this one before they have read what is.
 */
export const dynamicTableBytes = 4_096

/** The place of the literal that is being read; it may be as large as it likes. */
export const literalPlace = staticTable.length + 1
/** Where the ring of the dynamic table begins; the static table is at the places of its indices. */
const ringStart = 64
/** Entries that fit, each of which counts at least its overhead: a power of two. */
const ringLength = dynamicTableBytes / fieldOverhead
const ringMask = ringLength - 1
const places = ringStart + ringLength

/**
 * The static and the dynamic table (RFC 7541 section 2.3), the latter as a ring. Fields are kept by
 * their meaning, in columns: an insertion allocates nothing, and a field of an index costs one load
 * in most cases. A class, for one shape.
 */
export class FieldTable {
  /** Of each place: `tagOf` its field. */
  readonly tags = new Int32Array(places)
  readonly numbers = new Float64Array(places)
  readonly texts = Array<string>(places).fill('')
  readonly nameLengths = new Int32Array(places)
  /** Where in the ring the next entry goes. */
  #next = 0
  #count = 0
  #bytes = 0
  #maxBytes = dynamicTableBytes

  constructor() {
    for (const [place, field] of staticTable.entries()) this.#set(place + 1, field)
  }

  /** The place of an index (section 2.3.3); 0 if there is no such field. */
  placeOf(index: number): number {
    if (index <= staticTable.length) return index < 0 ? 0 : index
    const age = index - staticTable.length
    return age <= this.#count ? ringStart + ((this.#next - age) & ringMask) : 0
  }

  setLiteral(field: Field): void {
    this.#set(literalPlace, field)
  }

  /** Inserts a field, after evicting for it (section 4.4); one that is too large empties the table. */
  insert(field: Field): void {
    this.#evictTo(this.#maxBytes - field.size)
    if (field.size > this.#maxBytes) return
    this.#set(ringStart + this.#next, field)
    this.#next = (this.#next + 1) & ringMask
    this.#count += 1
    this.#bytes += field.size
  }

  /** A dynamic table size update (section 6.3); the caller has checked it. */
  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes
    this.#evictTo(maxBytes)
  }

  #set(place: number, field: Field): void {
    this.tags[place] = tagOf(field)
    this.numbers[place] = field.number
    this.texts[place] = field.text
    this.nameLengths[place] = field.nameLength
  }

  #evictTo(bytes: number): void {
    while (this.#count > 0 && this.#bytes > bytes) {
      const oldest = ringStart + ((this.#next - this.#count) & ringMask)
      this.#bytes -= (this.tags[oldest] as number) >> tagSizeShift
      this.texts[oldest] = '' // else it would be kept until the ring comes round
      this.#count -= 1
    }
  }
}
