import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto'
import { AppError } from '../../domain/errors.ts'
import type { Fact } from '../../domain/fact.ts'
import { cacheKey, type KeptPair } from './cache-key.ts'
import { sealedBytes } from './sealed-bytes.ts'
import { isTextList, parseJson, readSealedFact, writeSealedFact } from './sealed-fact.ts'

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
const prefix = '~tg1.'
/** Length of an HMAC-SHA-256 in base64url. */
const macLength = 43
const keyInfo = 'tenantgate: seal of Redis entries, version 1'

/**
 * Makes a seal of secrets: closed with the first, opened with any, so that they can be rotated.
 * `TENANTGATE_CACHE_KEY`, where set, stands in place of them all.
 */
export function createSeal(secrets: readonly string[]): Seal {
  const keys = secrets.map(deriveKey)
  const [first] = keys
  if (first === undefined || secrets.includes('')) {
    throw new AppError(
      'CONFIG_INVALID',
      'entries in Redis need a key: none is set, or an empty one',
    )
  }
  return {
    close(pair, { fact, permissions, policyVersion }) {
      const json = Buffer.from(writeSealedFact(fact, policyVersion))
      const mac = macOf(first, sealedBytes(pair, permissions, json))
      const text = JSON.stringify([
        ...permissions,
        `${prefix}${json.toString('base64url')}.${mac.toString('base64url')}`,
      ])
      if (Buffer.byteLength(text) > maxEntryBytes) {
        throw new AppError('INPUT_INVALID', `${cacheKey(pair)} is too large an entry for Redis`)
      }
      return text
    },

    open(pair, bytes) {
      if (bytes.length > maxEntryBytes) return undefined
      const entry = parseJson(textOf(bytes))
      if (!isTextList(entry)) return undefined
      const permissions = entry.slice(0, -1)
      for (const permission of permissions) if (permission.startsWith(prefix)) return undefined
      const parts = partsOf(entry.at(-1))
      if (parts === undefined) return undefined
      const { json, mac } = parts
      const sealed = sealedBytes(pair, permissions, json)
      const holds = (key: KeyObject): boolean => {
        const expected = macOf(key, sealed)
        return expected.length === mac.length && timingSafeEqual(expected, mac)
      }
      return keys.some(holds) ? readSealedFact(json.toString()) : undefined
    },
  }
}

const textOf = ({ buffer, byteLength, byteOffset }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString()

/** The JSON and the HMAC of a seal, if it has the form of one. */
function partsOf(seal: string | undefined): { json: Buffer; mac: Buffer } | undefined {
  if (seal?.startsWith(prefix) !== true) return undefined
  const dot = seal.length - macLength - 1
  const [encoded, given] = [seal.slice(prefix.length, dot), seal.slice(dot + 1)]
  const [json, mac] = [Buffer.from(encoded, 'base64url'), Buffer.from(given, 'base64url')]
  // One text for each seal: decoding alone would overlook other characters and the spare bits of a
  // last digit.
  if (seal[dot] !== '.' || json.length === 0) return undefined
  if (json.toString('base64url') !== encoded || mac.toString('base64url') !== given)
    return undefined
  return { json, mac }
}

/** A key for this one purpose: what is sealed here can be no token, and no token a seal. */
function deriveKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', keyInfo, 32)))
}

function macOf(key: KeyObject, bytes: Uint8Array): Buffer {
  return createHmac('sha256', key).update(bytes).digest()
}
