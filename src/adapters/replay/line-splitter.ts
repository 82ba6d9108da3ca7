import { isUtf8 } from 'node:buffer'
import type { RecordedDecision } from '../../domain/recorded.ts'
import { PlainDecisionReader } from './plain-decision-reader.ts'

/** A longer line is broken: memory must not grow with what somebody wrote without a line end. */
const maxLineBytes = 8 * 1024 * 1024
const lineFeed = 0x0a
const byteOrderMark = 0xfeff

/** Told of each line that is not empty, where it begins, and how long it is. */
export interface LineHandler {
  readonly value: (value: unknown, at: number, bytes: number) => void
  /**
   * Told of decisions of the plain form instead, where it is given. Their texts are cut out of the
   * bytes around them and hold those: whoever keeps one keeps a copy.
   */
  readonly decision?: (decision: RecordedDecision, at: number) => void
  /** It is no JSON text (RFC 8259), or too long. */
  readonly broken: (at: number) => void
}

/** Takes the bytes of a log, cut anywhere. */
export interface LineSplitter {
  readonly push: (chunk: Buffer) => void
  /** Takes what is left as the last line. */
  readonly end: () => void
}

/** Splits bytes into lines and parses each; `begin` is the place of the first byte. */
export function createLineSplitter(handler: LineHandler, begin = 0): LineSplitter {
  const { broken, decision, value } = handler
  const plain = decision && new PlainDecisionReader()
  /** Where the next chunk begins, and the line that is not whole yet. */
  let place = begin
  let lineAt = begin
  let parts: Buffer[] = []
  let partBytes = 0

  function keep(rest: Buffer): void {
    partBytes += rest.length
    if (partBytes > maxLineBytes) parts = []
    else parts.push(Buffer.from(rest)) // a copy: the chunk may be used again
  }
  function takeParts(rest: Buffer): void {
    const bytes = partBytes + rest.length
    if (bytes > maxLineBytes) broken(lineAt)
    else take(Buffer.concat([...parts, rest], bytes), 0, bytes)
    parts = []
    partBytes = 0
  }
  function take(bytes: Buffer, from: number, to: number): void {
    if (to - from > maxLineBytes) {
      broken(lineAt)
      return
    }
    let text = bytes.toString('utf8', from, to)
    if (lineAt === 0 && text.charCodeAt(0) === byteOrderMark) text = text.slice(1)
    const parsed = parse(text)
    // What is no UTF-8 was replaced: the text is not what was written.
    const lost = text.includes('\ufffd') && !isUtf8(bytes.subarray(from, to))
    if (parsed !== undefined && !lost) value(parsed, lineAt, to - from)
    else if (lost || text.trim() !== '') broken(lineAt)
  }
  /** Takes the lines at a place that are of the plain form; returns where the first other begins. */
  function takePlain(from: number): number {
    while (plain !== undefined && from < plain.end) {
      const read = plain.read(from)
      if (read === undefined || plain.lineEnd - from > maxLineBytes) break
      decision?.(read, lineAt)
      from = plain.lineEnd + 1
      lineAt = place + from
    }
    return from
  }
  return {
    push(chunk) {
      let from = 0
      plain?.begin(chunk)
      for (;;) {
        if (partBytes === 0) from = takePlain(from)
        const to = chunk.indexOf(lineFeed, from)
        if (to === -1) break
        if (partBytes > 0) takeParts(chunk.subarray(from, to))
        else take(chunk, from, to)
        from = to + 1
        lineAt = place + from
      }
      if (from < chunk.length) keep(chunk.subarray(from))
      place += chunk.length
    },
    end() {
      if (partBytes > 0) takeParts(Buffer.alloc(0))
    },
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
