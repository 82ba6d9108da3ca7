/**
 * Reading a request path without interpreting it. Whatever two parsers could read differently is
 * refused instead of normalised (docs/adr/0002), so that the decision and the upstream always
 * speak of the same resource (CVE-2021-29492, CVE-2021-31920, CVE-2021-32779, CVE-2026-73511).
 */

/** Longest path, in characters and without its query, that is looked at. */
export const maxPathLength = 8192

/** Characters of a `{name}` segment: RFC 3986 pchar without `;` and percent-encoding. */
const plainSegment = /^[A-Za-z0-9._~\-:@!$&'()*+,=]+$/
const textSegment = /^(?:[A-Za-z0-9._~\-:@!$&'()*+,=]|%[0-9A-Fa-f]{2})+$/
const visibleAscii = /^[\x21-\x7e]*$/
/** The same as `plainSegment`, from wherever it is set to begin. */
const plainRun = /[A-Za-z0-9._~\-:@!$&'()*+,=]+/y
const dot = 0x2e
export const slash = 0x2f
const hiddenInText = /[/\\\x00-\x1f\x7f]|%[0-9A-Fa-f]{2}/

/** A path that has one reading, or why it has none. */
export type PathReading =
  | {
      readonly path: string
      /** What stands between the slashes; a trailing slash is an empty last segment. */
      readonly segments: readonly string[]
      /** Whether a `%` stands in it, which only a `{name:text}` segment may take. */
      readonly encoded: boolean
    }
  | { readonly refusal: 'bad_request' | 'ambiguous_path'; readonly why: string }

/** Where the path of a request target ends; its query plays no part in any decision. */
export function pathEnd(target: string): number {
  const query = target.indexOf('?')
  return query === -1 ? target.length : query
}

/** The part of a request target before its query. */
export function withoutQuery(target: string): string {
  return target.slice(0, pathEnd(target))
}

/** Steps 1 and 2 of a check as far as they concern the path (contract section 4). */
export function readPath(target: string): PathReading {
  const path = withoutQuery(target)
  if (path === '') return { refusal: 'bad_request', why: 'the path is missing' }
  if (path.length > maxPathLength) {
    return { refusal: 'bad_request', why: `the path is longer than ${maxPathLength} characters` }
  }
  const why = ambiguity(path)
  if (why !== undefined) return { refusal: 'ambiguous_path', why }
  return { path, segments: path.slice(1).split('/'), encoded: path.includes('%') }
}

/** Why a path (without its query) has more than one reading, `%` aside; undefined if it has one. */
export function ambiguity(path: string): string | undefined {
  if (!path.startsWith('/')) return 'it does not start with /'
  if (!visibleAscii.test(path)) return 'it holds characters outside visible ASCII'
  for (const character of ['\\', ';', '#']) {
    if (path.includes(character)) return `it holds ${character}`
  }
  if (path.includes('//')) return 'it holds an empty segment'
  for (const segment of path.split('/')) {
    if (isDotSegment(segment)) return `it holds the segment ${segment}`
  }
  return undefined
}

function isDotSegment(segment: string): boolean {
  return segment === '.' || segment === '..'
}

/**
 * Where the segment that begins here ends, if it is one that `{name}` takes; else -1. It ends before a
 * slash or at `end`, where the path ends within a longer text.
 */
export function plainSegmentEnd(text: string, start: number, end: number): number {
  plainRun.lastIndex = start
  if (!plainRun.test(text)) return -1
  const stop = plainRun.lastIndex
  if (stop < end ? text.charCodeAt(stop) !== slash : stop > end) return -1
  if (stop - start <= 2 && text.charCodeAt(start) === dot) {
    if (stop - start === 1 || text.charCodeAt(start + 1) === dot) return -1
  }
  return stop
}

/** Where the segment that begins here ends, whatever it holds. */
export function segmentEnd(text: string, start: number, end: number): number {
  const stop = text.indexOf('/', start)
  return stop === -1 || stop > end ? end : stop
}

/** Whether `{name}` takes this segment. */
export function isPlainSegment(segment: string): boolean {
  return plainSegment.test(segment) && !isDotSegment(segment)
}

/**
 * The text of a segment for `{name:text}`: percent-decoded once, or undefined where it is not
 * valid UTF-8 or hides something a second parser could see (a slash, a dot segment, a control
 * byte, a second layer of encoding).
 */
export function decodeTextSegment(segment: string): string | undefined {
  if (!textSegment.test(segment)) return undefined
  if (!segment.includes('%')) return isDotSegment(segment) ? undefined : segment
  let text: string
  try {
    text = decodeURIComponent(segment)
  } catch {
    return undefined // not UTF-8: two parsers would disagree, so nobody gets in with it
  }
  return hiddenInText.test(text) || isDotSegment(text) ? undefined : text
}
