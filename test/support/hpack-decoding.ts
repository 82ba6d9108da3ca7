import { createHpackDecoder, type HpackDecoder } from '../../src/adapters/http2/hpack-decoder.ts'
import { createRequestHead, type RequestHead } from '../../src/adapters/http2/hpack-request-head.ts'

/** The paths that the decoders of these tests know. */
export const path = '/envoy.service.auth.v3.Authorization/Check'
export const otherPath = '/grpc.health.v1.Health/Check'

/** A decoder whose table is empty. */
export function newDecoder(maxListBytes = 16_384): HpackDecoder {
  return createHpackDecoder({ knownPaths: [otherPath, path], maxListBytes })
}

/** What becomes of a header block. */
export function decode(
  octets: readonly number[],
  decoder = newDecoder(),
): { readonly result: ReturnType<HpackDecoder['decode']>; readonly head: RequestHead } {
  const head = createRequestHead()
  // Not at the beginning of its buffer, and not to its end.
  const bytes = Uint8Array.from([0x83, 0x84, ...octets, 0x86, 0x87])
  return { result: decoder.decode(bytes, 2, bytes.length - 2, head), head }
}
