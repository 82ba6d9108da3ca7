import type { EndSignal } from '../../ports/end-signal.ts'

/** Tells those who work for a check that nobody waits for it any more. */
export class CheckEnd implements EndSignal {
  aborted = false
  /** Few: what waits for one thing does not wait for another. */
  private readonly listeners: (() => void)[] = []

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.aborted) this.listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.listeners.lastIndexOf(listener)
    if (at !== -1) this.listeners.splice(at, 1)
  }

  /** Calls each listener once; whoever comes later finds it aborted. Listeners must not throw. */
  abort(): void {
    if (this.aborted) return
    this.aborted = true
    // One after the other leaves the list: who is removed meanwhile is not called.
    for (let next = this.listeners.shift(); next !== undefined; next = this.listeners.shift()) {
      next()
    }
  }
}
