/**
 * How an output differs from what a page shows of it; undefined: not at all. `…` in a line stands for
 * anything within it, a line of `…` alone for any number of lines.
 */
export function differenceFromShown(shown: string, output: string): string | undefined {
  const lines = shown.trimEnd().split('\n')
  const pattern = lines.map((line) => (line.trim() === '…' ? '(?:.*\\n)*?' : `${lineOf(line)}\\n`))
  const written = `${output.trimEnd()}\n`
  if (new RegExp(`^${pattern.join('')}$`).test(written)) return undefined
  const known = written.split('\n')
  const missing = lines.filter(
    (line) =>
      line.trim() !== '…' && !known.some((one) => new RegExp(`^${lineOf(line)}$`).test(one)),
  )
  return `shown but not written:\n${missing.join('\n')}\nwritten:\n${written}`
}

const lineOf = (line: string): string =>
  line
    .trimEnd()
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')

/** Whether a value is what a page shows of it: `"…"` stands for any value, a key `"…"` for others. */
export function isShown(shown: unknown, value: unknown): boolean {
  if (shown === '…') return true
  if (typeof shown === 'string' && shown.includes('…')) {
    return typeof value === 'string' && new RegExp(`^${lineOf(shown)}$`).test(value)
  }
  if (typeof shown !== 'object' || shown === null) return shown === value
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(shown) !== Array.isArray(value)) return false
  const [expected, actual] = [new Map(Object.entries(shown)), new Map(Object.entries(value))]
  const others = expected.delete('…')
  return (
    (others || expected.size === actual.size) &&
    [...expected].every(([key, one]) => actual.has(key) && isShown(one, actual.get(key)))
  )
}
