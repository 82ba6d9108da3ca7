import { extensionKeys } from '../../domain/extension.ts'
import type { MapEntry } from './map-entry.ts'
import type { ProtobufReader } from './protobuf-reader.ts'
import { holdsAt, type RememberedTexts } from './remembered-texts.ts'

const keys = extensionKeys.map((key) => ({ key, bytes: new Uint8Array(Buffer.from(key)) }))

/** Collects those of a route's `context_extensions` that play a part; an operator may write others. */
export class AskedExtensions {
  readonly #texts: RememberedTexts
  #found: Map<string, readonly [start: number, end: number]> | undefined

  constructor(texts: RememberedTexts) {
    this.#texts = texts
  }

  /** Forgets the request before. */
  reset(): void {
    this.#found = undefined
  }

  /** An entry of the map; the last of a key holds. */
  put(reader: ProtobufReader, { keyEnd, keyStart, valueEnd, valueStart }: MapEntry): void {
    for (const { bytes, key } of keys) {
      if (!holdsAt(bytes, reader.bytes, keyStart, keyEnd)) continue
      this.#found ??= new Map()
      this.#found.set(key, [valueStart, valueEnd])
    }
  }

  /** The extensions; undefined where there are none. */
  values(reader: ProtobufReader): ReadonlyMap<string, string> | undefined {
    if (this.#found === undefined) return undefined
    const values = new Map<string, string>()
    for (const [key, [start, end]] of this.#found) {
      values.set(key, this.#texts.read(reader, start, end))
    }
    return values
  }
}
