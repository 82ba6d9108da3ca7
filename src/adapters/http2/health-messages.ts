/** grpc.health.v1.HealthCheckResponse.ServingStatus. */
export const servingStatus = { serving: 1, notServing: 2, serviceUnknown: 3 } as const

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The `service` of a HealthCheckRequest, or undefined if the message is malformed. Other fields are
 * skipped; of several the last counts.
 */
export function readService(bytes: Uint8Array, start: number, end: number): string | undefined {
  const reader = new WireReader(bytes, start, end)
  let service = ''
  while (reader.at < end) {
    const tag = reader.varint()
    const wireType = tag & 7
    if (tag >>> 3 === 0) return undefined
    const from = reader.at
    if (!reader.skip(wireType)) return undefined
    if (tag !== ((1 << 3) | 2)) continue
    const value = new WireReader(bytes, from, end)
    const length = value.varint()
    try {
      service = utf8.decode(bytes.subarray(value.at, value.at + length))
    } catch {
      return undefined
    }
  }
  return service
}

/** A HealthCheckResponse. */
export function healthAnswer(status: number): Buffer {
  return Buffer.of((1 << 3) | 0, status)
}

/** A HealthListResponse that says the same of all services. */
export function healthList(services: readonly string[], status: number): Buffer {
  const value = healthAnswer(status)
  return Buffer.concat(
    services.map((name) => bytesField(1, Buffer.concat([nameOf(name), bytesField(2, value)]))),
  )
}

function nameOf(name: string): Buffer {
  return bytesField(1, Buffer.from(name))
}

/** A field of wire type 2; what is written here is shorter than 128 octets. */
function bytesField(number: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | 2, value.length), value])
}

/** Reads protobuf's wire format within bounds. */
class WireReader {
  at: number
  readonly #bytes: Uint8Array
  readonly #end: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.at = start
    this.#end = end
  }

  /** A number of at most 32 bits; NaN, which nothing equals, if there is none. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.#end) return NaN
      const octet = this.#bytes[this.at++] as number
      if (shift < 28) value += (octet & 127) << shift
      else if (shift === 28) value += (octet & 15) * 2 ** 28
      if (octet < 128) return value
    }
    return NaN
  }

  /** Passes over a value; false if it is not there, or of a type that is no more used. */
  skip(wireType: number): boolean {
    if (wireType === 0) return !Number.isNaN(this.varint())
    if (wireType === 1) this.at += 8
    else if (wireType === 2) {
      const length = this.varint() // reading it moves on, too
      this.at += length
    } else if (wireType === 5) this.at += 4
    else return false
    return this.at <= this.#end
  }
}
