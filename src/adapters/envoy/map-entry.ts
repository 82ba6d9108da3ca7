import type { ProtobufReader } from './protobuf-reader.ts'

/** Tags of the two fields of a map's entry; both are texts here. */
const keyTag = 0x0a
const valueTag = 0x12
const definedFields = 0b110

/** Where key and value of an entry of a `map<string, string>` stand. One object serves all entries. */
export class MapEntry {
  keyStart = 0
  keyEnd = 0
  valueStart = 0
  valueEnd = 0

  set(keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    this.keyStart = keyStart
    this.keyEnd = keyEnd
    this.valueStart = valueStart
    this.valueEnd = valueEnd
  }

  /** Reads the entry at the reader's place, up to `end`. What is absent is empty; the last holds. */
  read(reader: ProtobufReader, end: number): void {
    this.keyStart = this.keyEnd = this.valueStart = this.valueEnd = reader.at
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === keyTag) {
        this.keyEnd = reader.enter(end)
        this.keyStart = reader.at
        reader.at = this.keyEnd
      } else if (tag === valueTag) {
        this.valueEnd = reader.enter(end)
        this.valueStart = reader.at
        reader.at = this.valueEnd
      } else reader.skip(tag, end, definedFields)
    }
  }
}
