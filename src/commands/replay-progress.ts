import type { WriteStream } from 'node:tty'

/** A bar on a terminal. */
export interface Progress {
  readonly show: (done: number, of: number) => void
  /** Takes it away. */
  readonly clear: () => void
}

/** Below this there is nothing to wait for, in bytes. */
const leastBytes = 64 * 1024 * 1024
const everyMs = 100
const barWidth = 30

/** Shows how far the reading of long inputs is, where somebody looks. */
export function createProgress(
  stream: Pick<WriteStream, 'isTTY' | 'write'>,
  monotonicNow: () => number = () => performance.now(),
): Progress {
  let shownAtMs = -Infinity
  let shown = false
  return {
    show(done, of) {
      if (!stream.isTTY || of < leastBytes || monotonicNow() - shownAtMs < everyMs) return
      shownAtMs = monotonicNow()
      shown = true
      const share = Math.min(1, done / of)
      const full = Math.round(share * barWidth)
      const bar = `${'█'.repeat(full)}${'░'.repeat(barWidth - full)}`
      stream.write(`\r${bar} ${Math.floor(share * 100)} % of ${Math.round(of / 1e6)} MB`)
    },
    clear() {
      if (shown) stream.write('\r\u001b[2K')
    },
  }
}
