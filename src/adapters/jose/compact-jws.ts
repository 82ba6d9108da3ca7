import * as base64url from 'jose/base64url'
import { decodeProtectedHeader } from 'jose/decode/protected_header'
import type { TokenVerdict } from '../../domain/evaluate.ts'

/** A compact JWS (RFC 7515 section 7.1) that was taken apart. Nothing of it is verified. */
export interface CompactJws {
  readonly header: Readonly<Record<string, unknown>>
  /** What was signed: header and payload as they came, in ASCII. */
  readonly signingInput: string
  /** In base64url. */
  readonly payload: string
  readonly signature: Uint8Array
}

/** The last header that was read, with the dot after it: an issuer's tokens share theirs. */
let lastText = ''
let lastHeader: CompactJws['header'] = {}

/** The header of a token; throws a TypeError where it has none. */
function headerOf(token: string, end: number): CompactJws['header'] {
  if (lastText === '' || !token.startsWith(lastText)) {
    lastHeader = decodeProtectedHeader(token)
    lastText = token.slice(0, end + 1)
  }
  return lastHeader
}

/**
 * Bytes of base64url. What Node.js reads and would write the same way is read right, in a tenth of the time
 * that jose takes; of anything else, where Node.js passes over what is no digit or takes it for one,
 * jose judges. Throws a TypeError.
 */
function bytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : base64url.decode(text)
}

/** Takes a token apart by jose's own rules; undefined: it is no compact JWS, or not in plain form. */
export function readCompactJws(token: string): CompactJws | undefined {
  const headerEnd = token.indexOf('.')
  const payloadEnd = token.lastIndexOf('.')
  if (token.indexOf('.', headerEnd + 1) !== payloadEnd || headerEnd === payloadEnd) return undefined
  try {
    const header = headerOf(token, headerEnd)
    // No extension is understood: neither `b64`, the one that jose knows, nor any other.
    if (header['crit'] !== undefined) return undefined
    return {
      header,
      signingInput: token.slice(0, payloadEnd),
      payload: token.slice(headerEnd + 1, payloadEnd),
      signature: bytesOf(token.slice(payloadEnd + 1)),
    }
  } catch (error) {
    // jose says so of text that is no base64url, no UTF-8, no JSON object.
    if (error instanceof TypeError) return undefined
    throw error
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** What a JWS says whose signature holds, or why it is no token. */
export function claimsOf({ header, payload }: CompactJws): TokenVerdict {
  let claims: unknown
  try {
    claims = JSON.parse(utf8.decode(bytesOf(payload)))
  } catch {
    return { why: 'its payload is no JSON' } // signed by the issuer all the same: no token of ours
  }
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
    return { why: 'its payload is no JSON object' }
  }
  return { header, claims: claims as Record<string, unknown> }
}
