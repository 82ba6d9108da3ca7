import type { LogFile } from './log-files.ts'

/** A whole line and where it begins. */
export interface LogLine {
  readonly offset: number
  readonly text: string
}

/** Lines that were read at once, the last one first, and where what was read begins. */
export interface LogLines {
  readonly begin: number
  readonly bytes: number
  readonly lines: readonly LogLine[]
}

const chunkBytes = 64 * 1024
/** A line that is longer is none of a decision log, and is passed over. */
const maxLineBytes = 1024 * 1024
const newline = 0x0a

/** Reads a file towards its beginning. What stands before `from` without an end of line is left out. */
export async function* readBackward(file: LogFile, from: number): AsyncGenerator<LogLines> {
  /** The beginning of what was read, up to the first end of line: the end of a line. */
  let rest = Buffer.alloc(0)
  let begin = from
  while (begin > 0) {
    const start = Math.max(0, begin - chunkBytes)
    const chunk = await file.read(start, begin - start)
    const bytes = rest.length === 0 ? chunk : Buffer.concat([chunk, rest])
    const { first, lines } = linesOf(bytes, start)
    const length = begin - start
    begin = start
    rest = Buffer.from(bytes.subarray(0, first))
    // Without its end, what is left of the line is taken for none.
    if (rest.length > maxLineBytes) rest = Buffer.alloc(0)
    yield { begin, bytes: length, lines }
  }
}

/** The whole lines of some bytes; `first` is where the first of them begins. */
function linesOf(
  bytes: Buffer,
  start: number,
): { readonly first: number; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = []
  let end = bytes.lastIndexOf(newline)
  if (end === -1) return { first: bytes.length, lines }
  for (;;) {
    const before = end === 0 ? -1 : bytes.lastIndexOf(newline, end - 1)
    if (before === -1 && start > 0) return { first: end + 1, lines }
    lines.push({ offset: start + before + 1, text: bytes.toString('utf8', before + 1, end) })
    if (before === -1) return { first: 0, lines }
    end = before
  }
}
