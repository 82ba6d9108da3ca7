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
