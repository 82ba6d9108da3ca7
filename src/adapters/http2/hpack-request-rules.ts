import { fieldKind, firstPseudo, method, tagFault, tagKind, tagSizeShift } from './hpack-field.ts'
import type { FieldTable } from './hpack-field-table.ts'
import { createRequestHead, type RequestHead } from './hpack-request-head.ts'

const regularBits = (1 << firstPseudo) - 1
const pseudoBits = (1 << (fieldKind.unknownPseudo + 1)) - 1 - regularBits
const schemeAndPath = (1 << fieldKind.scheme) | (1 << fieldKind.path)
const authorityBit = 1 << fieldKind.authority
/** Any fault of a field. */
const faultBit = tagFault << 12
/** What makes a request malformed, of what was seen. */
const faultBits = faultBit | (1 << fieldKind.forbidden) | (1 << fieldKind.unknownPseudo)

/**
 * Fills a head field by field and judges the list of them: RFC 9113 sections 8.2 and 8.3. `host` and
 * the user information of `:authority` are not judged: no one here reads either. A class, because its
 * state is written at every field.
 */
export class RequestRules {
  readonly #table: FieldTable
  #head: RequestHead = createRequestHead()
  /** By bit: the kinds that came, and whether there was a fault. */
  #seen = 0
  #listSize = 0
  #method = 0
  /** Whether the path is the `*` of OPTIONS. */
  #star = false

  constructor(table: FieldTable) {
    this.#table = table
  }

  begin(head: RequestHead): void {
    this.#head = head
    this.#seen = 0
    this.#listSize = 0
    this.#method = 0
    this.#star = false
    head.method = 'other'
    head.path = ''
    head.contentTypeIsGrpc = false
    head.teTrailers = false
    head.timeoutMs = Infinity
    head.encoding = ''
    head.contentLength = -1
  }

  /** The next field, which is at that place of the table. */
  add(place: number): void {
    const tag = this.#table.tags[place] as number
    const kind = tag & tagKind
    const seen = this.#seen
    this.#listSize += tag >> tagSizeShift
    this.#seen = seen | (1 << kind) | ((tag & tagFault) << 12)
    if (kind >= firstPseudo) {
      // Once each, and before all others.
      if ((seen & (regularBits | (1 << kind))) !== 0) this.#seen |= faultBit
      if (kind <= fieldKind.path) this.#pseudo(kind, place)
    } else if (kind !== fieldKind.plain) this.#regular(kind, place, (seen >> kind) & 1)
  }

  /** After the last field. */
  end(): void {
    const seen = this.#seen
    const connect = this.#method === method.connect
    // RFC 9113 section 8.5: of a CONNECT, only the authority.
    const complete = connect
      ? (seen & schemeAndPath) === 0 && (seen & authorityBit) !== 0
      : this.#method !== 0 && (seen & schemeAndPath) === schemeAndPath
    const star = this.#star && this.#method !== method.options
    const head = this.#head
    head.malformed = (seen & faultBits) !== 0 || !complete || star
    head.malformedAsTrailers = (seen & (faultBits | pseudoBits)) !== 0
    head.listSize = this.#listSize
  }

  #pseudo(kind: number, place: number): void {
    const number = this.#table.numbers[place] as number
    if (kind === fieldKind.path) {
      this.#head.path = this.#table.texts[place] as string
      this.#star = number === 1
      return
    }
    this.#method = number
    if (number === method.post) this.#head.method = 'POST'
    else this.#head.method = number === method.head ? 'HEAD' : 'other'
  }

  #regular(kind: number, place: number, again: number): void {
    const head = this.#head
    const number = this.#table.numbers[place] as number
    switch (kind) {
      case fieldKind.te:
        head.teTrailers = true
        return
      case fieldKind.contentType:
        head.contentTypeIsGrpc = number === 1 && (again === 0 || head.contentTypeIsGrpc)
        return
      case fieldKind.timeout:
        head.timeoutMs = again === 0 ? number : Number.NaN
        return
      case fieldKind.encoding:
        head.encoding = this.#table.texts[place] as string
        return
      case fieldKind.contentLength:
        // RFC 9110 section 8.6: more than one only if they agree
        if (again === 1 && head.contentLength !== number) this.#seen |= faultBit
        head.contentLength = number
        return
      default: // forbidden, which `end` sees
    }
  }
}
