import type { LineQueue } from './line-queue.ts'
import { createLogOutlet, type LogOutlet } from './log-outlet.ts'

/** Lines wait for others so long at most, in ms. */
const flushEveryMs = 100
const brokenRetryMs = 100
/** How long the last lines may take to be written at the end, in ms. */
const lastLinesMs = 2_000

/** Empties a queue into a sink, in the background, for as long as it takes. */
export interface LogWriter {
  /** To be told after something was put into the queue. */
  readonly nudge: () => void
  /** The last try to write failed. */
  readonly isBroken: () => boolean
  readonly reopen: () => void
  readonly writtenLines: () => number
  readonly rotations: () => number
  /** Writes what is left, for a bounded time; gives the number of lines that stayed behind. */
  readonly close: () => Promise<number>
}

/** What a writer rests on. */
export interface LogWriterDeps {
  readonly queue: Pick<LineQueue, 'isReady' | 'lines' | 'settle' | 'take'>
  /** `stdout` or a file. */
  readonly sink: string
  readonly maxBytes: number | undefined
  readonly keep: number
  readonly onFault: (cause: unknown) => void
}

/** Begins to write. */
export function createLogWriter({ queue, ...rest }: LogWriterDeps): LogWriter {
  let broken = false
  let closing = false
  let stopped = false
  let writtenLines = 0
  let flushDue = false
  let flushTimer: NodeJS.Timeout | undefined
  let wake: () => void = () => undefined
  let resume: () => void = () => undefined
  const outlet: LogOutlet = createLogOutlet({
    ...rest,
    monotonicNow: () => performance.now(),
    pause,
  })
  const running = run()

  async function run(): Promise<void> {
    while (!stopped) {
      if (!(await attempt(outlet.prepare))) continue
      if (!queue.isReady() && !flushDue && !closing) {
        await new Promise<void>((resolve) => (wake = resolve))
        continue
      }
      flushDue = queue.isReady() && flushDue
      const chunk = queue.take()
      if (chunk === undefined) {
        if (closing) return
        continue
      }
      while (!(await attempt(() => outlet.write(chunk)))) if (isStopped()) return
      writtenLines += chunk.lines
      queue.settle(chunk)
    }
  }

  function isStopped(): boolean {
    return stopped
  }

  /** Tries once; false, after a pause, where the sink failed. A sink that fails at the end is left. */
  async function attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      broken = false
      return true
    } catch (cause) {
      if (stopped) return false
      broken = true
      rest.onFault(cause)
      if (closing) stopped = true
      else await pause(brokenRetryMs).catch(() => undefined)
      return false
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      resume = () => {
        clearTimeout(timer)
        if (stopped) reject(new Error('the decision log was closed'))
        else resolve()
      }
      const timer = setTimeout(resume, ms).unref()
    })
  }

  function flush(): void {
    flushTimer = undefined
    flushDue = true
    wake()
  }

  return {
    nudge() {
      if (queue.isReady()) wake()
      flushTimer ??= setTimeout(flush, flushEveryMs).unref()
    },
    isBroken: () => broken,
    reopen() {
      outlet.reopen()
      wake()
    },
    writtenLines: () => writtenLines,
    rotations: outlet.rotations,
    async close() {
      closing = true
      clearTimeout(flushTimer)
      wake()
      resume()
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, lastLinesMs)))
      const ended = running.then(outlet.close) // nothing else may close what is being written
      await Promise.race([ended, late])
      clearTimeout(timer)
      stopped = true
      resume()
      return queue.lines()
    },
  }
}
