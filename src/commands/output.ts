/** Writes a line of results to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Writes results as JSON to standard output. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** Writes a line of diagnostics to standard error. */
export function complain(text: string): void {
  process.stderr.write(`${text}\n`)
}

/**
 * What somebody else wrote, for a terminal: nothing in it moves the cursor, turns the direction of
 * writing or looks like a line of its own.
 */
export function harmless(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u{${code.toString(16)}}`
  })
}
