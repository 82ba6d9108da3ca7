/** A line on its way to a stream. */
export interface QueuedLine {
  /** What the stream knows it by: of two with the same it keeps one. */
  readonly id: string
  readonly line: string
  readonly bytes: number
  readonly isPolicy: boolean
  /** The stream has it. Until all before it are there too, it stays in its place. */
  stored: boolean
}

/** Lines in their order, until a stream has them. Their bytes are bounded, policies aside. */
export interface DecisionQueue {
  /** Takes a line; false where there is no room for it. */
  readonly put: (id: string, line: string) => boolean
  /**
   * Takes a policy whatever is waiting. Of several in a row the last two stay: what was begun under
   * the one before may still come.
   */
  readonly putPolicy: (id: string, line: string) => void
  /** Puts a policy before all others, unless one is there. */
  readonly putFirst: (id: string, line: string) => void
  /** The line with that number; numbers are given in order and never change. */
  readonly at: (number: number) => QueuedLine | undefined
  /** The number of the oldest line, and that of the next one to come. */
  readonly range: () => { readonly first: number; readonly next: number }
  /** Says that a line is stored, or given up; what is now complete at the front is let go. */
  readonly settle: (number: number) => void
  readonly bytes: () => number
}

/** What a queue is bounded by, and what it tells. */
export interface DecisionQueueOptions {
  readonly maxBytes: number
  /** A line left the queue. */
  readonly onGone: (line: QueuedLine) => void
}

/** Room at the front of the array is given back when it is as long as this. */
const slack = 1_024

/** Makes an empty queue. */
export function createDecisionQueue({ maxBytes, onGone }: DecisionQueueOptions): DecisionQueue {
  let lines: (QueuedLine | undefined)[] = []
  /** How many at the front of the array are gone, and the number of its first place. */
  let gone = 0
  let base = 0
  let bytes = 0

  const at = (number: number): QueuedLine | undefined => lines[number - base]
  const make = (id: string, line: string, isPolicy: boolean): QueuedLine => {
    const size = Buffer.byteLength(line)
    bytes += size
    return { id, line, bytes: size, isPolicy, stored: false }
  }

  function letGo(): void {
    for (let line = lines[gone]; line?.stored === true; line = lines[gone]) {
      lines[gone] = undefined
      gone += 1
      bytes -= line.bytes
      onGone(line)
    }
    if (gone < slack || gone * 2 < lines.length) return
    lines = lines.slice(gone)
    base += gone
    gone = 0
  }

  return {
    put(id, line) {
      if (bytes + Buffer.byteLength(line) > maxBytes) return false
      lines.push(make(id, line, false))
      return true
    },
    putPolicy(id, line) {
      const [former, last] = lines.slice(Math.max(gone, lines.length - 2))
      if (former?.isPolicy === true && last?.isPolicy === true) {
        former.stored = true // nobody needs it any more
      }
      lines.push(make(id, line, true))
      letGo()
    },
    putFirst(id, line) {
      if (lines[gone]?.isPolicy === true) return
      if (gone === 0) {
        base -= 1
        lines.unshift(make(id, line, true))
      } else {
        gone -= 1
        lines[gone] = make(id, line, true)
      }
    },
    at,
    range: () => ({ first: base + gone, next: base + lines.length }),
    settle(number) {
      const line = at(number)
      if (line === undefined) return
      line.stored = true
      letGo()
    },
    bytes: () => bytes,
  }
}
