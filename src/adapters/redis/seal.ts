import { hkdfSync, timingSafeEqual } from 'node:crypto'
import { AppError } from '../../domain/errors.ts'
import type { Fact } from '../../domain/fact.ts'
import type { Authenticate, CreateAuthenticate } from '../../ports/message-authentication.ts'
import { cacheKey, type KeptPair } from './cache-key.ts'
import { createPermissionLists, sealPrefix } from './permission-lists.ts'
import { sealedBytes, sealedList } from './sealed-bytes.ts'
import { readSealedFact, writeSealedFact } from './sealed-fact.ts'

/** Writes entries that other services read as an array of permissions, and opens only its own. */
export interface Seal {
  /** The text of an entry. Throws `INPUT_INVALID` where it would be too large to be opened again. */
  readonly close: (pair: KeptPair, contents: Contents) => string
  /** The fact that this service sealed for this very pair, else undefined. Never throws. */
  readonly open: (pair: KeptPair, bytes: Uint8Array) => Fact | undefined
}

/** What an entry says. */
export interface Contents {
  readonly fact: Fact
  /** What other services go by; nothing is decided from it here. */
  readonly permissions: readonly string[]
  readonly policyVersion: string
}

/** Entries beyond this size are neither written nor parsed. */
export const maxEntryBytes = 64 * 1024
/** The seal is the last element of a JSON array of texts. */
const sealBegin = `"${sealPrefix}`
const sealEnd = '"]'
/** Length of an HMAC-SHA-256 in base64url. */
const codeLength = 43
const keyInfo = 'tenantgate: seal of Redis entries, version 1'

/**
 * Makes a seal of secrets: closed with the first, opened with any, so that they can be rotated.
 * `TENANTGATE_CACHE_KEY`, where set, stands in place of them all.
 */
export function createSeal(
  secrets: readonly string[],
  createAuthenticate: CreateAuthenticate,
): Seal {
  const keys = secrets.map((secret) => createAuthenticate(deriveKey(secret)))
  const [first] = keys
  if (first === undefined || secrets.includes('')) {
    throw new AppError(
      'CONFIG_INVALID',
      'entries in Redis need a key: none is set, or an empty one',
    )
  }
  const lists = createPermissionLists()
  return {
    close(pair, { fact, permissions, policyVersion }) {
      const json = Buffer.from(writeSealedFact(fact, policyVersion))
      const code = Buffer.from(first(sealedBytes(pair, sealedList(permissions), json)))
      const text = JSON.stringify([
        ...permissions,
        `${sealPrefix}${json.toString('base64url')}.${code.toString('base64url')}`,
      ])
      if (Buffer.byteLength(text) > maxEntryBytes) {
        throw new AppError('INPUT_INVALID', `${cacheKey(pair)} is too large an entry for Redis`)
      }
      return text
    },

    open(pair, bytes) {
      if (bytes.length > maxEntryBytes) return undefined
      const parts = partsOf(textOf(bytes))
      if (parts === undefined) return undefined
      const { code, json } = parts
      const list = lists.read(parts.list)
      if (list === undefined) return undefined
      const sealed = sealedBytes(pair, list, json)
      const holds = (authenticate: Authenticate): boolean => {
        const expected = authenticate(sealed)
        return expected.length === code.length && timingSafeEqual(expected, code)
      }
      return keys.some(holds) ? readSealedFact(json.toString()) : undefined
    },
  }
}

const textOf = ({ buffer, byteLength, byteOffset }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString()

/** An entry, taken apart. */
interface Parts {
  /** What stands before the seal. */
  readonly list: string
  readonly json: Buffer
  readonly code: Buffer
}

/** The parts of an entry in the one form in which they are written; undefined: it has another. */
function partsOf(text: string): Parts | undefined {
  const begin = text.lastIndexOf(sealBegin)
  const end = text.length - sealEnd.length
  const dot = end - codeLength - 1
  const jsonBegin = begin + sealBegin.length
  if (begin === -1 || dot <= jsonBegin || !text.endsWith(sealEnd) || text[dot] !== '.') {
    return undefined
  }
  const json = bytesOf(text.slice(jsonBegin, dot))
  const code = bytesOf(text.slice(dot + 1, end))
  if (json === undefined || code === undefined) return undefined
  return { list: text.slice(0, begin), json, code }
}

/**
 * The bytes of a text in base64url. One text for each seal: decoding alone would overlook other characters
 * and the spare bits of a last digit.
 */
function bytesOf(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/** A key for this one purpose: what is sealed here can be no token, and no token a seal. */
function deriveKey(secret: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', keyInfo, 32))
}
