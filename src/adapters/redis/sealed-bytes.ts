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
export function sealedBytes(
  pair: KeptPair,
  permissions: readonly string[],
  json: Uint8Array,
): Uint8Array {
  const { organization, user } = pair
  let most = (user.length + organization.length) * bytesPerUnit + json.length + 4 * lengthBytes
  for (const { length } of permissions) most += length * bytesPerUnit + lengthBytes
  const bytes = most <= scratch.length ? scratch : Buffer.allocUnsafeSlow(most)
  let end = writeText(bytes, organization, writeText(bytes, user, 0))
  end = bytes.writeUInt32BE(permissions.length, end)
  for (const permission of permissions) end = writeText(bytes, permission, end)
  end = bytes.writeUInt32BE(json.length, end)
  bytes.set(json, end)
  return bytes.subarray(0, end + json.length)
}

/** Writes a text after its length; returns where it ends. */
function writeText(bytes: Buffer, text: string, start: number): number {
  const begin = start + lengthBytes
  const length = bytes.write(text, begin)
  bytes.writeUInt32BE(length, start)
  return begin + length
}
