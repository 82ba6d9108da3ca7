/** Longest id, in characters. */
export const maxIdLength = 255

const visibleAsciiNoComma = new RegExp(`^[\\x21-\\x2b\\x2d-\\x7e]{1,${maxIdLength}}$`)

/**
 * Whether a text can be the id of a user or an organization: 1 to 255 visible ASCII characters
 * without a comma (contract section 4, step 6). Ids go into headers and cache keys as they are.
 */
export function isId(text: unknown): text is string {
  return typeof text === 'string' && visibleAsciiNoComma.test(text)
}
