import { hash } from 'node:crypto'
import type { CreateAuthenticate } from './ports/message-authentication.ts'

const algorithm = 'sha256'
/** RFC 2104 section 2, for SHA-256. */
const blockBytes = 64
const digestBytes = 32
const innerPad = 0x36
const outerPad = 0x5c
/** Kept for the next message, since most are small; what is larger gets its own. */
const usualBytes = 4_096

/**
 * HMAC-SHA-256 by RFC 2104, of two hashes. `createHmac` says the same, and takes three times as long for
 * a message of some hundred bytes: each call of it makes an object of OpenSSL's, which the garbage collector
 * has to free.
 */
export const createHmacSha256: CreateAuthenticate = (key) => {
  const inner = blockOf(key, innerPad, usualBytes)
  const outer = blockOf(key, outerPad, digestBytes)
  const digest = Buffer.allocUnsafeSlow(digestBytes)

  return (message) => {
    const end = blockBytes + message.length
    const bytes = end <= inner.length ? inner : roomFor(end)
    if (typeof message === 'string') bytes.write(message, blockBytes, 'latin1')
    else bytes.set(message, blockBytes)
    // By way of texts: a buffer for each digest would cost more than the digest.
    outer.write(hash(algorithm, bytes.subarray(0, end), 'latin1'), blockBytes, 'latin1')
    digest.write(hash(algorithm, outer, 'latin1'), 'latin1')
    return digest
  }

  function roomFor(length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length)
    inner.copy(bytes, 0, 0, blockBytes)
    return bytes
  }
}

/** A key with its pad, and room for so many bytes after it. */
function blockOf(key: Uint8Array, pad: number, room: number): Buffer {
  const block = Buffer.alloc(blockBytes + room)
  block.set(key.length > blockBytes ? hash(algorithm, key, 'buffer') : key)
  for (let at = 0; at < blockBytes; at += 1) block.writeUInt8(block.readUInt8(at) ^ pad, at)
  return block
}
