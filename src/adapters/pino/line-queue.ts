/** Lines are gathered into pages of so many bytes and written a page at a time. */
const pageBytes = 64 * 1024
const lineBreak = 0x0a

/** Whole lines that are written together. */
export interface Chunk {
  readonly bytes: Buffer
  readonly lines: number
  /** It is a policy alone: what a file that is begun after it must hold at its head. */
  readonly isPolicy: boolean
}

/** Lines that wait to be written, oldest first. Their bytes are bounded, policies aside. */
export interface LineQueue {
  /** Takes a line and ends it; false where there is no room for it. */
  readonly put: (line: string) => boolean
  /** Takes a policy whatever is waiting; of several in a row only the last is kept. */
  readonly putPolicy: (line: string) => void
  /** Whether a chunk is complete, so that nothing is gained by waiting for more. */
  readonly isReady: () => boolean
  /** Takes out the oldest lines; undefined where there are none. */
  readonly take: () => Chunk | undefined
  /** What was taken out is done with: written, or given up. */
  readonly settle: (chunk: Chunk) => void
  /** Bytes that wait, with those taken out and not settled. */
  readonly bytes: () => number
  readonly lines: () => number
}

/** Makes an empty queue for so many bytes. */
export function createLineQueue(maxBytes: number): LineQueue {
  const complete: Chunk[] = []
  let page = Buffer.alloc(0)
  /** Where the lines that wait in the page begin and end. */
  let begin = 0
  let end = 0
  let linesInPage = 0
  let waitingBytes = 0
  let waitingLines = 0

  function seal(): void {
    if (end === begin) return
    complete.push({ bytes: page.subarray(begin, end), lines: linesInPage, isPolicy: false })
    begin = end
    linesInPage = 0
  }

  function count(bytes: number, lines: number): void {
    waitingBytes += bytes
    waitingLines += lines
  }
  return {
    put(line) {
      const bytes = Buffer.byteLength(line) + 1
      if (waitingBytes + bytes > maxBytes) return false
      if (end + bytes > page.length) {
        seal()
        page = Buffer.allocUnsafeSlow(Math.max(pageBytes, bytes))
        begin = end = 0
      }
      page.write(line, end)
      end += bytes
      page[end - 1] = lineBreak
      linesInPage += 1
      count(bytes, 1)
      return true
    },
    putPolicy(line) {
      seal()
      const last = complete.at(-1)
      if (last?.isPolicy === true) {
        complete.pop()
        count(-last.bytes.length, -last.lines)
      }
      const chunk = { bytes: Buffer.from(`${line}\n`), lines: 1, isPolicy: true }
      complete.push(chunk)
      count(chunk.bytes.length, 1)
    },
    isReady: () => complete.length > 0,
    take() {
      if (complete.length === 0) seal()
      return complete.shift()
    },
    settle({ bytes, lines }) {
      count(-bytes.length, -lines)
      if (waitingBytes === 0) begin = end = 0 // nothing refers to the page any more
    },
    bytes: () => waitingBytes,
    lines: () => waitingLines,
  }
}
