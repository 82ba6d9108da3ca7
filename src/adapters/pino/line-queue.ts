/** Lines are gathered into pages of so many bytes and written a page at a time. */
const pageBytes = 256 * 1024
const lineBreak = 0x0a

/** Whole lines that are written together. */
export interface Chunk {
  readonly bytes: Buffer
  readonly lines: number
  /** It is a policy alone: what a file that is begun after it must hold at its head. */
  readonly isPolicy: boolean
}

/** A piece of memory that lines are written into, and the chunks of it that are not settled. */
interface Page {
  readonly bytes: Buffer
  chunks: number
}

interface PageChunk extends Chunk {
  readonly page: Page
}

/** Pages that are kept for the next lines: a new one for each costs more than the lines in it. */
const maxSparePages = 16
/** The most bytes that UTF-8 takes for a UTF-16 code unit. */
const longestUnit = 3

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
  const spare: Page[] = []
  let page: Page = { bytes: Buffer.alloc(0), chunks: 0 }
  /** Where the lines that wait in the page begin and end. */
  let begin = 0
  let end = 0
  let linesInPage = 0
  let waitingBytes = 0
  let waitingLines = 0

  function seal(): void {
    if (end === begin) return
    const bytes = page.bytes.subarray(begin, end)
    const chunk: PageChunk = { bytes, lines: linesInPage, isPolicy: false, page }
    page.chunks += 1
    complete.push(chunk)
    begin = end
    linesInPage = 0
  }

  function count(bytes: number, lines: number): void {
    waitingBytes += bytes
    waitingLines += lines
  }

  /** Goes on in a page with room for so many bytes. */
  function turnPage(bytes: number): void {
    seal()
    if (page.chunks === 0) keepSpare(page)
    const used = bytes <= pageBytes ? spare.pop() : undefined
    page = used ?? { bytes: Buffer.allocUnsafeSlow(Math.max(pageBytes, bytes)), chunks: 0 }
    begin = end = 0
  }

  function keepSpare(done: Page): void {
    if (done.bytes.length === pageBytes && spare.length < maxSparePages) spare.push(done)
  }

  function release(done: Page): void {
    done.chunks -= 1
    if (done.chunks > 0) return
    if (done !== page) keepSpare(done)
    else if (begin === end) begin = end = 0 // nothing refers to the page any more
  }

  return {
    put(line) {
      // Measuring a line costs as much as writing it: only where it may not fit is it measured.
      const most = line.length * longestUnit + 1
      const isAmple = waitingBytes + most <= maxBytes && end + most <= page.bytes.length
      if (!isAmple) {
        const needed = Buffer.byteLength(line) + 1
        if (waitingBytes + needed > maxBytes) return false
        if (end + needed > page.bytes.length) turnPage(needed)
      }
      const bytes = page.bytes.write(line, end) + 1
      end += bytes
      page.bytes[end - 1] = lineBreak
      linesInPage += 1
      count(bytes, 1)
      return true
    },
    putPolicy(line) {
      seal()
      // Under the one before the last, checks may still be under way.
      const spare = complete.at(-2)
      if (spare?.isPolicy === true && complete.at(-1)?.isPolicy === true) {
        complete.splice(-2, 1)
        count(-spare.bytes.length, -spare.lines)
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
    settle(chunk) {
      count(-chunk.bytes.length, -chunk.lines)
      if (isOfPage(chunk)) release(chunk.page)
    },
    bytes: () => waitingBytes,
    lines: () => waitingLines,
  }
}

function isOfPage(chunk: Chunk): chunk is PageChunk {
  return 'page' in chunk
}
