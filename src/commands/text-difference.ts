const shown = 6

/**
 * The first place where two texts differ, as a short diff; undefined where they are equal. Lines of
 * the file carry `-`, those that it should have `+`.
 */
export function textDifference(found: string, wanted: string): string | undefined {
  if (found === wanted) return undefined
  const [left, right] = [found.split('\n'), wanted.split('\n')]
  const first = left.findIndex((line, at) => line !== right[at])
  const from = first === -1 ? left.length : first
  let [leftEnd, rightEnd] = [left.length, right.length]
  while (leftEnd > from && rightEnd > from && left[leftEnd - 1] === right[rightEnd - 1]) {
    leftEnd -= 1
    rightEnd -= 1
  }
  return [
    `line ${from + 1}:`,
    ...marked('-', left.slice(from, leftEnd)),
    ...marked('+', right.slice(from, rightEnd)),
  ].join('\n')
}

function marked(mark: string, lines: readonly string[]): readonly string[] {
  const more = lines.length - shown
  const all = lines.slice(0, shown).map((line) => `${mark} ${line}`)
  return more > 0 ? [...all, `${mark} … ${more} more`] : all
}
