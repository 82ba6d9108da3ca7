/**
 * Reads a text that is JSON and names no key of an object twice; undefined: it is for YAML's parser,
 * which says what is wrong. `JSON.parse` alone would take the last of two values without a word.
 */
export function parseJson(text: string): { readonly value: unknown } | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return keysOf(value) === membersOf(text) ? { value } : undefined
}

/** Keys that are in a value, however deep. */
function keysOf(value: unknown): number {
  const left = [value]
  let keys = 0
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (typeof one !== 'object' || one === null) continue
    const values: readonly unknown[] = Object.values(one)
    if (!Array.isArray(one)) keys += values.length
    for (const inner of values) left.push(inner)
  }
  return keys
}

/** Members that a text of JSON writes into its objects: its colons outside of texts. */
function membersOf(text: string): number {
  let members = 0
  let isInText = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (isInText && character === '\\')
      at += 1 // what it escapes ends nothing
    else if (character === '"') isInText = !isInText
    else if (character === ':' && !isInText) members += 1
  }
  return members
}
