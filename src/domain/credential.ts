/** Longest token that is looked at, in characters. */
const maxTokenLength = 16_384

/** RFC 7515 section 3.1; an unsigned token has an empty last part and fails at its signature. */
const compactJws = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/

/** A bearer token that has the form of a JWT, or why there is none. */
export type CredentialReading =
  | { readonly token: string }
  | { readonly refusal: 'missing_credential' | 'malformed_credential'; readonly why: string }

/**
 * Step 5 of a check: the one bearer token of an `authorization` header (RFC 6750 section 2.1).
 * Envoy joins repeated headers with a comma, which no token holds, so they are refused here.
 */
export function readCredential(header: string | undefined): CredentialReading {
  // Only what RFC 9110 section 5.6.3 calls white space: what is judged is what arrives upstream.
  const value = (header ?? '').replace(/^[ \t]+|[ \t]+$/g, '')
  if (value === '')
    return { refusal: 'missing_credential', why: 'there is no authorization header' }
  const malformed = (why: string): CredentialReading => ({ refusal: 'malformed_credential', why })
  if (value.length > maxTokenLength + 'Bearer '.length) {
    return malformed(`the token is longer than ${maxTokenLength} characters`)
  }
  const space = value.indexOf(' ')
  const scheme = space === -1 ? value : value.slice(0, space)
  if (scheme.toLowerCase() !== 'bearer') return malformed('the scheme is not Bearer')
  const token = space === -1 ? '' : value.slice(space).replace(/^ +/, '')
  return compactJws.test(token) ? { token } : malformed('the token is not one compact JWS')
}

const usualScheme = 'Bearer '

/**
 * An `authorization` header that has the usual form, unread: of use only to find what was remembered of
 * it once its token was read and verified, which then is exactly what the header carries.
 */
export function isUsual(header: string | undefined): header is string {
  return header?.startsWith(usualScheme) === true
}

/**
 * The header of the usual form that carries this token: the one that it came in, where that is such, for
 * to put another together costs more, and to look that up.
 */
export function usualHeader(token: string, header: string | undefined): string {
  return isUsual(header) && header.slice(usualScheme.length) === token
    ? header
    : usualScheme + token
}
