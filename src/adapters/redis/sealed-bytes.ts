import type { KeptPair } from './cache-key.ts'

/** Kept for the next, since most entries are small; what is larger gets its own. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024)
/** UTF-8 takes at most so many bytes for a unit of UTF-16. */
const bytesPerUnit = 3
const lengthBytes = 4

/**
 * All that a seal covers: user, organization, permissions and JSON, each after its length, the
 * permissions after their count, so that it is unambiguous where each ends. Valid until the next call.
 */
export function sealedBytes(pair: KeptPair, list: SealedList, json: Uint8Array): Uint8Array {
  const { organization, user } = pair
  const most = (user.length + organization.length) * bytesPerUnit + 3 * lengthBytes
  const bytes = bytesFor(most + list.length + json.length)
  let end = writeText(bytes, organization, writeText(bytes, user, 0))
  bytes.set(list, end)
  end = bytes.writeUInt32BE(json.length, end + list.length)
  bytes.set(json, end)
  return bytes.subarray(0, end + json.length)
}

/** Permissions as a seal covers them. */
export type SealedList = Uint8Array

/** Their count, and each after its length. */
export function sealedList(permissions: readonly string[]): SealedList {
  let most = lengthBytes
  for (const { length } of permissions) most += length * bytesPerUnit + lengthBytes
  const bytes = bytesFor(most)
  let end = bytes.writeUInt32BE(permissions.length, 0)
  for (const permission of permissions) end = writeText(bytes, permission, end)
  return Buffer.from(bytes.subarray(0, end))
}

function bytesFor(length: number): Buffer {
  return length <= scratch.length ? scratch : Buffer.allocUnsafeSlow(length)
}

/** Writes a text after its length; returns where it ends. */
function writeText(bytes: Buffer, text: string, start: number): number {
  const begin = start + lengthBytes
  const length = bytes.write(text, begin)
  bytes.writeUInt32BE(length, start)
  return begin + length
}
