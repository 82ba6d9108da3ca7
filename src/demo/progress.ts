/** Tells a person what is being waited for. */
export interface Progress {
  readonly step: (text: string) => void
  readonly done: () => void
}

const redrawEveryMs = 100
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/** On a terminal one line with the time that the step has taken; else a line a step. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  let current: { readonly text: string; readonly sinceMs: number } | undefined
  let timer: NodeJS.Timeout | undefined
  let frame = 0
  const seconds = (sinceMs: number): string =>
    `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`
  function draw(): void {
    if (current === undefined) return
    frame = (frame + 1) % frames.length
    stream.write(`\r\x1b[K${frames[frame] ?? ''} ${current.text} (${seconds(current.sinceMs)})`)
  }
  function finish(): void {
    if (current === undefined) return
    const line = `${current.text} (${seconds(current.sinceMs)})\n`
    stream.write(stream.isTTY ? `\r\x1b[K✓ ${line}` : line)
    current = undefined
  }
  return {
    step(text) {
      finish()
      current = { text, sinceMs: performance.now() }
      if (stream.isTTY) timer ??= setInterval(draw, redrawEveryMs)
    },
    done() {
      finish()
      clearInterval(timer)
    },
  }
}
